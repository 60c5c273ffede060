//! What is deleted: only what an earlier deployment of this owner made, and never what
//! others hang on without being told.

use crate::body::masked;
use crate::caller::Failure;
use crate::engine::Engine;
use crate::id::Id;
use crate::inventory::{Deployed, Inventory, Made};
use crate::live::{Picture, below, digest};
use crate::pattern::matches;
use crate::plan::{Action, Step};
use crate::risk;
use crate::service::Service;
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A subscription, as far as it matters here.
struct Subscription {
    id: Id,
    /// What it opens, below the service and in lower case.
    scope: String,
}

/// Adds the deletions to `steps`, and answers with what the inventory goes on to say of
/// resources that are no step.
pub(crate) async fn plan<S: Service>(
    engine: &Engine<'_, S>,
    before: &Inventory,
    picture: &Picture,
    steps: &mut Vec<Step>,
) -> Result<Vec<Deployed>, Failure> {
    let wanted: BTreeSet<Id> = steps.iter().map(|step| step.id.clone()).collect();
    let gone = before
        .entries
        .iter()
        .filter(|entry| !wanted.contains(&entry.id));
    let gone: Vec<&Deployed> = gone
        .filter(|entry| picture.live.contains_key(&entry.id))
        .collect();
    let candidates: BTreeSet<&Id> = gone
        .iter()
        .filter(|entry| entry.made == Made::Ours)
        .map(|entry| &entry.id)
        .collect();
    let guards = Guards::read(engine, &candidates, before).await?;
    let protection = Protection::new(engine, &gone);
    let mut kept: BTreeMap<Id, String> = BTreeMap::new();
    let mut remembered = Vec::new();
    let mut deletions: Vec<(&Deployed, Step)> = Vec::new();
    // What hangs on something comes after it: a parent that is kept keeps its children.
    let mut by_depth = gone.clone();
    by_depth.sort_by_key(|entry| entry.id.depth());
    let mut doomed: BTreeSet<&Id> = BTreeSet::new();
    let mut covered: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for entry in by_depth {
        let id = &entry.id;
        let Some(live) = picture.live.get(id) else {
            continue;
        };
        let above = ancestors(id);
        if let Some(root) = above.iter().find(|above| doomed.contains(above)) {
            covered.entry(root.clone()).or_default().push(id.clone());
            continue;
        }
        let allowed = engine.asked.allow_delete.contains(id);
        let reason = match above.iter().find(|above| kept.contains_key(above)) {
            Some(above) if !allowed => Some(format!("{above}, on which it hangs, is kept")),
            _ => reason(engine, entry, &protection, &guards),
        };
        let mut step = Step {
            id: id.clone(),
            action: Action::Delete,
            differences: Vec::new(),
            notes: Vec::new(),
            renamed: None,
            live: Some(digest(&masked(id, &live.properties, &BTreeSet::new()))),
            digest: entry.digest.clone(),
            made: entry.made,
            imports: false,
            has_secrets: false,
            off_built_in_gateway: false,
            covers: Vec::new(),
            after: Vec::new(),
            tier: 0,
            claims: None,
            seen: Some(live.clone()),
        };
        match reason {
            Some(reason) => {
                step.action = Action::Kept;
                step.notes.push(reason.clone());
                // What was there before is no longer ours to look after.
                if entry.made != Made::Before {
                    remembered.push(entry.clone());
                }
                if entry.made == Made::Ours {
                    kept.insert(id.clone(), reason);
                }
            }
            None => {
                doomed.insert(id);
                step.notes.extend(risk::of_deletion(id, &live.properties));
                step.notes.extend(guards.allowed(id));
            }
        }
        deletions.push((entry, step));
    }
    for (_, step) in &mut deletions {
        step.covers = covered.remove(&step.id).unwrap_or_default();
    }
    renames(&mut deletions, steps);
    clashes(&mut deletions, steps);
    tiers(before, deletions, steps);
    Ok(remembered)
}

