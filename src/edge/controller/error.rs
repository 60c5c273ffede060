//! What goes wrong in a reconciliation, in one word for conditions, events and
//! metrics, and whether to try again.

use super::answer::{Retry, reason};
use super::{dereference, fetch, policies, publish, render, write_status};
use std::time::Duration;

/// Why a reconciliation did not succeed: one variant for each step.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Dereference(#[from] dereference::Error),
    #[error(transparent)]
    Policies(#[from] policies::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Render(#[from] render::Error),
    #[error(transparent)]
    Publish(#[from] publish::Error),
    #[error("not done within {0:?}: raise spec.timeout, or see in the log which step hangs")]
    Timeout(Duration),
    #[error(transparent)]
    Status(#[from] write_status::WriteError),
}

impl Error {
    /// One of a few words: condition reason, event reason, metric label.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Dereference(error) => error.reason(),
            Self::Policies(error) => error.reason(),
            Self::Fetch(error) => error.reason(),
            Self::Render(error) => error.reason(),
            Self::Publish(error) => error.reason(),
            Self::Timeout(_) => reason::TIMEOUT,
            Self::Status(_) => reason::PROGRESSING,
        }
    }

    /// Whether it only means that another replica leads now.
    pub(super) fn is_lease(&self) -> bool {
        match self {
            Self::Publish(error) => error.is_lease(),
            Self::Status(error) => matches!(error, write_status::WriteError::Lease(_)),
            _ => false,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Dereference(error) => error.retry(),
            Self::Policies(error) => error.retry(),
            Self::Fetch(error) => error.retry(),
            Self::Render(error) => error.retry(),
            Self::Publish(error) => error.retry(),
            Self::Timeout(_) | Self::Status(_) => Retry::Backoff,
        }
    }
}
