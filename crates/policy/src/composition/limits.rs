//! Limits that count by the same key at several scopes: there is one counter for each
//! value of a key, whichever scope counts.

use super::state::{Met, Summary};
use crate::rules::shared_counter;
use flux_apim_diag::{Findings, Meter, Place};

/// A limit of the document that is walked.
pub(super) fn own<'f>(
    summary: &mut Summary<'f>,
    key: (&'static str, &'f str),
    met: Met,
    findings: &mut Findings,
) {
    let before = summary.limits.all(key).next();
    match before {
        Some((before, _)) if !before.own => {
            findings.push(shared_counter::found(met.span, key.0, before.span));
        }
        Some(_) => {}
        None => {
            summary.limits.top_mut().insert(key, met);
        }
    }
}

/// Limits of what encloses a document, behind its own.
pub(super) fn enclosing(
    own: &Summary<'_>,
    around: &Summary<'_>,
    meter: &Meter,
    findings: &mut Findings,
) {
    meter.spend(own.limits.weight() as u64, Place::Source);
    for (key, met) in own.limits.top().iter().filter(|(_, met)| met.own) {
        if let Some((other, _)) = around.limits.all(*key).next() {
            findings.push(shared_counter::found(met.span, key.0, other.span));
        }
    }
}