/// What `id` hangs on, the nearest first.
fn ancestors(id: &Id) -> Vec<Id> {
    std::iter::successors(id.parent(), Id::parent).collect()
}

/// Why a resource stays that is no longer in the bundle.
fn reason<S: Service>(
    engine: &Engine<'_, S>,
    entry: &Deployed,
    protection: &Protection<'_>,
    guards: &Guards,
) -> Option<String> {
    let id = &entry.id;
    match entry.made {
        Made::Ours => {}
        Made::Before => return Some("it was there before the first deployment".to_owned()),
        Made::Begun if engine.asked.allow_delete.contains(id) => {}
        Made::Begun => {
            return Some(format!(
                "a deployment that was cut was about to make it, and whether it did is not known; \
                 --allow-delete {id} deletes it"
            ));
        }
    }
    if id.is_built_in() {
        return Some("Azure makes it".to_owned());
    }
    if let Some(why) = protection.of(id) {
        return Some(why);
    }
    if engine.asked.allow_delete.contains(id) {
        return None;
    }
    let allow = format!("--allow-delete {id} deletes it all the same");
    match id.kind() {
        Some(Kind::Subscription) => Some(format!(
            "it is the key of a consumer, who could not call any more; {allow}"
        )),
        Some(Kind::Workspace) => Some(format!(
            "what others made in the workspace would go with it; {allow}"
        )),
        _ => guards.of(id).map(|why| format!("{why}; {allow}")),
    }
}

/// What is never deleted, whatever the bundle and the command line say.
struct Protection<'a> {
    patterns: Vec<&'a str>,
    /// What a protected resource would go with, in lower case, and that resource.
    holders: HashMap<String, &'a Id>,
}

impl<'a> Protection<'a> {
    fn new<S: Service>(engine: &'a Engine<'_, S>, gone: &[&'a Deployed]) -> Self {
        let patterns: Vec<&str> = engine.protections().collect();
        let ids = gone.iter().map(|entry| &entry.id);
        let mut holders = HashMap::new();
        for id in ids.filter(|id| patterns.iter().any(|p| matches(p, id.as_str()))) {
            let above = ancestors(id).into_iter().chain(id.link_target());
            holders.extend(above.map(|above| (above.folded().to_owned(), id)));
        }
        Self { patterns, holders }
    }

    /// Why `id` stays: it is protected, or what would go with it is.
    fn of(&self, id: &Id) -> Option<String> {
        if let Some(pattern) = self.patterns.iter().find(|p| matches(p, id.as_str())) {
            return Some(format!("it is protected (`{pattern}`)"));
        }
        let above = format!("{}/", id.folded());
        let below = |pattern: &&&str| pattern.to_lowercase().starts_with(&above);
        if let Some(pattern) = self.patterns.iter().find(below) {
            return Some(format!("what hangs on it is protected (`{pattern}`)"));
        }
        let with = self.holders.get(id.folded())?;
        Some(format!("{with}, which would go with it, is protected"))
    }
}

/// What consumers have, of what may be deleted.
#[derive(Default)]
struct Guards {
    subscriptions: Vec<Subscription>,
    /// Revisions of an API that were not made here.
    revisions: BTreeMap<Id, Vec<String>>,
}

impl Guards {
    async fn read<S: Service>(
        engine: &Engine<'_, S>,
        candidates: &BTreeSet<&Id>,
        before: &Inventory,
    ) -> Result<Self, Failure> {
        let mut guards = Self::default();
        let caller = engine.caller();
        let opened = |id: &&&Id| matches!(id.kind(), Some(Kind::Product | Kind::Api));
        let lists: BTreeSet<String> = candidates
            .iter()
            .filter(opened)
            .map(
                |id| match id.as_str().split('/').collect::<Vec<_>>().as_slice() {
                    ["workspaces", name, ..] => format!("workspaces/{name}/subscriptions"),
                    _ => "subscriptions".to_owned(),
                },
            )
            .collect();
        for list in &lists {
            let take = |item: Json| {
                let name = item["name"].as_str().unwrap_or("");
                let scope = item["properties"]["scope"].as_str().unwrap_or("");
                let id = Id::parse(&format!("{list}/{name}"));
                // One that goes by itself, with permission, holds nothing back.
                let goes =
                    |id: &Id| candidates.contains(id) && engine.asked.allow_delete.contains(id);
                if let Some(id) = id.filter(|id| !goes(id)) {
                    guards.subscriptions.push(Subscription {
                        id,
                        scope: below(scope),
                    });
                }
            };
            caller.list(list, &[], take).await?;
        }
        let ours: BTreeSet<&Id> = before
            .entries
            .iter()
            .filter(|e| e.made == Made::Ours)
            .map(|e| &e.id)
            .collect();
        let apis = candidates
            .iter()
            .filter(|id| id.kind() == Some(Kind::Api) && !id.is_revision());
        for api in apis {
            let mut foreign = Vec::new();
            let take = |item: Json| {
                let current = item["isCurrent"] == true;
                let number = item["apiRevision"].as_str().unwrap_or("");
                let id = Id::parse(&format!("{api};rev={number}"));
                if !current && id.as_ref().is_some_and(|id| !ours.contains(id)) {
                    foreign.push(number.to_owned());
                }
            };
            caller.list(&format!("{api}/revisions"), &[], take).await?;
            if !foreign.is_empty() {
                guards.revisions.insert((*api).clone(), foreign);
            }
        }
        Ok(guards)
    }

