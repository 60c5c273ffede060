//! One HTTP exchange: capped, timed, told apart by whether it may be tried
//! again. Nothing here knows credentials.

use super::super::error::{Shown, words};
use super::super::{Error, Spool};
use super::connection::Connection;
use super::faults::{failed, has_left, wants_tls};
use crate::diag::excerpt;
use bytes::Bytes;
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Method, Response, StatusCode, Url};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// JSON other than manifests.
pub(in crate::edge) const MAX_JSON: u64 = 1 << 20;
/// What is read of a refusal.
const MAX_REFUSAL: u64 = 16 << 10;
/// What to do about a registry that gives its own URL with the wrong scheme.
pub(in crate::edge) const NOT_TOLD: &str = "the registry takes itself for plain HTTP: let the \
    proxy before it set X-Forwarded-Proto, or give the registry its external URL in its configuration";
/// Silence that nobody has to be told of.
const QUIET_FOR: Duration = Duration::from_secs(3);
/// What a slow connection carries in a second.
const SLOW: u64 = 64 << 10;

/// A request, ready to be sent as often as it takes.
#[derive(Clone)]
pub(in crate::edge) struct Request {
    /// What this is for.
    pub(in crate::edge) attempted: String,
    pub(in crate::edge) method: Method,
    pub(in crate::edge) url: Url,
    pub(in crate::edge) headers: HeaderMap,
    pub(in crate::edge) body: Content,
    /// The most that is read of the answer.
    pub(in crate::edge) cap: u64,
    /// Where the bytes of an answer go that is expected; none keeps them in it.
    pub(in crate::edge) spool: Option<Spool>,
}

