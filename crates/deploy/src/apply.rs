//! A plan, done: only what differs, many at once under the locks of the bundle. What is
//! refused stops what needs it, the rest goes on, and all of it is said.

use crate::body::{Wanted, masked};
use crate::caller::{Failure, Written};
use crate::compare::{DEFAULT_POLICY, against, between};
use crate::engine::Engine;
use crate::id::Id;
use crate::inventory::{Deployed, Inventory, Made};
use crate::live::{AT_ONCE, Live, Reader, Reading, fields, reading};
use crate::order::{Fate, Schedule};
use crate::plan::{Action, Ownership, Plan, Step};
use crate::record::Record;
use crate::service::{Answer, Service};
use crate::state::{Baseline, State};
use flux_apim_model::kinds::Kind;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How often a resource is read again that changes while it is written.
const STALE: usize = 4;

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Well,
    /// The service refused it.
    Refused(Failure),
    /// Not tried: what it needs was refused.
    Behind(Id),
    /// A deletion that was not tried, since something that is written before it was refused.
    HeldBack,
}

/// What became of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// The resource.
    pub id: Id,
    /// What was to be done.
    pub action: Action,
    /// What became of it.
    pub done: Done,
    /// What is worth saying beside that.
    pub notes: Vec<String>,
}

/// What a deployment did.
#[derive(Debug)]
pub struct Outcome {
    /// Each step that was to write, in the order of the plan.
    pub results: Vec<StepResult>,
    /// Baselines from now on; none when none are kept.
    pub state: Option<State>,
    /// Why the inventory in the service is not what it should be.
    pub unrecorded: Option<Failure>,
    /// Why baselines could not be learnt.
    pub unlearnt: Option<Failure>,
}

impl Outcome {
    /// Whether all of the plan was done.
    pub fn is_whole(&self) -> bool {
        self.unrecorded.is_none() && self.results.iter().all(|result| result.done == Done::Well)
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// The plan says so.
    #[error("nothing was written: {}", .0.join("; "))]
    Problems(Vec<String>),
    /// The inventory could not be opened or written.
    #[error("nothing was written: {0}")]
    Inventory(Failure),
}

/// What a write left behind.
#[derive(Debug, Default)]
struct Effect {
    /// It was there when it was to be made.
    existed: bool,
    /// Baseline, where they are kept.
    baseline: Option<Baseline>,
    notes: Vec<String>,
}

impl<S: Service> Engine<'_, S> {
    /// Does what `plan` says, which was made by this engine.
    ///
    /// # Errors
    /// When nothing was written at all. What happens later is in the outcome.
    pub async fn apply(&self, plan: &Plan) -> Result<Outcome, NotBegun> {
        if !plan.problems.is_empty() {
            return Err(NotBegun::Problems(plan.problems.clone()));
        }
        let mut outcome = Outcome {
            results: Vec::new(),
            state: self.state.cloned(),
            unrecorded: None,
            unlearnt: None,
        };
        if plan.is_empty() {
            return Ok(outcome);
        }
        let opened = Record::open(
            self.caller(),
            &plan.asked.owner,
            plan.generation.as_deref(),
            &plan.before,
            matches!(plan.ownership, Ownership::Unknown(_)),
            &plan.leftovers,
        );
        let mut record = opened.await.map_err(NotBegun::Inventory)?;
        if plan.steps.iter().any(|step| is_begun(plan, step)) {
            record
                .begin(&begun(plan))
                .await
                .map_err(NotBegun::Inventory)?;
        }
        let mut run = Run {
            engine: self,
            plan,
            begun: plan
                .before
                .entries
                .iter()
                .filter(|entry| entry.made == Made::Begun)
                .map(|entry| &entry.id)
                .collect(),
            places: plan
                .steps
                .iter()
                .enumerate()
                .map(|(n, step)| (&step.id, n))
                .collect(),
            effects: HashMap::new(),
            done: vec![None; plan.steps.len()],
        };
        run.all().await;
        let inventory = run.inventory();
        let recorded = match inventory.entries.is_empty() {
            true => record.remove().await,
            false => record.write(&inventory).await,
        };
        outcome.unrecorded = recorded.err();
        if let Some(state) = &mut outcome.state {
            outcome.unlearnt = run.learn(state).await.err();
        }
        outcome.results = run.results();
        Ok(outcome)
    }
}

