//! A plan, done: only what differs, many at once under the locks of the bundle. What is
//! refused stops what needs it, the rest goes on, and all of it is said.

use crate::caller::Failure;
use crate::engine::Engine;
use crate::id::Id;
use crate::inventory::{Deployed, Inventory, Made};
use crate::live::AT_ONCE;
use crate::order::{Fate, Schedule};
use crate::plan::{Action, Ownership, Plan, Step};
use crate::record::Record;
use crate::service::Service;
use crate::state::State;
use crate::write::{Effect, write};
use flux_apim_model::kinds::Kind;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::{BTreeSet, HashMap};

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

pub(crate) struct Run<'r, S> {
    pub(crate) engine: &'r Engine<'r, S>,
    pub(crate) plan: &'r Plan,
    places: HashMap<&'r Id, usize>,
    /// What a deployment of this owner was about to make, and may still be making.
    begun: BTreeSet<&'r Id>,
    pub(crate) effects: HashMap<usize, Effect>,
    pub(crate) done: Vec<Option<Done>>,
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
