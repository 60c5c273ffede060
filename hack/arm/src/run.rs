//! Deploys what was expanded: what may start when, over any store.
//!
//! [`Schedule`] is for those that run things themselves, at once or over a network; [`run`]
//! is the whole of a deployment over a [`Store`] that answers at once.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::context::{Context, Mode, Place};
use crate::error::ArmError;
use crate::expand::{Expanded, Resource};
use crate::id;
use crate::state::{Group, State};

/// Deployments inside of deployments: documented for the service is no limit, this keeps
/// the stack bounded.
const MAX_NESTING: usize = 16;

/// Which resources of a template may start, as others are done. Resources go by their place
/// in [`Expanded::resources`].
#[derive(Debug)]
pub struct Schedule {
    left: Vec<usize>,
    followers: Vec<Vec<usize>>,
    ready: VecDeque<usize>,
    running: HashSet<usize>,
    blocked: bool,
}

impl Schedule {
    /// Nothing has started.
    pub fn new(expanded: &Expanded) -> Self {
        let places: HashMap<String, usize> = expanded
            .resources
            .iter()
            .enumerate()
            .map(|(at, resource)| (id::key(&resource.id), at))
            .collect();
        let mut followers = vec![Vec::new(); expanded.resources.len()];
        let mut left = Vec::with_capacity(expanded.resources.len());
        for (at, resource) in expanded.resources.iter().enumerate() {
            let mut count = 0;
            for before in &resource.depends_on {
                if let Some(list) = places
                    .get(&id::key(before))
                    .and_then(|before| followers.get_mut(*before))
                {
                    list.push(at);
                    count += 1;
                }
            }
            left.push(count);
        }
        let ready = (0..left.len())
            .filter(|at| left.get(*at) == Some(&0))
            .collect();
        Self {
            left,
            followers,
            ready,
            running: HashSet::new(),
            blocked: false,
        }
    }

    /// A resource that may start, in the order of the template; it counts as running then.
    pub fn start(&mut self) -> Option<usize> {
        let next = self.ready.pop_front()?;
        self.running.insert(next);
        Some(next)
    }

    /// A resource is there: what waited for it last may start.
    pub fn done(&mut self, at: usize) {
        if !self.running.remove(&at) {
            return;
        }
        for follower in self.followers.get(at).into_iter().flatten() {
            if let Some(count) = self.left.get_mut(*follower) {
                *count -= 1;
                if *count == 0 {
                    self.ready.push_back(*follower);
                }
            }
        }
    }

    /// A resource failed: what waits for it never starts, the rest goes on.
    pub fn failed(&mut self, at: usize) {
        self.blocked |= self.running.remove(&at);
    }

    /// How many run now.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether nothing runs and nothing more can start.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.ready.is_empty()
    }

    /// Whether something failed.
    pub fn has_failed(&self) -> bool {
        self.blocked
    }
}

/// What resources are written to.
pub trait Store: Group {
    /// Creates or replaces a resource.
    ///
    /// # Errors
    /// What the provider of the resource refuses.
    fn put(&mut self, resource: &Resource, body: Value) -> Result<(), ArmError>;

    /// Deletes a resource.
    ///
    /// # Errors
    /// What the provider of the resource refuses.
    fn delete(&mut self, id: &str) -> Result<(), ArmError>;
}

/// What a deployment did.
#[derive(Debug, Default, PartialEq)]
pub struct Deployed {
    /// Ids that started together, round by round; nested ones are listed by their deployment.
    pub rounds: Vec<Vec<String>>,
    /// Ids that complete mode deleted.
    pub deleted: Vec<String>,
    /// `properties.outputs`.
    pub outputs: Value,
}

/// Deploys everything: in each round all that may start.
///
/// # Errors
/// `DeploymentFailed` with a detail for each resource that failed, or what an output says.
pub fn run(
    expanded: &Expanded,
    context: &Context<'_>,
    store: &mut dyn Store,
) -> Result<Deployed, ArmError> {
    let mut written = HashSet::new();
    let mut deployed = run_inner(expanded, context, store, &mut written, 0)?;
    if context.mode == Mode::Complete {
        for id in to_delete(&context.place, &written, store) {
            store.delete(&id)?;
            deployed.deleted.push(id);
        }
    }
    Ok(deployed)
}