/// The inventory before the first write: what was deployed, and what is about to be made. A
/// deployment that is cut leaves nothing that nobody knows of.
fn begun(plan: &Plan) -> Inventory {
    let mut inventory = plan.before.clone();
    let places: HashMap<Id, usize> = plan
        .before
        .entries
        .iter()
        .enumerate()
        .map(|(n, entry)| (entry.id.clone(), n))
        .collect();
    for step in plan.steps.iter().filter(|step| is_begun(plan, step)) {
        // What is changed was seen as it was; once it is written that is not seen any more.
        let (digest, made) = match step.action {
            Action::Create => (step.digest.clone(), Made::Begun),
            _ => (String::new(), step.made),
        };
        let entry = Deployed {
            id: step.id.clone(),
            digest,
            made,
        };
        match places.get(&step.id) {
            // It is gone, and made anew.
            Some(&place) => inventory.entries[place] = entry,
            None => inventory.entries.push(entry),
        }
    }
    inventory
}

/// Whether the inventory says of a step that it begins: of what is made, and of the policy of
/// a new service, which becomes ours by being written.
fn is_begun(plan: &Plan, step: &Step) -> bool {
    match step.action {
        Action::Create => true,
        Action::Change if step.id.kind() == Some(Kind::ServicePolicy) => {
            let known = plan.before.entries.iter().any(|entry| entry.id == step.id);
            step.made == Made::Ours && !known
        }
        _ => false,
    }
}

struct Run<'r, S> {
    engine: &'r Engine<'r, S>,
    plan: &'r Plan,
    places: HashMap<&'r Id, usize>,
    /// What a deployment of this owner was about to make, and may still be making.
    begun: BTreeSet<&'r Id>,
    effects: HashMap<usize, Effect>,
    done: Vec<Option<Done>>,
}

