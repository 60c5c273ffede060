//! From a bundle and a service to a plan.

use crate::body::{Composer, Secrets, Texts, Wanted, masked};
use crate::caller::{Caller, Failure};
use crate::compare::{Difference, against, is_default_policy, is_returned};
use crate::deletion;
use crate::id::Id;
use crate::inventory::{Deployed, Found, Inventories, Inventory, Made, PREFIX, head, short};
use crate::live::{Live, Picture, Reader, below, digest};
use crate::plan::{Action, Asked, Ownership, Plan, Step};
use crate::resources::{Resource, Resources};
use crate::risk;
use crate::service::Service;
use crate::state::{Baseline, State, shortened};
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that a plan is made of.
#[derive(Clone, Copy)]
pub struct Engine<'a, S> {
    /// The service, reached as somebody.
    pub service: &'a S,
    /// Its full id: `/subscriptions/.../providers/Microsoft.ApiManagement/service/NAME`.
    pub service_id: &'a str,
    /// What the bundle deploys.
    pub resources: &'a Resources,
    /// Its long texts.
    pub texts: &'a dyn Texts,
    /// Values that are not in it.
    pub secrets: &'a dyn Secrets,
    /// What is asked for.
    pub asked: &'a Asked,
    /// Baselines of earlier deployments, where they are kept.
    pub state: Option<&'a State>,
}

impl<S> std::fmt::Debug for Engine<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("service_id", &self.service_id)
            .field("asked", self.asked)
            .finish_non_exhaustive()
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service could not be read.
    #[error("read what is live: {0}")]
    Read(#[from] Failure),
    /// The bundle lacks something.
    #[error("read the bundle: {0}")]
    Bundle(String),
    /// A newer flux-apim deployed here.
    #[error(
        "the inventory of `{owner}` in the service was written by a newer flux-apim (version \
         {version} of its form): deploy with that one"
    )]
    Newer {
        /// Whose inventory.
        owner: String,
        /// Version of its form.
        version: u64,
    },
}

/// What stands for what the service does not say of itself.
const UNSAID: &str = "not said";

/// A service, as far as it matters to whoever deploys to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its tier: `Developer`, `Consumption`, `StandardV2`.
    pub tier: String,
    /// What Azure does with it: `Succeeded` when nothing.
    pub state: String,
}

impl About {
    /// Whether it takes changes.
    pub fn is_ready(&self) -> bool {
        ["Succeeded", UNSAID]
            .iter()
            .any(|state| self.state.eq_ignore_ascii_case(state))
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.tier, self.state)
    }
}

/// What the planner knows while it goes through the bundle.
struct Planner<'a, S> {
    engine: &'a Engine<'a, S>,
    picture: &'a Picture,
    /// The owner's inventory, by id.
    own: HashMap<&'a Id, &'a Deployed>,
    /// What others deployed.
    claims: &'a BTreeMap<Id, String>,
    problems: Vec<String>,
    missing: BTreeMap<String, Vec<Id>>,
    uncompared: usize,
}

