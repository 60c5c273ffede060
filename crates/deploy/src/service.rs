//! The world, as the engine sees it: one that answers requests, and waits.

use serde_json::Value as Json;
use std::future::Future;
use std::time::Duration;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or replaces.
    Put,
    /// Removes.
    Delete,
    /// Does something else.
    Post,
}

impl Method {
    /// As in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Post => "POST",
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Below the service, in clear: whoever sends it encodes each segment. The empty text is
    /// the service itself.
    Below(String),
    /// Below the resource group of the service, in clear.
    Group(String),
    /// Where the service said to ask next: an operation, the next page. Whoever sends it
    /// sees to it that it leads to the same endpoint, since a token goes with it.
    Link(String),
}

/// What is sent. It may hold secrets, and does not print.
#[derive(Clone, PartialEq)]
pub struct Body(pub Json);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// Where.
    pub place: Place,
    /// Fields of the query, in clear; the api-version is one.
    pub query: Vec<(String, String)>,
    /// The ETag that the resource must have.
    pub if_match: Option<String>,
    /// What is sent.
    pub body: Option<Body>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Azure-AsyncOperation`.
    pub operation: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body; null when there is none.
    pub body: Json,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The connection failed, or what came is no answer. Whether the request was carried out
    /// is not known.
    #[error("{0}")]
    Cut(String),
    /// The time for everything is over, and nothing is sent any more. Whether this request
    /// was carried out is not known.
    #[error("{0}")]
    Late(String),
    /// The request was not sent, and trying again does not help: no token, a place that
    /// leads elsewhere.
    #[error("{0}")]
    Unsent(String),
}

/// A service of API Management, reached with somebody's identity.
pub trait Service: Sync {
    /// Sends a request once.
    fn call(&self, request: &Request) -> impl Future<Output = Result<Answer, Fault>> + Send;
    /// Waits, a little longer than asked so that two writers do not stay in step.
    fn wait(&self, time: Duration) -> impl Future<Output = ()> + Send;
}
