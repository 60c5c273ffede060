//! Which trees may be refused, with the reason: `allowed.json`.

use crate::run::Run;
use crate::sources::Kind;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub tree: String,
    /// `null` is the tree as it stands.
    pub environment: Option<String>,
    /// All codes of errors that this run has.
    pub codes: BTreeSet<String>,
    pub reason: String,
    pub source: String,
}

pub fn read() -> anyhow::Result<Vec<Refusal>> {
    serde_json::from_str(include_str!("../allowed.json")).context("hack/corpus/allowed.json")
}

/// What the list says of `run`.
pub fn of<'a>(allowed: &'a [Refusal], run: &Run) -> Option<&'a Refusal> {
    let tree = run.source.name.rsplit('/').next();
    allowed.iter().find(|one| {
        Some(one.tree.as_str()) == tree
            && one.environment == run.source.environment
            && one.codes.iter().map(String::as_str).eq(run.errors())
    })
}

/// Fails when a tree is refused that may not be, or the list has what is not refused.
pub fn hold(runs: &[Run], allowed: &[Refusal]) -> anyhow::Result<()> {
    let trees = || runs.iter().filter(|run| run.source.kind == Kind::Tree);
    let mut wrong = Vec::new();
    for run in trees().filter(|run| !run.is_rendered) {
        if of(allowed, run).is_none() {
            let (name, codes) = (&run.source.name, run.errors());
            let environment = &run.source.environment;
            wrong.push(format!("{name} {environment:?} is refused with {codes:?}"));
        }
    }
    for one in allowed {
        let is_met = trees().any(|run| of(std::slice::from_ref(one), run).is_some());
        if !is_met || one.reason.is_empty() || one.source.is_empty() {
            let (tree, environment) = (&one.tree, &one.environment);
            wrong.push(format!("{tree} {environment:?} is not refused so any more"));
        }
    }
    if !wrong.is_empty() {
        let wrong = wrong.join("\n  ");
        bail!("hack/corpus/allowed.json does not fit what is refused:\n  {wrong}");
    }
    Ok(())
}
