//! What goes into which file. An *entity* is what `main.bicep` declares: a shared
//! resource, or the module of an API. Where that is more than a file takes, runs of
//! entities are modules too.

use super::limits::Weight;
use super::measure::{Measure, is_link};
use super::scope::arm_parent;
use flux_apim_diag::{Budget, Place};
use flux_apim_link::Linked;
use flux_apim_model::Key;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a file declares.
#[derive(Debug)]
pub(super) enum Entity {
    /// A resource, by its place in the graph.
    Resource(usize),
    /// A module: an API, its revisions and what belongs to them, in deployment order. An
    /// API that is more than a file takes has several.
    Api(Key, Vec<usize>),
}

impl Entity {
    fn nodes(&self) -> &[usize] {
        match self {
            Self::Resource(node) => std::slice::from_ref(node),
            Self::Api(_, nodes) => nodes,
        }
    }
}

/// Entities in deployment order, and what each waits for.
pub(super) struct Plan<'g> {
    graph: &'g Linked,
    pub(super) entities: Vec<Entity>,
    depends_on: Vec<BTreeSet<usize>>,
    /// Runs of entities that are files of their own; none when `main.bicep` takes all.
    pub(super) parts: Vec<Range<usize>>,
    budget: Budget,
}

/// Edges that are followed to find out what one entity waits for through others.
/// What would take more names some that are superfluous, and right.
const MAX_FOLLOWED: usize = 512;
/// A part ends with its kind when it has this many resources.
const ENOUGH: usize = 200;

impl<'g> Plan<'g> {
    pub(super) fn new(graph: &'g Linked, measures: &[Measure], budget: &Budget) -> Self {
        let mut by_api: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (i, node) in graph.nodes().iter().enumerate() {
            if let Some(api) = node.key.current_revision() {
                by_api.entry(api).or_default().push(i);
            }
        }
        let mut modules: Vec<Entity> = Vec::new();
        for (api, nodes) in by_api {
            let weights = nodes.iter().map(|&i| measures[i].weight);
            let files = pack(weights, |_, _| false);
            modules.extend(
                files
                    .into_iter()
                    .map(|range| Entity::Api(api.clone(), nodes[range].to_vec())),
            );
        }
        let mut plan = Self {
            graph,
            entities: Vec::new(),
            depends_on: Vec::new(),
            parts: Vec::new(),
            budget: budget.clone(),
        };
        let (entities, depends_on) = plan.with(modules);
        plan.entities = entities;
        plan.depends_on = depends_on;
        plan.split(measures);
        plan
    }

    /// The entities when `modules` are some of them, in deployment order.
    fn with(&self, mut modules: Vec<Entity>) -> (Vec<Entity>, Vec<BTreeSet<usize>>) {
        let nodes = self.graph.nodes();
        loop {
            let mut entities: Vec<Entity> = Vec::new();
            let in_modules = modules.iter().flat_map(Entity::nodes).copied();
            let in_modules: BTreeSet<usize> = in_modules.collect();
            let shared = (0..nodes.len()).filter(|i| !in_modules.contains(i));
            entities.extend(shared.map(Entity::Resource));
            entities.append(&mut modules);
            // Those of one kind and parent stand together.
            entities.sort_by(|a, b| {
                let first = |entity: &Entity| entity.nodes()[0];
                let (a, b) = (first(a), first(b));
                nodes[a].key.cmp(&nodes[b].key).then(a.cmp(&b))
            });
            let depends_on = self.edges(&entities);
            let order = self.order(&entities, &depends_on);
            if order.len() == entities.len() {
                return reordered(entities, &depends_on, &order);
            }
            // What waits for itself through another file is declared without modules.
            let done: BTreeSet<usize> = order.into_iter().collect();
            let entities = entities.into_iter().enumerate();
            modules = entities
                .filter(|(e, entity)| done.contains(e) && matches!(entity, Entity::Api(..)))
                .map(|(_, entity)| entity)
                .collect();
        }
    }

    /// What each entity waits for.
    fn edges(&self, entities: &[Entity]) -> Vec<BTreeSet<usize>> {
        let mut entity_of = vec![0; self.graph.nodes().len()];
        for (e, entity) in entities.iter().enumerate() {
            for &node in entity.nodes() {
                entity_of[node] = e;
            }
        }
        let each = entities.iter().enumerate().map(|(e, entity)| {
            let nodes = entity.nodes().iter();
            let needed = nodes.flat_map(|&i| &self.graph.nodes()[i].depends_on);
            let needed = needed.map(|&d| entity_of[d]);
            let needed: BTreeSet<usize> = needed.filter(|&needed| needed != e).collect();
            self.budget.spend(1 + needed.len() as u64, Place::Source);
            needed
        });
        each.collect()
    }

