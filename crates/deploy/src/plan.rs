//! What is to be done, and why: the difference between a bundle and a service, step by step.

use crate::compare::Difference;
use crate::id::Id;
use crate::inventory::Made;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is not there, and is made.
    Create,
    /// It differs, and is written.
    Change,
    /// A deployment of this owner made it, and it is no longer in the bundle.
    Delete,
    /// It differs in what may be only the service's way of storing it: it is written only
    /// when that is asked for.
    Uncertain,
    /// It should be written or deleted, and is left as it is, for a reason that is said.
    Kept,
    /// It is as it should be.
    None,
}

impl Action {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Uncertain => "uncertain",
            Self::Kept => "kept",
            Self::None => "none",
        }
    }

    /// Whether it writes.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Change | Self::Delete)
    }
}

/// One resource of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// The resource.
    pub id: Id,
    /// What happens to it.
    pub action: Action,
    /// Where it differs; of a change and of what is uncertain.
    pub differences: Vec<Difference>,
    /// Why it is kept, what is riskier than it looks, what else is done with it.
    pub notes: Vec<String>,
    /// The resource that it was, or becomes, under another name.
    pub renamed: Option<Id>,
    /// Digest of what is live, without secrets; none when nothing is.
    pub live: Option<String>,
    /// Short digest of what is deployed, for the inventory.
    pub(crate) digest: String,
    /// How it came to be, for the inventory.
    pub(crate) made: Made,
    /// Whether the API's definition is sent: that makes its operations anew.
    pub(crate) imports: bool,
    /// Whether it is written with secrets.
    pub(crate) has_secrets: bool,
    /// Whether it is an API that is taken off the gateway that is built into the service.
    pub(crate) off_built_in_gateway: bool,
    /// What goes with it when it is deleted.
    pub(crate) covers: Vec<Id>,
    /// Steps that come before it. `true`: it needs them; `false`: they only write the same.
    pub(crate) after: Vec<(usize, bool)>,
    /// When it is done: 0 with what is written, later ones are deletions that wait until all
    /// of that went well, one tier after the other.
    pub(crate) tier: usize,
    /// What no other resource may have at the same time, of what is made.
    pub(crate) claims: Option<String>,
    /// What it was when it was read.
    pub(crate) seen: Option<crate::live::Live>,
}

/// What is known of the owner's inventory in the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing was deployed yet.
    First,
    /// It is whole.
    Known,
    /// It is lost or damaged, for this reason: nothing is deleted, and nothing that is there
    /// is taken over.
    Unknown(String),
}

/// What a deployment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whose deployment it is: the name under which the inventory lies in the service.
    pub owner: String,
    /// Digest of the bundle.
    pub bundle: String,
    /// Whether everything that this owner made is to go.
    pub destroy: bool,
    /// Whether what is uncertain is written too.
    pub refresh: bool,
    /// Whether what is there is taken over although the inventory is lost.
    pub adopt: bool,
    /// Resources that may be deleted although consumers have keys to them.
    pub allow_delete: BTreeSet<Id>,
    /// Resources that are never deleted: ids in which `*` stands for any text.
    pub protect: Vec<String>,
}

/// A plan: what is done to a service so that it is what a bundle says.
#[derive(Debug)]
pub struct Plan {
    /// Full id of the service.
    pub service: String,
    /// What was asked for.
    pub asked: Asked,
    /// What is known of who made what.
    pub ownership: Ownership,
    /// Each resource of the bundle in its order, then what is deleted in the order of that.
    pub steps: Vec<Step>,
    /// Why nothing may be written at all.
    pub problems: Vec<String>,
    /// Secrets that the service does not give back, and which are therefore not compared.
    pub uncompared: usize,
    /// Whether the inventory still says of something that it is about to be made.
    pub(crate) unsettled: bool,
    /// Generation of the inventory that was read.
    pub(crate) generation: Option<String>,
    /// Named values of inventories that were not finished.
    pub(crate) leftovers: Vec<String>,
    /// What the inventory says beside the steps, and goes on to say.
    pub(crate) remembered: Vec<crate::inventory::Deployed>,
    /// The inventory that was read.
    pub(crate) before: crate::inventory::Inventory,
}

