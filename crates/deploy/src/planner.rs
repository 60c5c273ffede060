//! From a bundle and what is live to the steps of a plan.

use crate::body::{Wanted, masked};
use crate::compare::{Difference, against, is_default_policy, is_returned};
use crate::deletion;
use crate::engine::Engine;
use crate::id::Id;
use crate::inventory::{Deployed, Made, short};
use crate::live::{Live, Picture, digest};
use crate::plan::{Action, Step};
use crate::resources::Resource;
use crate::risk;
use crate::service::Service;
use crate::state::{Baseline, shortened};
use flux_apim_diag::excerpt;
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a difference is called that is no property of an API.
pub(crate) const BUILT_IN_GATEWAY: &str = "built-in gateway";

/// What the planner knows while it goes through the bundle.
pub(crate) struct Planner<'a, S> {
    pub(crate) engine: &'a Engine<'a, S>,
    pub(crate) picture: &'a Picture,
    /// The owner's inventory, by id.
    pub(crate) own: HashMap<&'a Id, &'a Deployed>,
    /// What others deployed.
    pub(crate) claims: &'a BTreeMap<Id, String>,
    pub(crate) problems: Vec<String>,
    pub(crate) missing: BTreeMap<String, Vec<Id>>,
    pub(crate) uncompared: usize,
}

