//! What of an event of Flux matters here.

use crate::diag::excerpt;
use crate::edge::names::{is_label, is_subdomain};
use serde::Deserialize;

/// An event, as notification-controller sends it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    involved_object: Object,
    #[serde(default)]
    reason: String,
}

/// The object that an event is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

/// A source that has a new artifact, perhaps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) kind: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Why, for the log.
    pub(super) reason: String,
}

/// A member that no object of the cluster can have, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Impossible {
    pub(super) member: &'static str,
    pub(super) text: String,
}

/// Kinds whose artifacts are rendered.
const KINDS: [&str; 4] = [
    "GitRepository",
    "OCIRepository",
    "Bucket",
    "ExternalArtifact",
];

impl Event {
    /// The source that it is about; none when it is about something else.
    ///
    /// # Errors
    /// When a name is none: they become paths of the API server.
    pub(super) fn source(self) -> Result<Option<Source>, Impossible> {
        let object = self.involved_object;
        // Others have a kind Bucket, too.
        let (group, _) = object.api_version.split_once('/').unwrap_or(("", ""));
        let ours = object.api_version.is_empty() || group == "source.toolkit.fluxcd.io";
        let kind = KINDS.into_iter().find(|kind| *kind == object.kind);
        let Some(kind) = kind.filter(|_| ours) else {
            return Ok(None);
        };
        let impossible = |member, text: &str| Impossible {
            member,
            text: excerpt(text, 100),
        };
        if !is_label(&object.namespace) {
            return Err(impossible("namespace", &object.namespace));
        }
        if !is_subdomain(&object.name) {
            return Err(impossible("name", &object.name));
        }
        Ok(Some(Source {
            kind,
            namespace: object.namespace,
            name: object.name,
            reason: excerpt(&self.reason, 100),
        }))
    }
}

impl Source {
    /// Whether both are the same object.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name == other.name
    }
}