impl<S: Service> Run<'_, S> {
    /// What is written and what must go before it; then, when all of that went well, the
    /// other deletions.
    async fn all(&mut self) {
        let last = self
            .plan
            .steps
            .iter()
            .map(|step| step.tier)
            .max()
            .unwrap_or(0);
        let mut well = true;
        for tier in 0..=last {
            match well {
                true => self.tier(tier).await,
                false => self.hold_back(tier),
            }
            // Deletions of one tier do not depend on those of another: Azure refuses what
            // something refers to.
            well &= tier > 0 || self.done.iter().flatten().all(|done| *done == Done::Well);
        }
    }

    fn hold_back(&mut self, tier: usize) {
        for (n, step) in self.plan.steps.iter().enumerate() {
            if step.tier == tier && step.action.writes() {
                self.done[n] = Some(Done::HeldBack);
            }
        }
    }

    async fn tier(&mut self, tier: usize) {
        let steps = self.plan.steps.iter().enumerate();
        let own: Vec<usize> = steps
            .filter(|(_, step)| step.tier == tier)
            .map(|(n, _)| n)
            .collect();
        let place: HashMap<usize, usize> =
            own.iter().enumerate().map(|(n, &step)| (step, n)).collect();
        let edges = own.iter().map(|&step| {
            let before = self.plan.steps[step].after.iter();
            before
                .filter_map(|(first, needed)| Some((*place.get(first)?, *needed)))
                .collect()
        });
        let edges: Vec<Vec<(usize, bool)>> = edges.collect();
        let locks = own.iter().map(|&step| self.locks(step)).collect();
        let mut schedule = Schedule::new(&edges, locks);
        let mut running = FuturesUnordered::new();
        let (engine, plan) = (self.engine, self.plan);
        loop {
            while running.len() < AT_ONCE {
                let Some(next) = schedule.next() else {
                    break;
                };
                let step = &plan.steps[own[next]];
                // What is as it should be only hands on the order.
                if !step.action.writes() {
                    schedule.end(next, true);
                    continue;
                }
                let made = step.action == Action::Create && self.begun.contains(&step.id);
                let made_above = made || self.is_made_above(step);
                running.push(async move { (next, write(engine, step, made_above).await) });
            }
            let Some((ended, result)) = running.next().await else {
                break;
            };
            schedule.end(ended, result.is_ok());
            let step = own[ended];
            self.done[step] = Some(match result {
                Ok(effect) => {
                    self.effects.insert(step, effect);
                    Done::Well
                }
                Err(failure) => Done::Refused(failure),
            });
        }
        for (n, fate) in schedule.fates.iter().enumerate() {
            if let Fate::Behind(first) = fate
                && plan.steps[own[n]].action.writes()
            {
                self.done[own[n]] = Some(Done::Behind(plan.steps[own[*first]].id.clone()));
            }
        }
    }

    fn locks(&self, step: usize) -> Vec<Id> {
        let Step { id, action, .. } = &self.plan.steps[step];
        match self.engine.resources.find(id) {
            _ if !action.writes() => Vec::new(),
            Some(resource) if *action != Action::Delete => resource.locks.clone(),
            _ => locks_of(id),
        }
    }

    /// Whether the service may make it by itself, out of what this run writes above it.
    fn is_made_above(&self, step: &Step) -> bool {
        let above = std::iter::successors(step.id.parent(), Id::parent);
        let mut steps = above
            .filter_map(|id| self.places.get(&id))
            .map(|&n| &self.plan.steps[n]);
        steps.any(|step| step.action == Action::Create || step.imports)
    }

    /// The inventory after this run.
    fn inventory(&self) -> Inventory {
        let before: HashMap<&Id, &Deployed> = self
            .plan
            .before
            .entries
            .iter()
            .map(|entry| (&entry.id, entry))
            .collect();
        let mut entries = Vec::new();
        for (n, step) in self.plan.steps.iter().enumerate() {
            let old = before.get(&step.id).copied();
            let new = |made| {
                Some(Deployed {
                    id: step.id.clone(),
                    digest: step.digest.clone(),
                    made,
                })
            };
            let entry = match (step.action, &self.done[n]) {
                (Action::Delete, Some(Done::Well)) => None,
                (Action::Delete, _) => {
                    let covered = step.covers.iter().filter_map(|id| before.get(id));
                    entries.extend(covered.map(|entry| (*entry).clone()));
                    old.cloned()
                }
                // Deletions that are not done are remembered by the plan.
                (Action::Kept, _) => match self.engine.resources.place(&step.id).is_some() {
                    true => old.cloned(),
                    false => None,
                },
                (Action::Create, Some(Done::Well)) => {
                    let existed = self.effects.get(&n).is_some_and(|effect| effect.existed);
                    new(if existed { Made::Before } else { Made::Ours })
                }
                // Whether it was made is not known without an answer that says so.
                (Action::Create, Some(Done::Refused(failure))) if failure.in_doubt => {
                    new(Made::Begun)
                }
                (Action::Create, _) => None,
                (Action::Change, Some(Done::Well)) | (Action::None, _) => new(step.made),
                (Action::Change | Action::Uncertain, _) => Some(Deployed {
                    id: step.id.clone(),
                    digest: old.map_or(String::new(), |old| old.digest.clone()),
                    made: step.made,
                }),
            };
            entries.extend(entry);
        }
        entries.extend(self.plan.remembered.iter().cloned());
        Inventory {
            bundle: self.plan.asked.bundle.clone(),
            entries,
        }
    }

    /// Takes over what the service answered, and looks once at what its lists make of it.
    async fn learn(&mut self, state: &mut State) -> Result<(), Failure> {
        let mut written = BTreeSet::new();
        let mut imported = BTreeSet::new();
        for (n, step) in self.plan.steps.iter().enumerate() {
            match (step.action, &self.done[n]) {
                (Action::Delete, Some(Done::Well)) => {
                    state.forget(&step.id);
                    continue;
                }
                (Action::None, _) => {
                    if let Some(baseline) = self.known_equal(step, state) {
                        state.set(&step.id, baseline);
                    }
                    continue;
                }
                _ => {}
            }
            let Some(effect) = self.effects.get_mut(&n) else {
                continue;
            };
            let old = state.get(&step.id).map(|old| old.operations.clone());
            match effect.baseline.take() {
                Some(mut baseline) => {
                    baseline.operations = old.filter(|_| !step.imports).unwrap_or_default();
                    state.set(&step.id, baseline);
                    written.insert(step.id.clone());
                }
                None => state.forget(&step.id),
            }
            if step.imports {
                imported.insert(step.id.clone());
            }
        }
        self.look_back(state, &written, imported).await
    }

    /// The baseline of what nobody had to write, and which is just what is meant.
    fn known_equal(&self, step: &Step, state: &State) -> Option<Baseline> {
        let live = step.seen.as_ref()?;
        let resource = self.engine.resources.find(&step.id)?;
        if state.get(&step.id).is_some() || step.id.is_link() || resource.has_definition() {
            return None;
        }
        let wanted = self.engine.composer().wanted(resource).ok()?;
        Some(Baseline::new(
            &step.id,
            &step.digest,
            &wanted.properties,
            &live.properties,
            &wanted.secrets,
        ))
    }

    async fn look_back(
        &self,
        state: &mut State,
        written: &BTreeSet<Id>,
        imported: BTreeSet<Id>,
    ) -> Result<(), Failure> {
        let listed = |id: &&Id| reading(id) == Reading::Listed && !id.is_link();
        let collections: BTreeSet<String> = written
            .iter()
            .filter(listed)
            .map(|id| id.collection().to_lowercase())
            .collect();
        let steps = self
            .plan
            .steps
            .iter()
            .filter(|step| step.action != Action::Delete);
        let mut wanted: BTreeSet<Id> = steps.map(|step| step.id.clone()).collect();
        // As the next plan reads them: whole collections, or one by one.
        wanted.retain(|id| listed(&id) && collections.contains(&id.collection().to_lowercase()));
        wanted.extend(imported.iter().cloned());
        let reader = Reader {
            caller: self.engine.caller(),
            wanted,
            definitions: imported.clone(),
            targets: BTreeMap::new(),
            state: None,
        };
        let picture = reader.read().await?;
        for id in written {
            let Some(Live { properties, .. }) = picture.live.get(id) else {
                continue;
            };
            let Some(baseline) = state.get_mut(id) else {
                continue;
            };
            let shown = masked(id, properties, &BTreeSet::new());
            let found = between(id, &baseline.answer, &shown);
            // What one of two answers leaves out is its way; anything else somebody changed.
            let one_sided = |d: &crate::compare::Difference| d.live.is_none() || d.wanted.is_none();
            if !found.is_empty() && found.iter().all(one_sided) {
                baseline.listed = Some(shown);
            }
        }
        for (api, mut operations) in picture.operations {
            operations.retain(|name, _| {
                let operation = api.child("operations", name);
                operation.is_none_or(|id| self.engine.resources.place(&id).is_none())
            });
            if let Some(baseline) = state.get_mut(&api) {
                baseline.operations = operations;
            }
        }
        Ok(())
    }

    fn results(&mut self) -> Vec<StepResult> {
        let mut results = Vec::new();
        for (n, step) in self.plan.steps.iter().enumerate() {
            let Some(done) = self.done[n].take() else {
                continue;
            };
            let notes = self.effects.remove(&n).map(|effect| effect.notes);
            results.push(StepResult {
                id: step.id.clone(),
                action: step.action,
                done,
                notes: notes.unwrap_or_default(),
            });
        }
        results
    }
}

