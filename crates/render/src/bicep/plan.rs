//! What goes into which file. An *entity* is what `main.bicep` declares: a
//! shared resource, or the module of an API.

use flux_apim_diag::{Budget, Place};
use flux_apim_link::Linked;
use flux_apim_model::Key;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes of the graph as entities, and what each entity waits for.
pub(super) struct Plan<'g> {
    /// The entity of each node. Shared nodes are their own; modules follow.
    entities: Vec<usize>,
    /// The APIs of the modules, and their nodes in deployment order.
    modules: Vec<(Key, Vec<usize>)>,
    graph: &'g Linked,
    depends_on: Vec<BTreeSet<usize>>,
    budget: Budget,
}

/// Edges that are followed to find out what one entity waits for through others.
/// What would take more names some that are superfluous, and right.
const MAX_FOLLOWED: usize = 512;

impl<'g> Plan<'g> {
    /// An API, its revisions and all that belongs to them go into one module:
    /// a release waits for the revision that it makes current, which is made
    /// from the API that the release belongs to.
    pub(super) fn new(graph: &'g Linked, budget: &Budget) -> Self {
        let count = graph.nodes().len();
        let mut by_api: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (i, node) in graph.nodes().iter().enumerate() {
            if let Some(api) = node.key.current_revision() {
                by_api.entry(api).or_default().push(i);
            }
        }
        let modules: Vec<(Key, Vec<usize>)> = by_api.into_iter().collect();
        let mut entities: Vec<usize> = (0..count).collect();
        for (n, (_, nodes)) in modules.iter().enumerate() {
            for &i in nodes {
                entities[i] = count + n;
            }
        }
        let mut depends_on = vec![BTreeSet::new(); count + modules.len()];
        for (i, node) in graph.nodes().iter().enumerate() {
            let needed = node.depends_on.iter().map(|&d| entities[d]);
            let own = entities[i];
            depends_on[own].extend(needed.filter(|&entity| entity != own));
        }
        Self {
            entities,
            modules,
            graph,
            depends_on,
            budget: budget.clone(),
        }
    }

    fn first_module(&self) -> usize {
        self.graph.nodes().len()
    }

    /// Nodes that `main.bicep` declares itself.
    pub(super) fn shared(&self) -> impl Iterator<Item = usize> {
        (0..self.first_module()).filter(|&i| self.entities[i] == i)
    }

    /// Entities that are modules.
    pub(super) fn modules(&self) -> impl Iterator<Item = usize> + use<> {
        let first = self.first_module();
        first..first + self.modules.len()
    }

    pub(super) fn entity_of(&self, node: usize) -> usize {
        self.entities[node]
    }

    /// The module that declares `node`, unless it is shared.
    pub(super) fn module_of(&self, node: usize) -> Option<usize> {
        Some(self.entities[node]).filter(|&entity| entity >= self.first_module())
    }

    pub(super) fn api_of(&self, module: usize) -> &Key {
        &self.modules[module - self.first_module()].0
    }

    pub(super) fn nodes_of(&self, module: usize) -> &[usize] {
        &self.modules[module - self.first_module()].1
    }

    /// What `entity` waits for and no other of them implies: shared nodes, and
    /// modules.
    pub(super) fn waits_for(&self, entity: usize) -> (Vec<usize>, Vec<usize>) {
        let direct = &self.depends_on[entity];
        let mut implied = BTreeSet::new();
        let mut followed = 0;
        let allowed = MAX_FOLLOWED + 4 * direct.len();
        let mut stack: Vec<usize> = direct.iter().copied().collect();
        if direct.len() < 2 {
            stack.clear();
        }
        while let Some(next) = stack.pop() {
            let left = allowed.saturating_sub(followed);
            for &below in self.depends_on[next].iter().take(left) {
                followed += 1;
                if implied.insert(below) {
                    stack.push(below);
                }
            }
        }
        let looked = direct.len() + followed;
        self.budget.spend(1 + looked as u64, Place::Source);
        direct
            .difference(&implied)
            .partition(|&&entity| entity < self.first_module())
    }
}
