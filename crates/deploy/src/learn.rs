//! What a deployment learns: the form in which the service keeps what was written.

use crate::apply::{Done, Run};
use crate::body::masked;
use crate::caller::Failure;
use crate::compare::between;
use crate::id::Id;
use crate::live::{Live, Reader, Reading, reading};
use crate::plan::{Action, Step};
use crate::service::Service;
use crate::state::{Baseline, State};
use std::collections::{BTreeMap, BTreeSet};

impl<S: Service> Run<'_, S> {
    /// Takes over what the service answered, and looks once at what its lists make of it.
    pub(crate) async fn learn(&mut self, state: &mut State) -> Result<(), Failure> {
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
            if effect.is_as_it_was {
                continue;
            }
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
}