/// What a deletion locks: the API or the product that it is, or hangs on.
fn locks_of(id: &Id) -> Vec<Id> {
    let above = std::iter::successors(Some(id.clone()), Id::parent);
    let owners = above.filter(|id| matches!(id.kind(), Some(Kind::Api | Kind::Product)));
    owners
        .filter_map(|id| match id.as_str().split_once(";rev=") {
            Some((root, _)) => Id::parse(root),
            None => Some(id),
        })
        .collect()
}

/// Does one step.
async fn write<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    made_above: bool,
) -> Result<Effect, Failure> {
    match step.action {
        Action::Delete => delete(engine, step).await,
        _ => put(engine, step, made_above).await,
    }
}

async fn put<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    made_above: bool,
) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    let lacking = |message: String| Failure {
        attempted: format!("PUT {id}"),
        status: None,
        code: String::new(),
        message,
        in_doubt: false,
    };
    let Some(resource) = engine.resources.find(id) else {
        return Err(lacking("it is not in the bundle".to_owned()));
    };
    let wanted = engine.composer().wanted(resource).map_err(lacking)?;
    let body = match &wanted.properties {
        Json::Null => None,
        properties => {
            let mut properties = properties.clone();
            // Without a reason the definition is not imported again: operations stay.
            if step.action == Action::Change
                && resource.has_definition()
                && !step.imports
                && let Some(map) = properties.as_object_mut()
            {
                for key in ["value", "format", "wsdlSelector"] {
                    map.remove(key);
                }
            }
            Some(json!({"properties": properties}))
        }
    };
    // What an import makes anew is another than the plan saw, and meant to be.
    let written = match (&step.seen, step.action) {
        (Some(seen), Action::Change) if !made_above => {
            let mut attempt = 0;
            loop {
                let Some(now) = unchanged(engine, step, seen).await? else {
                    let why = "somebody deleted it since the plan was made: plan again";
                    return Err(stale(id, why.to_owned()));
                };
                let etag = now.etag.as_deref();
                let written = caller.put(id.as_str(), etag, body.clone()).await;
                attempt += 1;
                match written {
                    // An attempt without an answer may have been the one.
                    Err(failure) if failure.is_stale() && failure.in_doubt => {
                        let now = caller.get(id.as_str(), fields(id)).await?;
                        let ours = |now: &Answer| {
                            let live = &now.body["properties"];
                            let found = against(id, &wanted.properties, live, &wanted.secrets);
                            found.iter().all(|difference| difference.uncertain)
                        };
                        match now.filter(ours) {
                            Some(answer) => {
                                break Written {
                                    answer,
                                    in_doubt: true,
                                    followed: true,
                                };
                            }
                            None => return Err(failure),
                        }
                    }
                    Err(failure) if failure.is_stale() && attempt < STALE => {}
                    written => break written?,
                }
            }
        }
        _ => caller.put(id.as_str(), None, body).await?,
    };
    let after = after_put(engine, step, &wanted, written, made_above);
    // Whatever goes wrong from here on: it was written.
    after.await.map_err(|failure| failure.doubted(true))
}