impl<S: Service> Planner<'_, S> {
    /// What is to be done with a resource of the bundle.
    pub(crate) fn step(&mut self, resource: &Resource) -> Result<Step, String> {
        let id = &resource.id;
        let wanted = self.engine.composer().wanted(resource)?;
        let live = self.picture.live.get(id);
        let entry = self.own.get(id).copied();
        let mut step = Step {
            id: id.clone(),
            action: Action::None,
            differences: Vec::new(),
            notes: Vec::new(),
            renamed: None,
            live: live.map(|live| digest(&masked(id, &live.properties, &wanted.secrets))),
            digest: short(&wanted.digest),
            made: entry.map_or(Made::Before, |entry| entry.made),
            imports: false,
            has_secrets: !resource.secrets.is_empty(),
            off_built_in_gateway: false,
            covers: Vec::new(),
            after: Vec::new(),
            tier: 0,
            claims: None,
            seen: live.cloned(),
        };
        if let Some(owner) = self.claims.get(id) {
            self.problems.push(format!(
                "{id} is deployed by `{owner}` already, and is in this bundle of `{}` too: one \
                 resource has one owner. Take it out of one of the two",
                self.engine.asked.owner
            ));
        }
        if id.is_built_in() {
            step.action = Action::Kept;
            step.notes
                .push("Azure makes it, and it is never written".to_owned());
            return Ok(step);
        }
        if let Some(parameter) = &resource.only_with
            && self.engine.secrets.reveal(parameter).is_none()
        {
            step.action = Action::Kept;
            step.notes
                .push(format!("left as it is: `{parameter}` was not given"));
            return Ok(step);
        }
        if let Some(other) = self.picture.other_names.get(id) {
            step.notes
                .push(format!("the same link is there as {other}"));
            return Ok(step);
        }
        // It can go back to what it was: every new service has the same.
        let untouched = |live: &&Live| {
            id.kind() == Some(Kind::ServicePolicy)
                && is_default_policy(live.properties["value"].as_str().unwrap_or(""))
        };
        if entry.is_none() && live.as_ref().is_some_and(untouched) {
            step.made = Made::Ours;
        }
        match live {
            None => {
                step.action = Action::Create;
                step.made = Made::Ours;
                step.imports = resource.has_definition();
                step.claims = deletion::claim(id, &wanted.properties);
                if id.types() == "products" {
                    let note = "the subscription and the link to `administrators` that Azure adds to a new \
                                product are removed";
                    step.notes.push(note.to_owned());
                }
            }
            Some(_) if id.is_link() => {}
            Some(live) => self.compare(resource, &wanted, live, entry, &mut step),
        }
        self.built_in_gateway(resource, &mut step);
        if step.made == Made::Begun && id.is_link() {
            step.made = Made::Ours;
        }
        if matches!(step.action, Action::Create | Action::Change) {
            for parameter in &wanted.missing {
                self.missing
                    .entry(parameter.clone())
                    .or_default()
                    .push(id.clone());
            }
        }
        Ok(step)
    }

    /// Notes that an API is taken off the built-in gateway, where it is or will be on it.
    fn built_in_gateway(&self, resource: &Resource, step: &mut Step) {
        let Some(link) = resource.built_in_gateway() else {
            return;
        };
        if step.action == Action::Create {
            step.off_built_in_gateway = true;
            step.notes
                .push("it is taken off the built-in gateway, on which Azure puts it".to_owned());
        } else if self.picture.live.contains_key(&link) {
            step.off_built_in_gateway = true;
            step.action = Action::Change;
            step.differences.push(Difference {
                path: BUILT_IN_GATEWAY.to_owned(),
                live: Some("on it".into()),
                wanted: Some("off it".into()),
                uncertain: false,
            });
            step.notes
                .push("calls through the built-in gateway end".to_owned());
        }
    }

    fn compare(
        &mut self,
        resource: &Resource,
        wanted: &Wanted,
        live: &Live,
        entry: Option<&Deployed>,
        step: &mut Step,
    ) {
        let id = &resource.id;
        let shown = masked(id, &live.properties, &wanted.secrets);
        let baseline = self.engine.state.and_then(|state| state.get(id));
        let deployed = entry.is_some_and(|entry| entry.digest == step.digest);
        let mut found = against(id, &wanted.properties, &live.properties, &wanted.secrets);
        if step.made == Made::Begun {
            // Made by the deployment that was cut, when it is what that was about to make.
            step.made = match found.iter().all(|difference| difference.uncertain) {
                true => Made::Ours,
                false => Made::Before,
            };
            if step.made == Made::Before {
                step.notes.push(
                    "whether the deployment that was cut made it is not known: it counts as \
                     somebody else's, and is never deleted"
                        .to_owned(),
                );
            }
        }
        let vault = &live.properties["keyVault"]["lastStatus"];
        if let Some(code) = vault["code"].as_str()
            && !code.eq_ignore_ascii_case("Success")
        {
            step.notes.push(format!(
                "the service could not read its secret from the key vault: {} {}",
                excerpt(code, 100),
                excerpt(vault["message"].as_str().unwrap_or(""), 300)
            ));
        }
        match baseline {
            Some(baseline) => {
                let drift = baseline.drift(id, &shown);
                let same = baseline.digest == step.digest;
                // What differs from what was sent last time was changed in the bundle; the
                // rest is as the service stored it, or somebody changed it since.
                let now = shortened(&masked(id, &wanted.properties, &wanted.secrets));
                let changed = changed(id, &now, &baseline.sent);
                found.retain(|d| d.is_secret() || (!same && changed(&d.path)));
                for difference in &mut found {
                    difference.uncertain = false;
                }
                let known: BTreeSet<String> = found.iter().map(|d| d.path.clone()).collect();
                found.extend(
                    drift
                        .into_iter()
                        .filter(|d| !known.contains(&d.path))
                        .map(|d| Difference {
                            uncertain: false,
                            ..d
                        }),
                );
            }
            None if deployed => found.iter_mut().for_each(|d| d.uncertain = true),
            None => {}
        }
        if resource.has_definition() {
            found.extend(self.definition(resource, wanted, baseline, entry, step));
        }
        let given = |at: &&String| wanted.properties.pointer(at).is_some_and(|v| !v.is_null());
        let back = |at: &String| live.properties.pointer(at).is_some_and(is_returned);
        let silent = wanted
            .secrets
            .iter()
            .filter(given)
            .filter(|at| !back(at))
            .count();
        self.uncompared += silent;
        if silent > 0 && self.engine.asked.refresh {
            found.push(Difference {
                path: "secrets".to_owned(),
                live: None,
                wanted: Some(crate::body::MASKED.into()),
                uncertain: true,
            });
        }
        step.action = match (found.is_empty(), found.iter().all(|d| d.uncertain)) {
            (true, _) => Action::None,
            (false, true) if !self.engine.asked.refresh => Action::Uncertain,
            (false, _) => Action::Change,
        };
        if step.action == Action::Change {
            step.notes.extend(risk::of_change(
                id,
                &live.properties,
                &wanted.properties,
                &found,
            ));
            if entry.is_none() {
                step.notes.push(
                    "it was there before the first deployment, and is never deleted".to_owned(),
                );
            }
        }
        step.imports &= step.action == Action::Change;
        step.differences = found;
    }

    /// Where the definition of an API differs, which the service does not give back.
    fn definition(
        &self,
        resource: &Resource,
        wanted: &Wanted,
        baseline: Option<&Baseline>,
        entry: Option<&Deployed>,
        step: &mut Step,
    ) -> Vec<Difference> {
        let unknown = |uncertain: bool| Difference {
            path: "definition".to_owned(),
            live: None,
            wanted: Some(shortened(&wanted.properties["value"])),
            uncertain,
        };
        let Some(baseline) = baseline else {
            // An import that was cut may have come to nothing.
            let imported = |e: &&Deployed| e.digest == step.digest && e.made != Made::Begun;
            step.imports = entry.is_none_or(|entry| !imported(&entry));
            return match (entry, step.imports) {
                (Some(_), false) => Vec::new(),
                (Some(_), true) => vec![unknown(false)],
                (None, _) => vec![unknown(true)],
            };
        };
        let mut found = Vec::new();
        if shortened(&wanted.properties["value"]) != baseline.sent["value"] {
            found.push(Difference {
                live: Some(baseline.sent["value"].clone()),
                ..unknown(false)
            });
        }
        let declared = |name: &str| {
            let operation = resource.id.child("operations", name);
            operation.is_some_and(|operation| self.engine.resources.place(&operation).is_some())
        };
        if let Some(now) = self.picture.operations.get(&resource.id) {
            for (name, digest) in baseline
                .operations
                .iter()
                .filter(|(name, _)| !declared(name))
            {
                let live = match now.get(name) {
                    Some(live) if live == digest => continue,
                    Some(_) => "somebody changed it",
                    None => "somebody deleted it",
                };
                found.push(Difference {
                    path: format!("operations.{name}"),
                    live: Some(live.into()),
                    wanted: Some("as the definition has it".into()),
                    uncertain: false,
                });
            }
            let added = now
                .keys()
                .filter(|name| !baseline.operations.contains_key(*name) && !declared(name));
            let added: Vec<&str> = added.map(String::as_str).collect();
            if !added.is_empty() {
                let added = added.join(", ");
                step.notes.push(match found.is_empty() {
                    true => format!("somebody added operations, which are left: {added}"),
                    false => format!("the import of the definition removes operations that somebody added: {added}"),
                });
            }
        }
        step.imports = !found.is_empty();
        found
    }

    /// The import of a definition makes the operations of its API anew: those that the bundle
    /// describes are written again.
    pub(crate) fn imports(&self, steps: &mut [Step]) {
        let imported = steps
            .iter()
            .filter(|s| s.imports && s.action == Action::Change);
        let imported: Vec<Id> = imported.map(|step| step.id.clone()).collect();
        let imported: BTreeSet<Id> = imported.into_iter().collect();
        for step in steps.iter_mut() {
            let again = matches!(step.action, Action::None | Action::Uncertain)
                && step.id.kind() == Some(Kind::ApiOperation)
                && step.id.parent().is_some_and(|api| imported.contains(&api));
            if again {
                step.action = Action::Change;
                step.notes.push(
                    "written again: the import of its API's definition makes it anew".to_owned(),
                );
            }
        }
    }

    /// Edges between steps, from those of the bundle.
    pub(crate) fn order(&self, steps: &mut [Step]) {
        let list = &self.engine.resources.list;
        for (step, resource) in steps.iter_mut().zip(list) {
            let edges = resource.depends_on.iter();
            step.after = edges
                .map(|&before| (before, is_needed(resource, &list[before])))
                .collect();
        }
    }
}

