//! The check of one policy while somebody types in it.

use crate::diagnostics;
use crate::names::Names;
use crate::overlay::{self, Open};
use crate::work::World;
use flux_apim_diag::tree::{ArtifactPath, Limits, ReadError, SourceTree};
use flux_apim_diag::{Budget, Findings, Report};
use flux_apim_levels::{Done, Exceptions};
use flux_apim_policy as policy;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Steps that the answer to a change may take: somebody types.
pub(crate) const TYPING: u64 = 1_000_000;
/// Steps that the answer to a request may take: somebody waits.
pub(crate) const ASKING: u64 = 20_000_000;

/// Caps for work of at most so many steps.
pub(crate) fn limits(world: &dyn World, max_steps: u64) -> Limits {
    Limits {
        max_steps,
        ..world.options().limits
    }
}

/// The diagnostics of the policy `text` at `path`. `None` when it is no policy, or takes
/// too long: then the check of the project has them.
pub(crate) fn check(
    world: &dyn World,
    names: Option<&Names>,
    path: &str,
    text: &Arc<str>,
    root: &str,
) -> Option<Vec<Value>> {
    let document = policy::sniff(text)?;
    let known = names.filter(|names| names.tree.find(path).is_some());
    let own = ArtifactPath::parse(path).ok()?;
    let limits = limits(world, TYPING);
    let budget = Budget::new(&limits);
    let checked = budget.bound(|| -> Result<_, ReadError> {
        let open = Open::from([(own, Arc::clone(text))]);
        let tree = match known {
            // The places of levels are those of this tree.
            Some(names) => overlay::over(&names.tree, open),
            None => overlay::over(&SourceTree::in_memory(BTreeMap::new()), open),
        };
        let Some(file) = tree.find(path) else {
            return Ok(Vec::new());
        };
        let mut findings = Findings::new(&budget, &limits);
        let parsed = policy::parse(file, text, document, limits.max_depth, &mut findings);
        let setting = known.and_then(|names| names.policies.get(path));
        let setting = setting.map(|policy| policy.setting).unwrap_or_default();
        policy::check(&parsed, setting, &mut findings);
        drop(parsed);
        let said = known.map(|names| names.said.clone()).unwrap_or_default();
        let mut exceptions = Exceptions::new(&world.levels(), said, &mut findings);
        let registry = world.registry();
        exceptions.read_allowances(registry, &tree, &[file], &limits, &mut findings)?;
        findings.retain(|finding| finding.place.file() == Some(file));
        exceptions.settle(Done::Part, &tree, &mut findings);
        let report = Report::resolve(&findings, &tree, &exceptions)?;
        let open = BTreeSet::from([path.to_owned()]);
        let mut found = diagnostics::by_path(&report, &tree, &open, root);
        Ok(found.remove(path).unwrap_or_default())
    });
    checked.ok()?.ok()
}