/// What is left to do with a resource that was written, and what is learnt of it.
async fn after_put<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    wanted: &Wanted,
    written: Written,
    made_above: bool,
) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    // An earlier attempt without an answer may have made it, and so may an import above it.
    let existed = step.action == Action::Create
        && written.answer.status == 200
        && !written.in_doubt
        && !written.followed
        && !made_above;
    let mut effect = Effect {
        existed,
        ..Effect::default()
    };
    if existed {
        effect.notes.push(
            "somebody made it since the plan: it was written, and counts as theirs".to_owned(),
        );
    }
    if id.types() == "products" && written.answer.status == 201 && step.action == Action::Create {
        effect.notes.extend(tidy_product(engine, id).await?);
    }
    if id.is_link() || wanted.properties.is_null() {
        return Ok(effect);
    }
    // Answers to writes show texts in another form than questions do.
    let mut answer = written.answer;
    let alone = matches!(reading(id), Reading::Alone(_));
    if alone || written.followed || !answer.body["properties"].is_object() {
        if engine.state.is_none() && !written.followed {
            return Ok(effect);
        }
        let before = answer.etag.take();
        let Some(now) = caller.get(id.as_str(), fields(id)).await? else {
            let why = "the service said that it was written, and it is not there";
            return Err(stale(id, why.to_owned()));
        };
        if before.is_some() && now.etag.is_some() && before != now.etag {
            effect
                .notes
                .push("somebody changed it since it was written".to_owned());
            return Ok(effect);
        }
        answer = now;
    }
    let properties = answer.body["properties"].take();
    let stored = against(id, &wanted.properties, &properties, &wanted.secrets);
    for difference in stored.iter().filter(|difference| !difference.uncertain) {
        effect.notes.push(format!(
            "the service took it and stored another `{}` than was sent",
            difference.path
        ));
    }
    if engine.state.is_some() {
        let baseline = Baseline::new(
            id,
            &step.digest,
            &wanted.properties,
            &properties,
            &wanted.secrets,
        );
        effect.baseline = Some(baseline);
    }
    Ok(effect)
}

