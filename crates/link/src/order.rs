//! Deployment order: circles are findings, superfluous dependencies go.

use super::{Node, lock};
use crate::rules::dependency_cycle;
use flux_apim_diag::{Findings, Meter, Place};
use flux_apim_model::{Key, Kind};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Chains named values, and what writes the same API or product; `current` has the last
/// release of an API, where one makes it what the tree says. Then sorts `nodes` so that each
/// stands behind what it depends on, ties in key order, and reduces dependencies to those
/// that no other one implies.
pub(super) fn sort(
    mut nodes: Vec<Node>,
    current: &BTreeMap<Key, Key>,
    findings: &mut Findings,
) -> Vec<Node> {
    lock::order_releases(&mut nodes, current);
    let Some(order) = ordered(&mut nodes, findings) else {
        return nodes;
    };
    lock::chain_named_values(&mut nodes, &order);
    let locks = lock::Locks::of(&nodes);
    lock::chain_own(&mut nodes, &locks, &order);
    let Some(order) = ordered(&mut nodes, findings) else {
        return nodes;
    };
    lock::chain_links(&mut nodes, &locks, &order);
    let Some(order) = ordered(&mut nodes, findings) else {
        return nodes;
    };
    let mut place = vec![0; nodes.len()];
    for (position, &index) in order.iter().enumerate() {
        place[index] = position;
    }
    let mut reducer = Reducer {
        nodes: &nodes,
        place: &place,
        reduced: vec![Vec::new(); nodes.len()],
        line: vec![Line::default(); nodes.len()],
        seen: vec![0; nodes.len()],
        meter: findings.budget().meter(),
    };
    for &index in &order {
        reducer.reduce(index);
    }
    let reduced = reducer.reduced;
    for (node, mut depends_on) in nodes.iter_mut().zip(reduced) {
        for dependency in &mut depends_on {
            *dependency = place[*dependency];
        }
        depends_on.sort_unstable();
        node.depends_on = depends_on;
    }
    let mut sorted: Vec<(usize, Node)> = place.into_iter().zip(nodes).collect();
    sorted.sort_by_key(|(position, _)| *position);
    sorted.into_iter().map(|(_, node)| node).collect()
}

/// The order of deployment; `None` when there is a circle, which is then found.
fn ordered(nodes: &mut [Node], findings: &mut Findings) -> Option<Vec<usize>> {
    let meter = findings.budget().meter();
    for node in &mut *nodes {
        meter.spend(1 + node.depends_on.len() as u64, Place::Source);
        node.depends_on.sort_unstable();
        node.depends_on.dedup();
    }
    let order = topological(nodes);
    if order.len() < nodes.len() {
        report_circle(nodes, &order, findings);
        return None;
    }
    Some(order)
}

/// Kahn's algorithm; nodes of a circle are missing from the answer.
fn topological(nodes: &[Node]) -> Vec<usize> {
    let mut waiting: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        for &dependency in &node.depends_on {
            dependents[dependency].push(i);
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&i| waiting[i] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for &dependent in &dependents[next] {
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    order
}

/// Edges that are followed to find out which dependencies of one node others
/// imply, beside as many as it has. What would take more keeps some that are
/// superfluous, and right.
const MAX_FOLLOWED: usize = 512;

/// Of each node one line of dependencies: the last one, the last one of that, and so
/// on. `jump` leads back along it in long steps.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    depth: usize,
    before: usize,
    jump: usize,
}

/// Reduces nodes in the order of deployment.
struct Reducer<'n> {
    nodes: &'n [Node],
    /// Of each node in that order.
    place: &'n [usize],
    reduced: Vec<Vec<usize>>,
    line: Vec<Line>,
    /// The node, plus one, for which each was seen last.
    seen: Vec<usize>,
    meter: Meter,
}