impl<S: Service> Engine<'_, S> {
    pub(crate) fn caller(&self) -> Caller<'_, S> {
        Caller::new(self.service, &self.resources.api_version)
    }

    pub(crate) fn composer(&self) -> Composer<'_> {
        Composer {
            texts: self.texts,
            secrets: self.secrets,
            service: self.service_id,
        }
    }

    /// The service itself.
    ///
    /// # Errors
    /// When it is not there, or may not be read.
    pub async fn about(&self) -> Result<About, Failure> {
        let Some(answer) = self.caller().get("", &[]).await? else {
            return Err(Failure::absent("GET the service"));
        };
        let text = |value: &Json| value.as_str().unwrap_or(UNSAID).to_owned();
        Ok(About {
            tier: text(&answer.body["sku"]["name"]),
            state: text(&answer.body["properties"]["provisioningState"]),
        })
    }

    /// Compares the bundle with what is live, and says what is to be done. Writes nothing.
    ///
    /// # Errors
    /// When the service cannot be read, the bundle lacks a text, or a newer flux-apim
    /// deployed here.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let inventories = self.inventories().await?;
        let owner = &self.asked.owner;
        let (ownership, before, generation) = self.ownership(&inventories)?;
        let mut claims = BTreeMap::new();
        let mut unread = Vec::new();
        let foreign = |of: &&String| *of != owner && **of != head(owner);
        for (other, found) in inventories.of.iter().filter(|(of, _)| foreign(of)) {
            match found {
                Found::Whole { inventory, .. } => {
                    let ids = inventory.entries.iter().map(|entry| entry.id.clone());
                    claims.extend(ids.map(|id| (id, other.clone())));
                }
                _ => unread.push(other.clone()),
            }
        }
        let picture = self.picture(&before).await?;
        let mut planner = Planner {
            engine: self,
            picture: &picture,
            own: before
                .entries
                .iter()
                .map(|entry| (&entry.id, entry))
                .collect(),
            claims: &claims,
            problems: Vec::new(),
            missing: BTreeMap::new(),
            uncompared: 0,
        };
        let mut steps = Vec::new();
        if !self.asked.destroy {
            for resource in &self.resources.list {
                let step = planner.step(resource).map_err(Error::Bundle)?;
                steps.push(step);
            }
            planner.imports(&mut steps);
            planner.order(&mut steps);
        }
        let Planner {
            mut problems,
            missing,
            uncompared,
            ..
        } = planner;
        for (parameter, ids) in missing {
            let what = self.resources.secrets.get(&parameter);
            let what = what.map_or(String::new(), |p| format!(" ({})", p.description));
            let ids: Vec<&str> = ids.iter().map(Id::as_str).take(5).collect();
            problems.push(format!(
                "the secret `{parameter}`{what} is missing, and {} would be written with it: name \
                 it with --secret {parameter}=env:VARIABLE or {parameter}=file:PATH",
                ids.join(", ")
            ));
        }
        let mut remembered = Vec::new();
        if ownership == Ownership::Known {
            remembered = deletion::plan(self, &before, &picture, &mut steps).await?;
        }
        // What is live and no longer in the bundle is never known to be ours.
        let unsettled = before
            .entries
            .iter()
            .filter(|entry| entry.made == Made::Begun)
            .any(|entry| {
                let in_bundle = self.resources.place(&entry.id).is_some() && !self.asked.destroy;
                in_bundle || !picture.live.contains_key(&entry.id)
            });
        let mut plan = Plan {
            unsettled,
            service: self.service_id.to_owned(),
            asked: self.asked.clone(),
            ownership,
            steps,
            problems,
            uncompared,
            generation,
            leftovers: inventories.old_parts(owner),
            remembered,
            before,
        };
        if let Ownership::Unknown(why) = &plan.ownership
            && !self.asked.adopt
            && (!plan.is_empty() || self.asked.destroy)
        {
            plan.problems.push(format!(
                "who made what is there is not known: {why}. Nothing is written, so that nothing \
                 of somebody else is taken over or deleted. --adopt goes on: what is there counts \
                 as somebody else's from then on, is changed where the bundle says so, and is \
                 never deleted"
            ));
        }
        if !unread.is_empty() && !plan.is_empty() {
            plan.problems.push(format!(
                "what {} deployed here cannot be read: a resource of the bundle may be theirs. \
                 Deploy theirs again first",
                unread.join(", ")
            ));
        }
        Ok(plan)
    }

    /// Inventories of all who deploy into this service.
    async fn inventories(&self) -> Result<Inventories, Failure> {
        let filter = format!("startswith(displayName,'{PREFIX}')");
        let mut values = BTreeMap::new();
        let take = |item: Json| {
            let name = item["name"].as_str().unwrap_or("");
            if name.starts_with(PREFIX) {
                let value = item["properties"]["value"].as_str().map(str::to_owned);
                values.insert(name.to_owned(), value);
            }
        };
        let query = [("$filter", filter.as_str())];
        self.caller().list("namedValues", &query, take).await?;
        Ok(Inventories::read(&values))
    }

    fn ownership(
        &self,
        inventories: &Inventories,
    ) -> Result<(Ownership, Inventory, Option<String>), Error> {
        let owner = &self.asked.owner;
        let found = inventories
            .of
            .get(owner)
            .or_else(|| inventories.of.get(&head(owner)));
        Ok(match found {
            Some(Found::Whole {
                inventory,
                generation,
            }) => (
                Ownership::Known,
                inventory.clone(),
                Some(generation.clone()),
            ),
            Some(Found::Unreadable(why)) => {
                let why = format!("the inventory of `{owner}` is damaged, {why}");
                (Ownership::Unknown(why), Inventory::default(), None)
            }
            Some(Found::Newer(version)) => {
                return Err(Error::Newer {
                    owner: owner.clone(),
                    version: *version,
                });
            }
            Some(Found::None) | None => {
                let deployed = self.state.is_some_and(|state| !state.is_empty());
                match deployed {
                    true => {
                        let why = format!(
                            "`{owner}` deployed here before, as its state says, and its inventory \
                             (the named value {}) is gone",
                            head(owner)
                        );
                        (Ownership::Unknown(why), Inventory::default(), None)
                    }
                    false => (Ownership::First, Inventory::default(), None),
                }
            }
        })
    }

    /// What is live of the bundle's resources and of those that were deployed before.
    async fn picture(&self, before: &Inventory) -> Result<Picture, Failure> {
        let deployed = before.entries.iter().map(|entry| entry.id.clone());
        let mut wanted: BTreeSet<Id> = deployed.collect();
        let mut targets = BTreeMap::new();
        let mut definitions = BTreeSet::new();
        if !self.asked.destroy {
            for resource in &self.resources.list {
                wanted.insert(resource.id.clone());
                let in_workspace = resource.id.types().starts_with("workspaces/");
                if in_workspace
                    && resource.id.is_link()
                    && let Some((_, Some(to))) = resource.references.first()
                {
                    targets.insert(resource.id.clone(), below(to.as_str()));
                }
                let known = self.state.and_then(|state| state.get(&resource.id));
                if resource.has_definition() && known.is_some_and(|b| !b.operations.is_empty()) {
                    definitions.insert(resource.id.clone());
                }
            }
        }
        let reader = Reader {
            caller: self.caller(),
            wanted,
            definitions,
            targets,
            state: self.state,
        };
        reader.read().await
    }
}

impl<S: Service> Planner<'_, S> {
    /// What is to be done with a resource of the bundle.
    fn step(&mut self, resource: &Resource) -> Result<Step, String> {
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
    fn imports(&self, steps: &mut [Step]) {
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
    fn order(&self, steps: &mut [Step]) {
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
