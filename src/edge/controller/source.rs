//! Source objects by name, for the command line: `flux:KIND/NAMESPACE/NAME`.

use super::api::SourceKind;
use super::dereference::{Dereferenced, read};
use super::source_name::SourceName;
use crate::bundle::Source;
use crate::diag::excerpt;
use kube::Client;
use std::fmt;
use std::str::FromStr;

const CREATED: &str = "org.opencontainers.image.created";

/// A source object's kind, namespace and name.
#[derive(Debug, Clone)]
pub(crate) struct Named(SourceName);

/// A source object that has an artifact.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where the artifact is.
    pub(crate) url: String,
    /// Digest of its bytes.
    pub(crate) digest: String,
    /// What the inventory says of it.
    pub(crate) origin: Source,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = SourceKind::ALL.map(SourceKind::as_str).join(", ");
        let refused = |why: String| {
            format!(
                "`flux:{}`: {why}; write flux:KIND/NAMESPACE/NAME, KIND being one of {kinds}",
                excerpt(text, 200)
            )
        };
        let mut parts = text.split('/');
        let (Some(kind), Some(namespace), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refused("it has not three parts".to_owned()));
        };
        let known = SourceKind::parse(kind);
        let kind = known.ok_or_else(|| refused(format!("`{kind}` is no kind of source")))?;
        if namespace.is_empty() || name.is_empty() {
            return Err(refused("a part is empty".to_owned()));
        }
        Ok(Self(SourceName {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Named {
    /// What the object says now.
    pub(crate) async fn find(&self, client: &Client) -> Result<Found, super::dereference::Error> {
        let source = read(client, self.0.clone()).await?;
        Ok(Found {
            url: source.artifact.url.clone(),
            digest: source.artifact.digest.clone(),
            origin: origin(&source),
        })
    }
}

/// What the inventory says of a source object.
pub(super) fn origin(source: &Dereferenced) -> Source {
    Source {
        kind: source.name.kind.to_string(),
        url: source.url.clone(),
        revision: Some(source.artifact.origin_revision().to_owned()),
        digest: Some(source.artifact.digest.clone()),
        path: None,
        dirty: None,
        created: source.artifact.metadata.get(CREATED).cloned(),
    }
}
