//! What can go wrong with a registry, said for whoever has to repair it.

use std::io;
use std::time::Duration;

/// Why something was not done. Each names what was attempted, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A reference that is none.
    #[error("`{given}` is no reference to an artifact: {found}; expected {expected}")]
    Reference {
        /// What was given.
        given: String,
        /// What is wrong with it.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The file system refused.
    #[error("{attempted}: {source}")]
    Io {
        /// What was attempted.
        attempted: String,
        /// What the file system said.
        source: io::Error,
    },
    /// Something that must be there is not.
    #[error("{attempted}: it is not there")]
    Missing {
        /// What was attempted.
        attempted: String,
    },
    /// Bytes that are not those that were named.
    #[error("{attempted}: expected {expected}, found {found}; nothing of it is used")]
    Mismatch {
        /// What was attempted.
        attempted: String,
        /// Digest or size that was named.
        expected: String,
        /// Digest or size that came.
        found: String,
    },
    /// More bytes than there may be.
    #[error("{attempted}: more than {limit} bytes; reading was stopped")]
    Over {
        /// What was attempted.
        attempted: String,
        /// How many there may be.
        limit: u64,
    },
    /// An answer that is not what the distribution specification says.
    #[error("{attempted}: {problem}")]
    Malformed {
        /// What was attempted.
        attempted: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An answer that would have us do what we do not.
    #[error("{attempted}: refused: {problem}; {help}")]
    Refused {
        /// What was attempted.
        attempted: String,
        /// What we do not do.
        problem: String,
        /// What to do instead.
        help: &'static str,
    },
    /// The registry said no.
    #[error("{attempted}: {registry} answered {status}{said}{}", help(*.status))]
    Status {
        /// What was attempted.
        attempted: String,
        /// Who answered.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words, cut short; empty when it had none.
        said: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// No answer.
    #[error("{attempted}: {problem}")]
    Network {
        /// What was attempted.
        attempted: String,
        /// What happened.
        problem: String,
    },
    /// There are no credentials, or not such that they can be used.
    #[error("{attempted}: {problem}; {help}")]
    Credentials {
        /// What was attempted.
        attempted: String,
        /// What is wrong with them.
        problem: String,
        /// What to do.
        help: String,
    },
    /// How to reach the registry makes no sense.
    #[error("{attempted}: {problem}")]
    Connection {
        /// What was attempted.
        attempted: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    pub(crate) fn io(attempted: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            attempted: attempted.into(),
            source,
        }
    }

    pub(crate) fn malformed(attempted: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Malformed {
            attempted: attempted.into(),
            problem: problem.into(),
        }
    }

    /// Whether the same attempt may end otherwise in a while.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            // What is sent has the digest that we state: it was checked. Distribution
            // says this when it reads a link that another publisher is writing.
            Self::Status {
                status: 400, said, ..
            } => said.starts_with(": DIGEST_INVALID"),
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// The HTTP status that the registry answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether credentials are what is wrong.
    pub fn is_unauthorized(&self) -> bool {
        matches!(
            self,
            Self::Credentials { .. }
                | Self::Status {
                    status: 401 | 403,
                    ..
                }
        )
    }

    /// Whether it is only that something is not there.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. } | Self::Status { status: 404, .. }
        )
    }

    /// When the registry wants to be asked again.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            Self::Status { after, .. } => *after,
            _ => None,
        }
    }
}

/// What to do about a status.
fn help(status: u16) -> &'static str {
    match status {
        401 => "; log in (`docker login`), or give --creds, for an account that may do this",
        403 => "; the account is known but may not do this: ask for push or pull on the repository",
        404 => "; check the repository's name, and whether the account may see it",
        405 => "; this registry does not offer that",
        413 => "; the registry, or a proxy before it, caps the size of requests",
        429 => "; the registry limits requests: try again later",
        500..=599 => "; the registry is in trouble: try again later",
        _ => "",
    }
}