/// The resource as it is now, if that is still what the plan saw; `None` when it is gone.
async fn unchanged<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    seen: &Live,
) -> Result<Option<Answer>, Failure> {
    let id = &step.id;
    let now = engine.caller().get(id.as_str(), fields(id)).await?;
    let Some(now) = now else {
        return Ok(None);
    };
    let found = between(id, &seen.properties, &now.body["properties"]);
    // A single answer may say more than the list that the plan was made of.
    let contradicts = match seen.listed {
        true => found.iter().any(|difference| difference.wanted.is_some()),
        false => !found.is_empty(),
    };
    match contradicts {
        false => Ok(Some(now)),
        true => {
            let places: Vec<&str> = found.iter().map(|d| d.path.as_str()).take(5).collect();
            Err(stale(
                id,
                format!(
                    "somebody changed it since the plan was made ({}): plan again",
                    places.join(", ")
                ),
            ))
        }
    }
}

fn stale(id: &Id, message: String) -> Failure {
    Failure {
        attempted: format!("write {id}"),
        status: Some(412),
        code: String::new(),
        message,
        in_doubt: false,
    }
}

/// Removes what Azure adds to a new product: the link to `administrators`, and a
/// subscription. Both are there from the moment on at which the product is.
async fn tidy_product<S: Service>(engine: &Engine<'_, S>, id: &Id) -> Result<Vec<String>, Failure> {
    let caller = engine.caller();
    let mut notes = Vec::new();
    let group = id.child("groups", "administrators");
    if let Some(group) = group.filter(|group| engine.resources.place(group).is_none()) {
        caller.delete(group.as_str(), &[], None).await?;
    }
    let mut subscriptions = Vec::new();
    let take = |item: Json| {
        let name = item["name"].as_str().unwrap_or("");
        subscriptions.extend(Id::parse(&format!("subscriptions/{name}")));
    };
    caller
        .list(&format!("{id}/subscriptions"), &[], take)
        .await?;
    for subscription in subscriptions {
        // What the bundle describes is made later: it was there before.
        if engine.resources.place(&subscription).is_none() {
            caller.delete(subscription.as_str(), &[], Some("*")).await?;
            notes.push(format!(
                "{subscription}, which Azure made with it, was removed"
            ));
        }
    }
    Ok(notes)
}

async fn delete<S: Service>(engine: &Engine<'_, S>, step: &Step) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    let allowed = engine.asked.allow_delete.contains(id);
    let query: &[(&str, &str)] = match id.kind() {
        Some(Kind::Product) if allowed => &[("deleteSubscriptions", "true")],
        Some(Kind::Api) if !id.is_revision() => &[("deleteRevisions", "true")],
        _ => &[],
    };
    if id.is_link() {
        caller.delete(id.as_str(), query, None).await?;
        return Ok(Effect::default());
    }
    let Some(seen) = &step.seen else {
        return Ok(Effect::default());
    };
    let mut attempt = 0;
    while let Some(now) = unchanged(engine, step, seen).await? {
        let etag = now.etag.as_deref().unwrap_or("*");
        attempt += 1;
        let done = match id.kind() {
            // Every service has one: it goes back to that of a new one.
            Some(Kind::ServicePolicy) if id.depth() == 1 => {
                let properties = json!({"format": "xml", "value": DEFAULT_POLICY});
                let body = Some(json!({"properties": properties}));
                caller.put(id.as_str(), Some(etag), body).await
            }
            _ => caller.delete(id.as_str(), query, Some(etag)).await,
        };
        match done {
            Err(failure) if failure.is_stale() && attempt < STALE => {}
            done => {
                done?;
                break;
            }
        }
    }
    Ok(Effect::default())
}
