//! Secrets that a deployment may leave out.

use flux_apim_link::Linked;
use std::collections::BTreeSet;

/// The secure parameters that are empty unless somebody gives them: what needs one is not
/// deployed then.
pub(super) fn optional(graph: &Linked) -> BTreeSet<&str> {
    let nodes = graph.nodes().iter();
    nodes.filter_map(|node| node.only_with.as_deref()).collect()
}