/// How many steps of each action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Written.
    pub change: usize,
    /// Deleted.
    pub delete: usize,
    /// Not known to differ.
    pub uncertain: usize,
    /// Left for a reason.
    pub kept: usize,
    /// As it should be.
    pub none: usize,
}

impl Plan {
    /// Whether it writes nothing.
    pub fn is_empty(&self) -> bool {
        !self.unsettled && !self.steps.iter().any(|step| step.action.writes())
    }

    /// What going back to this bundle does not bring back: what was deleted with what is made
    /// anew, and what the bundle never held.
    pub fn does_not_return(&self) -> Vec<String> {
        let writes = |step: &&Step| matches!(step.action, Action::Create | Action::Change);
        let mut lost: Vec<String> = self
            .steps
            .iter()
            .filter(writes)
            .filter_map(crate::risk::of_return)
            .collect();
        lost.extend(
            self.steps
                .iter()
                .filter(|step| step.action == Action::Kept && step.made == Made::Ours)
                .map(|step| format!("{} stays, which this bundle does not have", step.id)),
        );
        lost
    }

    /// Counts by action.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            *match step.action {
                Action::Create => &mut counts.create,
                Action::Change => &mut counts.change,
                Action::Delete => &mut counts.delete,
                Action::Uncertain => &mut counts.uncertain,
                Action::Kept => &mut counts.kept,
                Action::None => &mut counts.none,
            } += 1;
        }
        counts
    }

    /// Where it is another than the one that was written to `saved` ([`Plan::to_json`]).
    /// Empty when applying it does exactly what was written.
    pub fn departs_from(&self, saved: &Json) -> Vec<String> {
        let now = self.to_json();
        let mut found = Vec::new();
        for key in [
            "version",
            "service",
            "owner",
            "bundle",
            "asked",
            "inventory",
        ] {
            if now[key] != saved[key] {
                found.push(format!(
                    "{key}: the plan has {}, now it is {}",
                    saved[key], now[key]
                ));
            }
        }
        let steps = |plan: &Json| -> Vec<(String, Json)> {
            let steps = plan["steps"].as_array().into_iter().flatten();
            let named = steps.map(|step| {
                (
                    step["id"].as_str().unwrap_or("").to_lowercase(),
                    step.clone(),
                )
            });
            named.collect()
        };
        let (old, new) = (steps(saved), steps(&now));
        if old
            .iter()
            .map(|(id, _)| id)
            .eq(new.iter().map(|(id, _)| id))
        {
            for ((_, old), (_, new)) in old.iter().zip(&new).filter(|(old, new)| old != new) {
                found.push(differs(old, new));
            }
            return found;
        }
        let old: std::collections::BTreeMap<String, Json> = old.into_iter().collect();
        let new: std::collections::BTreeMap<String, Json> = new.into_iter().collect();
        for (id, step) in &new {
            match old.get(id) {
                None => found.push(format!("{} {}: not in the plan", word(step), id)),
                Some(before) if before != step => found.push(differs(before, step)),
                Some(_) => {}
            }
        }
        for (id, step) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
            found.push(format!(
                "{} {id}: in the plan, no longer to be done",
                word(step)
            ));
        }
        if found.is_empty() {
            found.push("the steps are in another order".to_owned());
        }
        found
    }
}

fn word(step: &Json) -> &str {
    step["action"].as_str().unwrap_or("?")
}

fn differs(old: &Json, new: &Json) -> String {
    let id = new["id"].as_str().unwrap_or("");
    match word(old) == word(new) {
        true if old["live"] != new["live"] => {
            format!(
                "{} {id}: the resource was changed since the plan was made",
                word(new)
            )
        }
        true => format!(
            "{} {id}: what is to be done with it is not the same",
            word(new)
        ),
        false => format!("{id}: the plan has {}, now it is {}", word(old), word(new)),
    }
}
