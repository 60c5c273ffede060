//! What Azure locks while it writes: one API with its revisions and all that hangs on
//! them, one product with all that hangs on it. Two writers of one at once end in 409
//! `PessimisticConcurrencyConflict` or 412 (Azure/azure-api-management-devops-resource-kit
//! #340), so that they are chained.

use super::Node;
use crate::expression::Expression;
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use std::collections::BTreeMap;

/// What writing `key` locks: APIs by the name without revision, and products.
pub fn locks(key: &Key) -> Vec<Key> {
    let mut locks: Vec<Key> = key.current_revision().into_iter().collect();
    if matches!(key.kind, Kind::ProductApi | Kind::GatewayApi) {
        let target = key.link_target();
        locks.extend(target.and_then(|api| api.current_revision()));
    }
    if key.kind.row().arm.split('/').next() == Some("products") {
        let product = key.names.first();
        locks.extend(product.map(|name| key.sibling(Kind::Product, &[name])));
    }
    locks
}

/// What hangs on an API itself, not what links it to something else.
fn is_own(key: &Key) -> bool {
    key.api().is_some()
}

/// Edges that releases need: a release waits for all that belongs to its API, so that no
/// revision becomes current before its policies are there; releases follow each other by
/// the number of their revision, the current one last.
pub(super) fn order_releases(nodes: &mut [Node], current: &BTreeMap<Key, Key>) {
    let mut releases: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        if let (Kind::ApiRelease, Some(api)) = (node.key.kind, node.key.current_revision()) {
            releases.entry(api).or_default().push(i);
        }
    }
    if releases.is_empty() {
        return;
    }
    let mut before: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let Some(api) = node.key.current_revision().filter(|_| is_own(&node.key)) else {
            continue;
        };
        if node.key.kind != Kind::ApiRelease && releases.contains_key(&api) {
            before.entry(api).or_default().push(i);
        }
    }
    for (api, mut releases) in releases {
        releases.sort_by_cached_key(|&i| {
            let is_last = current.get(&api) == Some(&nodes[i].key);
            (is_last, release_number(&nodes[i]))
        });
        let mut previous = before.remove(&api).unwrap_or_default();
        for release in releases {
            nodes[release].depends_on.append(&mut previous);
            previous.push(release);
        }
    }
}

/// Chains the named values of the service, and those of each workspace, in `order`. Azure
/// checks all policies again when one gets another display name, and the APIOps Toolkit
/// writes them one after the other. Those that are deployed only where somebody gives their
/// value come first, beside each other: what waits for one that is left out waits for
/// nothing, so that a chain may not lead through it.
pub(super) fn chain_named_values(nodes: &mut [Node], order: &[usize]) {
    type Chain = (Vec<usize>, Vec<usize>);
    let mut chains: BTreeMap<Option<String>, Chain> = BTreeMap::new();
    for &i in order
        .iter()
        .filter(|&&i| nodes[i].key.kind == Kind::NamedValue)
    {
        let workspace = nodes[i].key.workspace.clone();
        let (optional, always) = chains.entry(workspace).or_default();
        match nodes[i].only_with.is_some() {
            false => always.push(i),
            true if nodes[i].depends_on.is_empty() => optional.push(i),
            true => {}
        }
    }
    for (optional, always) in chains.into_values() {
        if let Some(&first) = always.first() {
            nodes[first].depends_on.extend(optional);
        }
        for pair in always.windows(2) {
            nodes[pair[1]].depends_on.push(pair[0]);
        }
    }
}

/// The number of the revision that a release makes current; the current one has none.
fn release_number(node: &Node) -> u64 {
    let target = node
        .properties
        .iter()
        .find_map(|(name, value)| match value {
            Expression::Id(key) if name == "apiId" => Some(key),
            _ => None,
        });
    let number = target.and_then(|key| key.names.first()?.split_once(";rev="));
    number
        .and_then(|(_, number)| number.parse().ok())
        .unwrap_or(u64::MAX)
}

/// Locks by number, of each node.
pub(super) struct Locks(Vec<Vec<usize>>);

impl Locks {
    pub(super) fn of(nodes: &[Node]) -> Self {
        let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
        let mut number = |lock| {
            let next = numbers.len();
            *numbers.entry(lock).or_insert(next)
        };
        let all = nodes
            .iter()
            .map(|node| locks(&node.key).into_iter().map(&mut number).collect());
        Self(all.collect())
    }

    /// Makes `i` wait for the last writers of its locks. What else it waits for and has one
    /// of those locks comes before them.
    fn wait(&self, nodes: &mut [Node], i: usize, writers: &[(usize, usize)]) {
        let is_implied = |d: usize| {
            let behind = |(lock, writer): &(usize, usize)| *writer != d && self.0[d].contains(lock);
            writers.iter().any(behind) && !writers.iter().any(|(_, writer)| *writer == d)
        };
        nodes[i].depends_on.retain(|&d| !is_implied(d));
        nodes[i]
            .depends_on
            .extend(writers.iter().map(|(_, writer)| writer));
    }
}

/// Lets the links of an API wait for the last of what belongs to it in `order`, in which
/// it is chained.
pub(super) fn chain_own(nodes: &mut [Node], locks: &Locks, order: &[usize]) {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for &i in order {
        if !is_own(&nodes[i].key) {
            continue;
        }
        for &lock in &locks.0[i] {
            if let Some(before) = last.insert(lock, i) {
                locks.wait(nodes, i, &[(lock, before)]);
            }
        }
    }
    for i in 0..nodes.len() {
        if !is_own(&nodes[i].key) {
            let held = locks.0[i]
                .iter()
                .filter_map(|lock| Some((*lock, *last.get(lock)?)));
            let held: Vec<_> = held.collect();
            locks.wait(nodes, i, &held);
        }
    }
}

/// Chains what writes the same API or product from outside, in `order`.
pub(super) fn chain_links(nodes: &mut [Node], locks: &Locks, order: &[usize]) {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for &i in order {
        if is_own(&nodes[i].key) {
            continue;
        }
        let before = locks.0[i]
            .iter()
            .filter_map(|&lock| Some((lock, last.insert(lock, i)?)));
        let before: Vec<_> = before.collect();
        locks.wait(nodes, i, &before);
    }
}
