//! What can go wrong with bundles in registries.

use crate::edge::{oci, sign, source};
use std::path::PathBuf;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry, or the layout.
    #[error(transparent)]
    Oci(#[from] oci::Error),
    /// The repository of the Bicep module.
    #[error(
        "{source}; this is the repository of the Bicep module, which is our idea: `--bicep-suffix \
         -bicep` puts it beside the bundle's, for registries with two levels or with repositories \
         that are made first, `--bicep-suffix ''` leaves it out"
    )]
    Module {
        /// What the registry said.
        source: oci::Error,
    },
    /// The archive in the layer is refused.
    #[error("{attempted}: {source}")]
    Archive {
        /// What was attempted.
        attempted: String,
        /// Why.
        source: source::Error,
    },
    /// Nothing is signed.
    #[error("{attempted}: {source}")]
    Sign {
        /// What was attempted.
        attempted: String,
        /// Why.
        source: sign::Error,
    },
    /// A template of a tag that is none.
    #[error("the tag `{template}`: {problem}")]
    Tag {
        /// As it was given.
        template: String,
        /// What is wrong with it, or missing.
        problem: String,
    },
    /// No such tag or digest.
    #[error("{place} has no `{reference}`{known}")]
    NotThere {
        /// Where it was looked for.
        place: String,
        /// What was looked for.
        reference: String,
        /// What there is, in words.
        known: String,
    },
    /// Something else than a bundle.
    #[error("{what} is no bundle: {found}; expected {expected}")]
    NotABundle {
        /// What was read.
        what: String,
        /// What it is.
        found: String,
        /// What a bundle has there.
        expected: &'static str,
    },
    /// A bundle that is not what its inventory says.
    #[error("{what} is damaged: {problem}; nothing of it is used")]
    Damaged {
        /// What was read.
        what: String,
        /// The first difference between what was sent and what is there.
        problem: String,
    },
    /// No signature that is asked for.
    #[error("{what} is not signed by {signer}: {problem}")]
    Unsigned {
        /// What was read, by tag or digest.
        what: String,
        /// The key or identity that should have signed it.
        signer: String,
        /// What there is instead.
        problem: String,
    },
    /// A bundle that was not held to a policy.
    #[error("{what}: {problem}")]
    Policy {
        /// What was read, by tag or digest.
        what: String,
        /// What was asked for, and what there is.
        problem: String,
    },
    /// Provenance that is not what is expected.
    #[error("{what}: {problem}")]
    Provenance {
        /// What was read, by tag or digest.
        what: String,
        /// What is expected and what was found.
        problem: String,
    },
    /// A manifest that cannot be pinned.
    #[error("write the pin into {}: {problem}", .path.display())]
    Pin {
        /// The Kubernetes manifest with the pin.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// Whether the same attempt may end otherwise in a while.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Oci(error) | Self::Module { source: error } => error.is_retryable(),
            _ => false,
        }
    }
}
