//! Deployment order: circles are findings, superfluous dependencies go.

use super::Node;
use crate::diag::{Diagnostic, Findings, Meter, Place, rules};
use std::collections::{BTreeSet, HashMap};

/// Sorts `nodes` so that each stands behind what it depends on, ties in key
/// order, and reduces dependencies to those that no other one implies.
pub(super) fn sort(mut nodes: Vec<Node>, findings: &mut Findings) -> Vec<Node> {
    for node in &mut nodes {
        node.depends_on.sort_unstable();
        node.depends_on.dedup();
    }
    let order = topological(&nodes);
    if order.len() < nodes.len() {
        report_circle(&nodes, &order, findings);
        return nodes;
    }
    let mut place = vec![0; nodes.len()];
    for (position, &index) in order.iter().enumerate() {
        place[index] = position;
    }
    let mut reducer = Reducer {
        nodes: &nodes,
        place: &place,
        seen: vec![0; nodes.len()],
        round: 0,
        meter: findings.budget().meter(),
    };
    let reduced: Vec<Vec<usize>> = (0..nodes.len()).map(|i| reducer.reduce(i)).collect();
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
/// imply. What would take more keeps some that are superfluous, and right.
const MAX_FOLLOWED: usize = 4096;

struct Reducer<'n> {
    nodes: &'n [Node],
    /// Of each node in the order of deployment.
    place: &'n [usize],
    /// The round in which each node was seen last.
    seen: Vec<usize>,
    round: usize,
    meter: Meter,
}

impl Reducer<'_> {
    /// The dependencies of `index` that are not reached through another one.
    fn reduce(&mut self, index: usize) -> Vec<usize> {
        let direct = &self.nodes[index].depends_on;
        self.meter.spend(1 + direct.len() as u64, Place::Source);
        if direct.len() < 2 {
            return direct.clone();
        }
        self.round += 1;
        // What stands before all of them in the order reaches none of them.
        let first = direct.iter().map(|&d| self.place[d]).min().unwrap_or(0);
        let mut stack: Vec<usize> = Vec::new();
        let mut followed = 0;
        for &through in direct {
            stack.push(through);
            while let Some(next) = stack.pop() {
                let left = MAX_FOLLOWED.saturating_sub(followed);
                for &below in self.nodes[next].depends_on.iter().take(left) {
                    self.meter.spend(1, Place::Source);
                    followed += 1;
                    if self.place[below] >= first && self.seen[below] != self.round {
                        self.seen[below] = self.round;
                        stack.push(below);
                    }
                }
            }
        }
        let kept = direct.iter().copied();
        kept.filter(|&d| self.seen[d] != self.round).collect()
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
    let mut finding = Diagnostic::new(
        &rules::DEPENDENCY_CYCLE,
        place(path[0]),
        format!(
            "resources depend on each other in a circle: {}",
            names.join(" -> ")
        ),
    )
    .help("remove one of the references");
    for &i in &path[1..] {
        finding = finding.related(place(i), format!("`{}`", nodes[i].key));
    }
    findings.push(finding);
}