fn run_inner(
    expanded: &Expanded,
    context: &Context<'_>,
    store: &mut dyn Store,
    written: &mut HashSet<String>,
    depth: usize,
) -> Result<Deployed, ArmError> {
    let mut deployed = Deployed::default();
    let mut schedule = Schedule::new(expanded);
    let mut failures = Vec::new();
    while !schedule.is_over() {
        let round: Vec<usize> = std::iter::from_fn(|| schedule.start()).collect();
        let mut ids = Vec::new();
        for at in round {
            let Some(resource) = expanded.resources.get(at) else {
                continue;
            };
            ids.push(resource.id.clone());
            match one(resource, context, store, written, depth) {
                Ok(()) => {
                    written.insert(id::key(&resource.id));
                    schedule.done(at);
                }
                Err(error) => {
                    failures.push(ArmError {
                        target: error.target.or_else(|| Some(resource.id.clone())),
                        ..error
                    });
                    schedule.failed(at);
                }
            }
        }
        deployed.rounds.push(ids);
    }
    if !failures.is_empty() {
        // Azure/bicep's tests of its deploy command, F5Networks/f5-azure-arm-templates#238.
        let mut error = ArmError::new(
            "DeploymentFailed",
            "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
        );
        error.details = failures;
        return Err(error);
    }
    deployed.outputs = expanded.outputs.resolve(store)?;
    Ok(deployed)
}

fn one(
    resource: &Resource,
    context: &Context<'_>,
    store: &mut dyn Store,
    written: &mut HashSet<String>,
    depth: usize,
) -> Result<(), ArmError> {
    let mut body = resource.resolve(store)?;
    if let Some(nested) = &resource.nested {
        if depth >= MAX_NESTING {
            return Err(ArmError::template(format!(
                "The deployment '{}' is nested deeper than '{MAX_NESTING}' levels.",
                nested.name
            )));
        }
        let inner = nested.expand(context, store)?;
        let context = Context {
            place: nested.place.clone(),
            deployment_name: nested.name.clone(),
            ..context.clone()
        };
        let done = run_inner(&inner, &context, store, written, depth + 1)?;
        if let Some(Value::Object(properties)) = body.get_mut("properties") {
            properties.insert("outputs".to_owned(), done.outputs);
            properties.insert("provisioningState".to_owned(), json!("Succeeded"));
        }
    }
    store.put(resource, body)
}

/// Providers whose resources complete mode leaves:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-complete-mode-deletion>.
/// Of `Microsoft.Resources` it deletes template specs and deployment scripts.
const STAY: [&str; 4] = [
    "microsoft.authorization",
    "microsoft.resources/deployments",
    "microsoft.resources/deploymentstacks",
    "microsoft.resources/deploymentstackswhatifresults",
];

/// What complete mode deletes of a group: what the template does not name. Children of what it
/// names stay. A resource of which it names only children goes with them, as one goes that a
/// template names as `existing`
/// (<https://learn.microsoft.com/training/modules/arm-template-whatif/2-deployment-modes>).
/// `written` has ids in lower case.
pub fn to_delete<S: std::hash::BuildHasher>(
    place: &Place,
    written: &HashSet<String, S>,
    group: &dyn Group,
) -> Vec<String> {
    if place.resource_group().is_none() {
        return Vec::new();
    }
    let goes = |id: &String| {
        let part = id::provider_part(id).to_lowercase();
        let kind = part.rsplit_once('/').map_or("", |(kind, _)| kind);
        let stays = STAY
            .iter()
            .any(|of| kind == *of || kind.starts_with(&format!("{of}/")));
        part.matches('/').count() == 2 && !stays && !written.contains(&id::key(id))
    };
    group.ids(&place.id()).into_iter().filter(goes).collect()
}

/// A store in memory, that takes every resource as it is sent.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    resources: BTreeMap<String, Map<String, Value>>,
}

impl Memory {
    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

impl State for Memory {
    fn resource(&self, id: &str, _: &str) -> Option<Value> {
        self.resources.get(&id::key(id)).cloned().map(Value::Object)
    }

    fn list(&self, _: &str, _: &str, _: &str, _: Option<&Value>) -> Option<Value> {
        None
    }
}

impl Group for Memory {
    fn ids(&self, scope: &str) -> Vec<String> {
        let below = format!("{}/providers/", id::key(scope));
        self.resources
            .iter()
            .filter(|(key, _)| key.starts_with(&below))
            .filter_map(|(_, body)| body.get("id")?.as_str().map(str::to_owned))
            .collect()
    }
}

impl Store for Memory {
    fn put(&mut self, resource: &Resource, body: Value) -> Result<(), ArmError> {
        let mut stored = Map::new();
        stored.insert("id".to_owned(), json!(resource.id));
        stored.insert("name".to_owned(), json!(resource.name.rsplit('/').next()));
        stored.insert("type".to_owned(), json!(resource.kind));
        if let Value::Object(body) = body {
            stored.extend(body);
        }
        self.resources.insert(id::key(&resource.id), stored);
        Ok(())
    }

    fn delete(&mut self, id: &str) -> Result<(), ArmError> {
        let key = id::key(id);
        let below = format!("{key}/");
        self.resources
            .retain(|other, _| *other != key && !other.starts_with(&below));
        Ok(())
    }
}