impl Reducer<'_> {
    /// Finds the dependencies of `index` that are not reached through another one.
    fn reduce(&mut self, index: usize) {
        let mut direct = self.nodes[index].depends_on.clone();
        self.meter.spend(1 + direct.len() as u64, Place::Source);
        direct.sort_unstable_by_key(|&d| std::cmp::Reverse(self.place[d]));
        let Some(&last) = direct.first() else {
            self.line[index] = Line {
                depth: 0,
                before: index,
                jump: index,
            };
            return;
        };
        // Nothing that it waits for comes after the last one: that is kept.
        direct.retain(|&d| d == last || !self.is_on_line(last, d));
        if direct.len() > 1 {
            let allowed = MAX_FOLLOWED + 4 * direct.len();
            self.mark(index, &direct, allowed);
            direct.retain(|&d| self.seen[d] != index + 1);
        }
        self.append(index, last);
        self.reduced[index] = direct;
    }

    /// Marks what is reached through `direct`, which are sorted, the last one first.
    fn mark(&mut self, index: usize, direct: &[usize], allowed: usize) {
        // What comes before all of them leads to none of them.
        let first = direct.last().map_or(0, |&d| self.place[d]);
        let mut followed = 0;
        let mut stack = Vec::new();
        for &through in direct {
            stack.push(through);
            while let Some(next) = stack.pop() {
                let left = allowed.saturating_sub(followed);
                for &below in self.reduced[next].iter().take(left) {
                    followed += 1;
                    if self.place[below] >= first && self.seen[below] != index + 1 {
                        self.seen[below] = index + 1;
                        stack.push(below);
                    }
                }
            }
        }
        self.meter.spend(followed as u64, Place::Source);
    }

    /// Puts `index` behind `last` on its line. Where two long steps before it are of
    /// one length, its own is both: a line of n takes log n of them.
    fn append(&mut self, index: usize, last: usize) {
        let before = self.line[last];
        let far = self.line[before.jump];
        let even = before.depth - far.depth == far.depth - self.line[far.jump].depth;
        self.line[index] = Line {
            depth: before.depth + 1,
            before: last,
            jump: if even { far.jump } else { last },
        };
    }

    /// Whether `wanted` is on the line that ends with `from`.
    fn is_on_line(&self, mut from: usize, wanted: usize) -> bool {
        let depth = self.line[wanted].depth;
        while self.line[from].depth > depth {
            self.meter.spend(1, Place::Source);
            let line = self.line[from];
            from = if self.line[line.jump].depth >= depth {
                line.jump
            } else {
                line.before
            };
        }
        from == wanted
    }
}

/// Resources of a circle that are named.
const MAX_SHOWN: usize = 20;

fn report_circle(nodes: &[Node], order: &[usize], findings: &mut Findings) {
    let done: BTreeSet<usize> = order.iter().copied().collect();
    let Some(start) = (0..nodes.len()).find(|i| !done.contains(i)) else {
        return;
    };
    // Every node left has a dependency that is left: walking on must return.
    let mut path = vec![start];
    let mut at_path = HashMap::from([(start, 0)]);
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = nodes[last].depends_on.iter().find(|d| !done.contains(d)) else {
            return;
        };
        if let Some(&at) = at_path.get(&next) {
            path.drain(..at);
            break;
        }
        at_path.insert(next, path.len());
        path.push(next);
    }
    // `fragment-cycle` of the policies says it at the place of the include.
    if path
        .iter()
        .all(|&i| nodes[i].key.kind == Kind::PolicyFragment)
    {
        return;
    }
    let mut names: Vec<String> = path
        .iter()
        .take(MAX_SHOWN)
        .map(|&i| format!("`{}`", nodes[i].key))
        .collect();
    if path.len() > MAX_SHOWN {
        names.push(format!("{} more", path.len() - MAX_SHOWN));
        path.truncate(MAX_SHOWN);
    }
    names.push(format!("`{}`", nodes[path[0]].key));
    let place = |i: usize| {
        nodes[i]
            .origins
            .first()
            .map_or(Place::Source, |o| Place::from(o.span))
    };
    let mut finding = dependency_cycle::found(place(path[0]), &names);
    for &i in &path[1..] {
        finding = finding.related(place(i), format!("`{}`", nodes[i].key));
    }
    findings.push(finding);
}
