//! Step 2, over HTTP: the bytes of the artifact, held against their digest.

use super::answer::{Retry, reason};
use super::context::Context;
use super::dereference::{self, Dereferenced};
use crate::diag::{Held, Place, Stop};
use crate::edge::fetch::{self, Policy};
use crate::edge::work::Task;
use bytes::Bytes;
use std::time::Duration;

/// How often a source is read anew when its artifact is gone.
const ATTEMPTS: usize = 3;

/// A source with its bytes.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) source: Dereferenced,
    pub(super) bytes: Bytes,
    /// What they take of the memory.
    pub(super) _held: Held,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Get(fetch::Error),
    #[error(transparent)]
    Again(dereference::Error),
    /// It would take more memory than one object may.
    #[error("{0}")]
    Large(String),
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Get(_) => reason::ARTIFACT_FAILED,
            Self::Again(error) => error.reason(),
            Self::Large(_) => reason::VALIDATION_FAILED,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            // A gone artifact is replaced soon, or its server has just started.
            Self::Get(fetch::Error::NotFound { .. }) => Retry::Dependency,
            Self::Get(_) => Retry::Backoff,
            Self::Again(error) => error.retry(),
            Self::Large(_) => Retry::OnChange,
        }
    }
}

/// Fetches the artifact of `source`. When it is gone the source is asked
/// again: a minute after a new revision, source-controller removes the old one.
pub(super) async fn fetch(
    context: &Context,
    source: Dereferenced,
    task: &Task,
) -> Result<Fetched, Error> {
    let policy = Policy {
        timeout: context.settings.fetch_timeout,
        ..Policy::cluster()
    };
    let mut source = source;
    let mut attempt = 1;
    loop {
        let artifact = &source.artifact;
        let (url, digest) = (&artifact.url, &artifact.digest);
        let budget = &task.budget;
        let mut held = budget.hold(0, Place::Source);
        let mut large = None;
        let mut room = |bytes| {
            let grown = budget.bound(|| held.grow(bytes, Place::Source));
            let stopped = grown.err();
            large = stopped.as_ref().and_then(Stop::finding);
            stopped.is_none()
        };
        let limits = &context.settings.limits;
        let fetched = fetch::artifact_within(url, digest, &policy, limits, &mut room).await;
        if let Some(finding) = large {
            let (code, message) = (finding.rule.code, finding.message);
            return Err(Error::Large(format!("{code} {message}")));
        }
        match fetched {
            Ok(bytes) => {
                return Ok(Fetched {
                    source,
                    bytes,
                    _held: held,
                });
            }
            Err(gone @ fetch::Error::NotFound { .. }) if attempt == ATTEMPTS => {
                return Err(Error::Get(gone));
            }
            Err(fetch::Error::NotFound { url, .. }) => {
                tracing::info!(url, "the artifact is gone; reading its source again");
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
                source = dereference::read(&context.client, source.name.clone())
                    .await
                    .map_err(Error::Again)?;
            }
            Err(error) => return Err(Error::Get(error)),
        }
    }
}
