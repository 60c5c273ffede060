//! Step 2, over HTTP: the bytes of the artifact, held against their digest.

use super::context::Context;
use super::dereference::{self, Dereferenced};
use super::error::{Retry, reason};
use crate::edge::fetch::{self, Policy};
use bytes::Bytes;
use std::time::Duration;

/// How often a source is read anew when its artifact is gone.
const ATTEMPTS: usize = 3;

/// A source with its bytes.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) source: Dereferenced,
    pub(super) bytes: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Get(fetch::Error),
    #[error(transparent)]
    Again(dereference::Error),
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Get(_) => reason::ARTIFACT_FAILED,
            Self::Again(error) => error.reason(),
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            // A gone artifact is replaced soon, or its server has just started.
            Self::Get(fetch::Error::NotFound { .. }) => Retry::Dependency,
            Self::Get(_) => Retry::Backoff,
            Self::Again(error) => error.retry(),
        }
    }
}

/// Fetches the artifact of `source`. When it is gone the source is asked
/// again: a minute after a new revision, source-controller removes the old one.
pub(super) async fn fetch(context: &Context, source: Dereferenced) -> Result<Fetched, Error> {
    let policy = Policy {
        timeout: context.settings.fetch_timeout,
        ..Policy::cluster()
    };
    let mut source = source;
    let mut attempt = 1;
    loop {
        let artifact = &source.artifact;
        let limits = &context.settings.limits;
        match fetch::artifact(&artifact.url, &artifact.digest, &policy, limits).await {
            Ok(bytes) => return Ok(Fetched { source, bytes }),
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
