//! Schemas of OpenAPI 3.1 that have an `$id`: a reference may name one instead of a place.

use flux_apim_diag::Meter;
use flux_apim_syntax::Document;
use std::collections::HashSet;

/// The ids in a document.
#[derive(Debug, Default)]
pub(super) struct Ids<'d>(HashSet<&'d str>);

impl<'d> Ids<'d> {
    pub(super) fn of(document: &'d Document, meter: &Meter) -> Self {
        let mut ids = HashSet::new();
        let end = document.root().end_index();
        meter.spend(u64::from(end) / 8, document.file());
        for index in 1..end.saturating_sub(1) {
            // The value of a key is the next node.
            if document.node(index).as_str() == Some("$id")
                && let Some(id) = document.node(index + 1).as_str()
            {
                ids.insert(id);
                // Names relative to the address of the document end like this.
                ids.extend(id.rsplit_once('/').map(|(_, name)| name));
            }
        }
        Self(ids)
    }

    /// Whether `reference` names one of them, or a place in it.
    pub(super) fn has(&self, reference: &str) -> bool {
        let name = reference.split('#').next().unwrap_or("");
        let name = name.strip_prefix("./").unwrap_or(name);
        let name = name.strip_prefix('/').unwrap_or(name);
        !name.is_empty() && self.0.contains(name)
    }
}
