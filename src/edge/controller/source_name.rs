//! The name of a source object.

use super::api::{ApimBundle, SourceKind};
use std::fmt;

/// Kind, namespace and name of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SourceName {
    pub(super) kind: SourceKind,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl SourceName {
    /// The source of `bundle`.
    pub(super) fn of(bundle: &ApimBundle) -> Self {
        let reference = &bundle.spec.source_ref;
        let namespace = reference.namespace.as_deref().unwrap_or(bundle.namespace());
        Self {
            kind: reference.kind,
            namespace: namespace.to_owned(),
            name: reference.name.clone(),
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
