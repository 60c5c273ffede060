//! What can go wrong with a registry, said for whoever has to repair it.

mod advice;
mod words;

pub(super) use advice::spelled;
pub(super) use words::words;

use std::io;
use std::time::Duration;

/// What a registry was shown of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: nobody is logged in.
    Nobody,
    /// Credentials, or a token that was got with some.
    Somebody,
}

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
    #[error("{attempted}: {registry} answered {status}{said}{}", advice::on(self))]
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
        /// What it was shown of who asks.
        shown: Shown,
        /// What to do, where more is known than the status says.
        help: Option<Box<str>>,
    },
    /// A tag that the registry does not let anybody move.
    #[error("{attempted}: {registry} answered {status}{said}; it keeps tags immutable: {help}")]
    Immutable {
        /// What was attempted.
        attempted: String,
        /// Who answered.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words, cut short; empty when it had none.
        said: String,
        /// What to do.
        help: String,
    },
    /// No answer in the time that one request has.
    #[error("{attempted}: {problem}")]
    Silent {
        /// What was attempted.
        attempted: String,
        /// What happened.
        problem: String,
    },
    /// The time that was given for everything is over.
    #[error("{attempted}: the time of --timeout is over{last}")]
    Late {
        /// What was attempted.
        attempted: String,
        /// What went wrong before, if anything did.
        last: String,
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
            Self::Network { .. } | Self::Silent { .. } => true,
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
            Self::Status { status, .. } | Self::Immutable { status, .. } => Some(*status),
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

    /// The same with what to do, where more is known than the status says.
    pub(super) fn with_help(mut self, better: impl Into<String>) -> Self {
        if let Self::Status { help, .. } = &mut self {
            *help = Some(better.into().into_boxed_str());
        }
        self
    }

    /// The same by one whom nobody logged in: its token was for strangers.
    pub(super) fn by_nobody(mut self) -> Self {
        if let Self::Status { shown, .. } = &mut self {
            *shown = Shown::Nobody;
        }
        self
    }

    /// Whether a manifest was refused because of blobs that were there a moment ago:
    /// they were collected since, or a cache said so.
    pub fn lacks_blobs(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 404, said, .. } if said.contains("BLOB_UNKNOWN"))
    }

    /// Whether what came is something else than was looked for.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Over { .. })
    }

    /// When the registry wants to be asked again.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            Self::Status { after, .. } => *after,
            _ => None,
        }
    }
}