    /// Kahn's algorithm; what waits for itself is missing from the answer. Links of one
    /// parent follow each other where they can.
    fn order(&self, entities: &[Entity], depends_on: &[BTreeSet<usize>]) -> Vec<usize> {
        let mut waiting: Vec<usize> = depends_on.iter().map(BTreeSet::len).collect();
        let mut dependents = vec![Vec::new(); entities.len()];
        for (e, needed) in depends_on.iter().enumerate() {
            for &dependency in needed {
                dependents[dependency].push(e);
            }
        }
        let mut ready: BTreeSet<usize> = (0..entities.len()).filter(|&e| waiting[e] == 0).collect();
        let mut order: Vec<usize> = Vec::with_capacity(entities.len());
        loop {
            let follows = order.last().and_then(|&last| {
                let next = *ready.range(last..).next()?;
                self.is_loop(&entities[last], &entities[next])
                    .then_some(next)
            });
            let Some(next) = follows.or_else(|| ready.first().copied()) else {
                return order;
            };
            ready.remove(&next);
            order.push(next);
            for &dependent in &dependents[next] {
                waiting[dependent] -= 1;
                if waiting[dependent] == 0 {
                    ready.insert(dependent);
                }
            }
        }
    }

    fn is_loop(&self, a: &Entity, b: &Entity) -> bool {
        match (a, b) {
            (Entity::Resource(a), Entity::Resource(b)) => is_loop(self.graph, *a, *b),
            _ => false,
        }
    }

    /// Cuts the entities into files where one does not take all.
    fn split(&mut self, measures: &[Measure]) {
        let weight = |entity: &Entity| match entity {
            Entity::Resource(i) => measures[*i].weight,
            Entity::Api(..) => Weight {
                resources: 1,
                loads: 0,
            },
        };
        let all = self.entities.iter().map(weight);
        if all.clone().fold(Weight::FILE, Weight::plus).fits() {
            return;
        }
        let ends = |e: usize, filled: Weight| {
            let other = self.collection(&(e - 1..e)) != self.collection(&(e..e + 1));
            other && filled.resources >= ENOUGH
        };
        self.parts = pack(all, ends);
    }

    /// What the entities of a file are: their collection, when it is one.
    pub(super) fn collection(&self, part: &Range<usize>) -> Option<&'static str> {
        let collection = |entity: &Entity| {
            let key = &self.graph.nodes()[entity.nodes()[0]].key;
            key.kind.row().arm.split('/').next()
        };
        let mut all = self.entities[part.clone()].iter().map(collection);
        let first = all.next()??;
        all.all(|other| other == Some(first)).then_some(first)
    }

    /// What the entities `members` wait for beside each other, and no other of them
    /// implies.
    pub(super) fn waits_for(&self, members: &Range<usize>) -> Vec<usize> {
        let direct = self.depends_on[members.clone()].iter().flatten().copied();
        let direct: BTreeSet<usize> = direct.filter(|d| !members.contains(d)).collect();
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
        direct.difference(&implied).copied().collect()
    }

    /// The parts that a part waits for.
    pub(super) fn parts_before(&self, part: usize) -> BTreeSet<usize> {
        let members = self.parts[part].clone();
        let needed = self.depends_on[members].iter().flatten();
        let parts = needed.map(|d| self.parts.partition_point(|other| other.end <= *d));
        parts.filter(|&other| other != part).collect()
    }
}

/// Whether the resources `a` and `b` are links of one parent, and may be one loop.
pub(super) fn is_loop(graph: &Linked, a: usize, b: usize) -> bool {
    let (a, b) = (&graph.nodes()[a], &graph.nodes()[b]);
    a.key.kind == b.key.kind
        && is_link(a)
        && is_link(b)
        && arm_parent(&a.key).is_some()
        && arm_parent(&a.key) == arm_parent(&b.key)
}

fn reordered(
    entities: Vec<Entity>,
    depends_on: &[BTreeSet<usize>],
    order: &[usize],
) -> (Vec<Entity>, Vec<BTreeSet<usize>>) {
    let mut place = vec![0; order.len()];
    for (position, &e) in order.iter().enumerate() {
        place[e] = position;
    }
    let moved = |e: &usize| depends_on[*e].iter().map(|&d| place[d]).collect();
    let depends_on = order.iter().map(moved).collect();
    let mut entities: Vec<(usize, Entity)> = place.into_iter().zip(entities).collect();
    entities.sort_by_key(|(position, _)| *position);
    let entities = entities.into_iter().map(|(_, entity)| entity);
    (entities.collect(), depends_on)
}

/// Cuts a list into runs that each fit into a file; also before an item where `ends` says
/// so of the run before it.
fn pack(
    weights: impl Iterator<Item = Weight>,
    ends: impl Fn(usize, Weight) -> bool,
) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut filled = Weight::FILE;
    for (i, weight) in weights.enumerate() {
        match runs.last_mut() {
            Some(run) if filled.plus(weight).fits() && !ends(i, filled) => {
                run.end = i + 1;
                filled = filled.plus(weight);
            }
            _ => {
                runs.push(i..i + 1);
                filled = Weight::FILE.plus(weight);
            }
        }
    }
    runs
}