/// Whether `resource` needs `before`, or only waits until it has been written: what locks the
/// same API or product stands in a chain. A release needs all of its API.
fn is_needed(resource: &Resource, before: &Resource) -> bool {
    let shared = resource
        .locks
        .iter()
        .any(|lock| before.locks.contains(lock));
    let named = resource
        .references
        .iter()
        .any(|(_, to)| to.as_ref() == Some(&before.id));
    let links = resource.id.is_link() && resource.id.name().eq_ignore_ascii_case(before.id.name());
    !shared
        || named
        || links
        || resource.id.is_below(&before.id)
        || resource.id.kind() == Some(Kind::ApiRelease)
        || before.id.kind() == Some(Kind::Api)
}

/// Whether the place with a path is another one in `wanted` than in `sent`, or holds or is
/// part of one that is.
fn changed(id: &Id, wanted: &Json, sent: &Json) -> impl Fn(&str) -> bool + use<> {
    let found = crate::compare::between(id, sent, wanted);
    let paths: Vec<String> = found
        .into_iter()
        .map(|difference| difference.path)
        .collect();
    move |path: &str| {
        let below = |path: &str, above: &str| {
            path.strip_prefix(above)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        paths
            .iter()
            .any(|other| below(path, other) || below(other, path))
    }
}