/// What a request carries: bytes, or those of a file.
#[derive(Clone)]
pub(in crate::edge) enum Content {
    Bytes(Bytes),
    File(Spool),
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(spool) => spool.size(),
        }
    }

    /// The bytes `from..to`.
    pub(super) fn slice(&self, from: u64, to: u64) -> Result<Self, Error> {
        match self {
            Self::Bytes(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(bytes.len()).min(bytes.len());
                Ok(Self::Bytes(bytes.slice(place(from)..place(to))))
            }
            Self::File(spool) => spool.read(from, to).map(Self::Bytes),
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(in crate::edge) struct Answer {
    pub(in crate::edge) status: StatusCode,
    pub(in crate::edge) headers: HeaderMap,
    pub(in crate::edge) body: Bytes,
}

/// The clients for the registry and for everything else.
pub(in crate::edge) struct Wire {
    connection: Connection,
    registry: Url,
    own: Client,
    other: OnceLock<Client>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("registry", &self.registry.as_str())
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request for `url` without a body.
    pub(in crate::edge) fn new(attempted: String, method: Method, url: Url) -> Self {
        Self {
            attempted,
            method,
            url,
            headers: HeaderMap::new(),
            body: Content::default(),
            cap: MAX_JSON,
            spool: None,
        }
    }

    /// A form, posted.
    pub(in crate::edge) fn form(attempted: String, url: Url, fields: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = Self::new(attempted, Method::POST, url);
        request.body = form.finish().into();
        let kind = header::HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(header::CONTENT_TYPE, kind);
        request
    }

    fn is_safe(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    fn timeout(&self) -> Duration {
        let most = self.cap.min(4 << 30) + self.body.size();
        Duration::from_secs(60 + most / SLOW)
    }
}

impl Wire {
    pub(in crate::edge) fn new(connection: &Connection, registry: Url) -> Result<Self, Error> {
        Ok(Self {
            own: connection.own()?,
            other: OnceLock::new(),
            connection: connection.clone(),
            registry,
        })
    }

    pub(in crate::edge) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(in crate::edge) fn registry(&self) -> &Url {
        &self.registry
    }

    /// Whether `url` is of the registry itself: scheme, host and port.
    pub(in crate::edge) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.registry.origin()
    }

    /// Refuses what is no HTTP, and plain HTTP where we began with TLS.
    pub(in crate::edge) fn check(&self, url: &Url, attempted: &str) -> Result<(), Error> {
        let plain = url.scheme() == "http" && self.registry.scheme() == "http";
        if url.scheme() == "https" || plain {
            return Ok(());
        }
        Err(Error::Refused {
            attempted: attempted.to_owned(),
            problem: format!(
                "{} sends us on to {}; what began with TLS does not go on without it",
                self.registry.authority(),
                shown(url)
            ),
            help: match self.is_same_host(url) {
                true => NOT_TOLD,
                false => "ask whoever runs the registry where it should send us",
            },
        })
    }

    /// Whether `url` leads to the registry's host, whatever the scheme and port.
    pub(in crate::edge) fn is_same_host(&self, url: &Url) -> bool {
        url.host_str() == self.registry.host_str()
    }

    fn client(&self, url: &Url) -> Result<&Client, Error> {
        if self.is_own(url) {
            return Ok(&self.own);
        }
        if self.other.get().is_none() {
            let made = self.connection.other()?;
            let _ = self.other.set(made);
        }
        Ok(self.other.get().unwrap_or(&self.own))
    }

    /// Sends `request` once, and reads the answer when its status is one of
    /// `expected`; any other is an error with the registry's own words.
    pub(in crate::edge) async fn send(
        &self,
        request: &Request,
        expected: &[u16],
    ) -> Result<Answer, Error> {
        let client = self.client(&request.url)?;
        let around = Around {
            deadline: self.connection.deadline,
            about_leaving: self.about_leaving(&request.url),
        };
        exchanged(client, request, expected, &around).await
    }

    /// What it may mean that the other side leaves without an answer. With TLS
    /// 1.3 a server refuses a client's certificate, or that there is none, when
    /// the client already sends its request. Whether the client gets to read
    /// the alert, or only to see that nobody reads the request, is a race.
    fn about_leaving(&self, url: &Url) -> &'static str {
        match (url.scheme(), self.connection.client_cert.is_some()) {
            ("http", _) => " (it may speak TLS: leave out --insecure)",
            ("https", false) => " (it may want a client certificate)",
            ("https", true) if self.is_own(url) => " (it may want another client certificate)",
            _ => "",
        }
    }
}

/// One exchange over `client`.
pub(in crate::edge) async fn exchange(
    client: &Client,
    request: &Request,
    expected: &[u16],
) -> Result<Answer, Error> {
    exchanged(client, request, expected, &Around::default()).await
}

/// What else is known of an exchange.
#[derive(Default)]
struct Around {
    /// When everything must be done.
    deadline: Option<Instant>,
    /// What it may mean that the other side leaves.
    about_leaving: &'static str,
}

impl Around {
    /// The time that is left.
    fn left(&self) -> Duration {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map_or(Duration::MAX, left)
    }

    /// `error`, or that the time is over.
    fn judged(&self, error: Error) -> Error {
        match (&error, self.left().is_zero()) {
            (Error::Silent { attempted, problem }, true) => Error::Late {
                attempted: attempted.clone(),
                last: format!(": {problem}"),
            },
            _ => error,
        }
    }
}

async fn exchanged(
    client: &Client,
    request: &Request,
    expected: &[u16],
    around: &Around,
) -> Result<Answer, Error> {
    let Request {
        attempted,
        method,
        url,
        headers,
        body,
        cap,
        spool,
    } = request;
    let left = around.left();
    if left.is_zero() {
        return Err(Error::Late {
            attempted: attempted.clone(),
            last: String::new(),
        });
    }
    let mut sent = client
        .request(method.clone(), url.clone())
        .headers(headers.clone())
        .timeout(request.timeout().min(left));
    if !request.is_safe() {
        sent = match body {
            Content::Bytes(bytes) => sent.body(bytes.clone()),
            Content::File(spool) => sent
                .header(header::CONTENT_LENGTH, body.size())
                .body(reqwest::Body::wrap_stream(spool.pieces())),
        };
    }
    let response = audibly(request, sent.send()).await.map_err(|e| {
        let left = !e.is_connect() && has_left(&e);
        match failed(attempted, url, &e) {
            Error::Network { attempted, problem } if left => Error::Network {
                attempted,
                problem: problem + around.about_leaving,
            },
            error => around.judged(error),
        }
    })?;
    let status = response.status();
    tracing::debug!(
        %method,
        host = url.host_str().unwrap_or(""),
        path = url.path(),
        status = status.as_u16(),
        "answered"
    );
    let head = *method == Method::HEAD;
    if expected.contains(&status.as_u16()) {
        let headers = response.headers().clone();
        let body = match head {
            true => Bytes::new(),
            false => read(response, *cap, spool.as_ref(), attempted, url)
                .await
                .map_err(|error| around.judged(error))?,
        };
        return Ok(Answer {
            status,
            headers,
            body,
        });
    }
    let after = retry_after(response.headers());
    let said = match head {
        true => Vec::new(),
        // A refusal that cannot be read is a refusal all the same.
        false => read_start(response, MAX_REFUSAL).await,
    };
    let speaks_tls =
        url.scheme() == "http" && status == StatusCode::BAD_REQUEST && wants_tls(&said);
    Err(Error::Status {
        attempted: attempted.clone(),
        registry: authority(url),
        status: status.as_u16(),
        said: words(&said),
        after,
        shown: match headers.contains_key(header::AUTHORIZATION) {
            true => Shown::Somebody,
            false => Shown::Nobody,
        },
        help: speaks_tls.then(|| "it speaks TLS: leave out --insecure".into()),
    })
}

/// Waits for an answer, and says so when it takes long.
async fn audibly<T>(request: &Request, answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => return answered,
        () = tokio::time::sleep(QUIET_FOR) => {}
    }
    let host = authority(&request.url);
    tracing::warn!("waiting for {host}: {}", request.attempted);
    answer.await
}

async fn read(
    response: Response,
    cap: u64,
    spool: Option<&Spool>,
    attempted: &str,
    url: &Url,
) -> Result<Bytes, Error> {
    let over = || Error::Over {
        attempted: attempted.to_owned(),
        limit: cap,
    };
    let stated = response.content_length();
    if stated.is_some_and(|stated| stated > cap) {
        return Err(over());
    }
    // What the other side states is no reason to reserve more than a bit.
    let room = stated.unwrap_or(0).min(1 << 20);
    let mut body = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    let mut response = response;
    // An earlier attempt may have ended half-way.
    spool.map_or(Ok(()), Spool::clear)?;
    let mut size = 0;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| failed(attempted, url, &e))?
    {
        size += chunk.len() as u64;
        if size > cap {
            return Err(over());
        }
        match spool {
            Some(spool) => spool.append(&chunk)?,
            None => body.extend_from_slice(&chunk),
        }
    }
    Ok(body.into())
}

async fn read_start(mut response: Response, cap: u64) -> Vec<u8> {
    let mut body = Vec::new();
    while (body.len() as u64) < cap {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            _ => break,
        }
    }
    body
}

pub(in crate::edge) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    date.duration_since(SystemTime::now()).ok()
}

pub(super) fn authority(url: &Url) -> String {
    url.authority().rsplit('@').next().unwrap_or("").to_owned()
}

/// A URL without user and query, which may be secret; with its port.
pub(in crate::edge) fn shown(url: &Url) -> String {
    let host = excerpt(url.host_str().unwrap_or(""), 100);
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}