    fn keys(&self, id: &Id) -> Vec<&str> {
        let keys = self.subscriptions.iter().filter(|s| s.scope == id.folded());
        keys.map(|subscription| subscription.id.name()).collect()
    }

    /// Why others would lose something with `id`.
    fn of(&self, id: &Id) -> Option<String> {
        let keys = self.keys(id);
        if !keys.is_empty() {
            return Some(format!(
                "{} of consumers would go with it ({})",
                match keys.len() {
                    1 => "a subscription".to_owned(),
                    n => format!("{n} subscriptions"),
                },
                some(&keys)
            ));
        }
        let revisions = self.revisions.get(id)?;
        let revisions: Vec<&str> = revisions.iter().map(String::as_str).collect();
        Some(format!(
            "its revisions {} were not made by this owner",
            some(&revisions)
        ))
    }

    /// What goes with a deletion that was allowed.
    fn allowed(&self, id: &Id) -> Option<String> {
        self.of(id).map(|why| format!("allowed: {why}"))
    }
}

fn some(names: &[&str]) -> String {
    match names {
        [first, second, third, _, ..] => {
            format!("{first}, {second}, {third} and {} more", names.len() - 3)
        }
        _ => names.join(", "),
    }
}

/// Notes which deletions and creations are one resource under another name: the same kind,
/// deployed with the same properties.
fn renames(deletions: &mut [(&Deployed, Step)], steps: &mut [Step]) {
    let key = |id: &Id, digest: &str| (id.types(), id.parent(), digest.to_owned());
    let mut created: HashMap<_, Vec<usize>> = HashMap::new();
    for (n, step) in steps.iter().enumerate() {
        if step.action == Action::Create && !step.id.is_link() {
            created
                .entry(key(&step.id, &step.digest))
                .or_default()
                .push(n);
        }
    }
    let mut deleted: HashMap<_, Vec<usize>> = HashMap::new();
    for (n, (entry, step)) in deletions.iter().enumerate() {
        if step.action == Action::Delete {
            deleted
                .entry(key(&entry.id, &entry.digest))
                .or_default()
                .push(n);
        }
    }
    for (n, (entry, step)) in deletions.iter_mut().enumerate() {
        let key = key(&entry.id, &entry.digest);
        let (Some(&[new]), Some(&[old])) = (
            created.get(&key).map(Vec::as_slice),
            deleted.get(&key).map(Vec::as_slice),
        ) else {
            continue;
        };
        if old == n {
            step.renamed = Some(steps[new].id.clone());
            steps[new].renamed = Some(entry.id.clone());
        }
    }
}

/// What two resources of one service, or of one API, cannot both have.
pub(crate) fn claim(id: &Id, properties: &Json) -> Option<String> {
    let text = |key: &str| properties[key].as_str().unwrap_or("").to_lowercase();
    let own = match id.kind()? {
        Kind::Api if !id.is_revision() => {
            format!(
                "{} {} {}",
                text("path").trim_matches('/'),
                text("apiVersion"),
                below(&text("apiVersionSetId"))
            )
        }
        Kind::ApiOperation => format!("{} {}", text("method"), text("urlTemplate")),
        Kind::NamedValue | Kind::Tag => text("displayName"),
        _ => return None,
    };
    Some(format!("{} {own}", id.collection().to_lowercase()))
}

/// Deletions that must come before a creation, which would clash with what is deleted.
fn clashes(deletions: &mut [(&Deployed, Step)], steps: &mut [Step]) {
    let mut claimed: BTreeMap<String, usize> = BTreeMap::new();
    for (n, (_, step)) in deletions.iter().enumerate() {
        if step.action == Action::Delete
            && let Some(claim) = step
                .seen
                .as_ref()
                .and_then(|live| claim(&step.id, &live.properties))
        {
            claimed.insert(claim, n);
        }
    }
    let first = steps.len();
    for step in steps
        .iter_mut()
        .filter(|step| step.action == Action::Create)
    {
        let Some(&old) = step.claims.as_ref().and_then(|claim| claimed.get(claim)) else {
            continue;
        };
        let deletion = &mut deletions[old].1;
        deletion.tier = EARLY;
        if step.id.kind() == Some(Kind::ApiOperation) {
            step.notes.push(format!(
                "its id changes from {} to {}: what refers to it by id, as dashboards and tools do, loses it",
                deletion.id.name(),
                step.id.name()
            ));
        }
        step.after.push((first + old, true));
    }
}

/// Marks a deletion that is done among what is written.
const EARLY: usize = usize::MAX;

/// Puts deletions behind what is written, in reverse of the order in which resources refer
/// to each other: tier after tier, those of one tier at once. `first` of them keep the place
/// that edges of [`clashes`] name.
fn tiers(before: &Inventory, deletions: Vec<(&Deployed, Step)>, steps: &mut Vec<Step>) {
    let first = steps.len();
    let place: HashMap<&Id, usize> = before
        .entries
        .iter()
        .enumerate()
        .map(|(n, e)| (&e.id, n))
        .collect();
    let late = |step: &Step| step.action == Action::Delete && step.tier != EARLY;
    // A workspace goes after what is in it.
    let rank = |id: &Id| {
        (
            id.kind() == Some(Kind::Workspace),
            std::cmp::Reverse(id.kind()),
        )
    };
    let ranks: BTreeSet<_> = deletions
        .iter()
        .filter(|(_, s)| late(s))
        .map(|(_, s)| rank(&s.id))
        .collect();
    let tier: BTreeMap<_, usize> = ranks.into_iter().zip(1..).collect();
    let mut chained: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (n, (entry, mut step)) in deletions.into_iter().enumerate() {
        step.tier = match late(&step) {
            true => tier.get(&rank(&step.id)).copied().unwrap_or(1),
            false => 0,
        };
        // Backends of pools and revisions of APIs refer to others of their kind.
        if step.tier > 0 && matches!(step.id.kind(), Some(Kind::Backend | Kind::Api)) {
            let place = place.get(&entry.id).copied().unwrap_or(0);
            chained
                .entry(step.tier)
                .or_default()
                .push((place, first + n));
        }
        steps.push(step);
    }
    for chain in chained.into_values() {
        let mut chain = chain;
        chain.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for pair in chain.windows(2) {
            steps[pair[1].1].after.push((pair[0].1, false));
        }
    }
}
