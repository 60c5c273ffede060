//! A registry: requests with credentials, redirects and patience.

use super::super::{Error, Reference, Spool};
use super::auth::{Auth, Authorization, Scope};
use super::connection::Connection;
use super::wire::{Answer, Content, NOT_TOLD, Request, Wire, shown};
use crate::tree::Digest;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Hops of a download.
const MAX_REDIRECTS: usize = 5;
/// How often one request answers a challenge: once without credentials, once
/// with such as have ended or were for less.
const MAX_CHALLENGES: usize = 2;
/// Manifests that are kept, and the largest of them.
const KEPT: usize = 32;
const KEPT_BYTES: usize = 256 << 10;

/// A registry, as one reaches it. What is learnt about it (who we are, whether
/// it lists referrers) serves every repository in it; clones share it.
#[derive(Debug, Clone)]
pub struct Registry(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) name: String,
    pub(super) wire: Wire,
    auth: Auth,
    native: AtomicU8,
    manifests: Mutex<Vec<Kept>>,
    /// Uploads that a mount opened instead of mounting.
    pub(super) opened: Mutex<BTreeMap<(String, Digest), Url>>,
    /// Whether it was seen to take no chunks.
    pub(super) whole_only: AtomicBool,
    /// Held while the list of referrers behind a tag is rewritten.
    pub(super) listing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    repository: String,
    digest: Digest,
    media_type: String,
    bytes: Bytes,
}

/// One request to a registry.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) scope: Scope,
    /// Statuses that are no error.
    pub(super) expected: &'static [u16],
    /// Sent once: whoever asks knows how to go on after a failure.
    pub(super) once: bool,
}

impl Ask {
    pub(super) fn new(attempted: String, method: Method, url: Url, scope: Scope) -> Self {
        Self {
            request: Request::new(attempted, method, url),
            scope,
            expected: &[200],
            once: false,
        }
    }

    pub(super) fn expecting(mut self, expected: &'static [u16]) -> Self {
        self.expected = expected;
        self
    }

    pub(super) fn capped(mut self, cap: u64) -> Self {
        self.request.cap = cap;
        self
    }

    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.request.headers.insert(name, value);
        }
        self
    }

    pub(super) fn body(mut self, body: Content) -> Self {
        self.request.body = body;
        self
    }

    /// What is answered goes into `spool`, and the answer has no bytes.
    pub(super) fn into_spool(mut self, spool: &Spool) -> Self {
        self.request.spool = Some(spool.clone());
        self
    }
}

impl Registry {
    /// The registry that `reference` is in.
    ///
    /// # Errors
    /// When the connection's parts (certificates, proxy) are not what they
    /// should be.
    pub fn new(reference: &Reference, connection: &Connection) -> Result<Self, Error> {
        let host = match reference.registry.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            host => host,
        };
        let scheme = if connection.insecure { "http" } else { "https" };
        let url = format!("{scheme}://{host}/");
        let url = Url::parse(&url).map_err(|e| Error::Connection {
            attempted: format!("reach {host}"),
            problem: e.to_string(),
        })?;
        Ok(Self(Arc::new(Inner {
            name: reference.registry.clone(),
            wire: Wire::new(connection, url)?,
            auth: Auth::default(),
            native: AtomicU8::new(UNKNOWN),
            manifests: Mutex::default(),
            opened: Mutex::default(),
            whole_only: AtomicBool::default(),
            listing: tokio::sync::Mutex::default(),
        })))
    }
}

const UNKNOWN: u8 = 0;
const NATIVE: u8 = 1;
const BY_TAG: u8 = 2;

impl Inner {
    /// `https://REGISTRY/v2/REPOSITORY/REST`.
    pub(super) fn url(&self, repository: &str, rest: &str) -> Url {
        let mut url = self.wire.registry().clone();
        url.set_path(&format!("/v2/{repository}/{rest}"));
        url
    }

    /// Whether the registry lists referrers itself, when that is known.
    pub(super) fn lists_referrers(&self) -> Option<bool> {
        match self.native.load(Ordering::Relaxed) {
            NATIVE => Some(true),
            BY_TAG => Some(false),
            _ => None,
        }
    }

    pub(super) fn learn_lists_referrers(&self, native: bool) {
        let native = if native { NATIVE } else { BY_TAG };
        self.native.store(native, Ordering::Relaxed);
    }

    /// A manifest that we sent to, or read from, `repository`.
    pub(super) fn kept(&self, repository: &str, digest: &Digest) -> Option<(String, Bytes)> {
        let kept = self
            .manifests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = kept
            .iter()
            .find(|k| k.digest == *digest && k.repository == repository)?;
        Some((found.media_type.clone(), found.bytes.clone()))
    }

    pub(super) fn keep(&self, repository: &str, digest: Digest, media_type: &str, bytes: &Bytes) {
        let mut kept = self
            .manifests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        kept.retain(|k| !(k.digest == digest && k.repository == repository));
        if bytes.len() > KEPT_BYTES {
            return;
        }
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Kept {
            repository: repository.to_owned(),
            digest,
            media_type: media_type.to_owned(),
            bytes: bytes.clone(),
        });
    }

    pub(super) fn forget(&self, repository: &str, digest: &Digest) {
        let mut kept = self
            .manifests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        kept.retain(|k| !(k.digest == *digest && k.repository == repository));
    }

    /// Asks, with whatever credentials it takes, as often as it takes.
    pub(super) async fn ask(&self, at: &Reference, ask: &Ask) -> Result<Answer, Error> {
        let done = match ask.once {
            true => self.follow(at, ask).await,
            false => {
                let connection = self.wire.connection();
                connection.retried(|| self.follow(at, ask)).await
            }
        };
        match done {
            Err(Error::Status {
                attempted,
                registry,
                status,
                said,
                after,
                shown,
                help,
            }) => Err(Error::Status {
                said: self.auth.redact(&said),
                attempted,
                registry,
                status,
                after,
                shown,
                help,
            }),
            done => done,
        }
    }

    /// One attempt: over redirects, to other hosts without credentials.
    async fn follow(&self, at: &Reference, ask: &Ask) -> Result<Answer, Error> {
        let attempted = &ask.request.attempted;
        let mut request = ask.request.clone();
        let safe = request.method == Method::GET || request.method == Method::HEAD;
        for _ in 0..=MAX_REDIRECTS {
            let answer = match self.wire.is_own(&request.url) {
                true => self.authorized(at, ask, &mut request).await?,
                false => {
                    request.headers.remove(AUTHORIZATION);
                    let expected = with_redirects(ask.expected);
                    let sent = self.wire.send(&request, &expected).await;
                    sent.map_err(|e| self.sent_on(e, &request.url))?
                }
            };
            if ask.expected.contains(&answer.status.as_u16()) {
                return Ok(answer);
            }
            let next = location(&request.url, &answer.headers, attempted)?;
            if !safe {
                return Err(Error::Refused {
                    attempted: attempted.clone(),
                    problem: format!(
                        "{} sends the upload on to {}",
                        self.name,
                        next.host_str().unwrap_or("")
                    ),
                    help: "name the registry that takes uploads itself",
                });
            }
            self.wire.check(&next, attempted)?;
            request.url = next;
        }
        Err(Error::Refused {
            attempted: attempted.clone(),
            problem: format!("{} redirects more than {MAX_REDIRECTS} times", self.name),
            help: "a registry that is set up right does not",
        })
    }

    /// A refusal by one that the registry sent us on to.
    fn sent_on(&self, error: Error, to: &Url) -> Error {
        if !matches!(error.status(), Some(401 | 403)) {
            return error;
        }
        let own = self.wire.registry();
        let advice = match (own.scheme(), to.scheme()) {
            ("http", "https") => {
                "and credentials do not follow; it speaks TLS: leave out --insecure"
            }
            _ => {
                "which may be its storage; a firewall or private endpoint may keep this machine from it"
            }
        };
        error.with_help(format!("{} sent us on to it, {advice}", shown(own)))
    }

    /// One request to the registry itself, and its challenges.
    async fn authorized(
        &self,
        at: &Reference,
        ask: &Ask,
        request: &mut Request,
    ) -> Result<Answer, Error> {
        let mut used: Option<Authorization> = self.auth.known(&self.wire, at, &ask.scope).await?;
        for left in (0..=MAX_CHALLENGES).rev() {
            request.headers.remove(AUTHORIZATION);
            if let Some(used) = &used {
                used.add_to(&mut request.headers);
            }
            let mut expected = with_redirects(ask.expected);
            if left > 0 {
                expected.push(401);
            }
            let sent = self.wire.send(request, &expected).await;
            let answer = sent.map_err(|error| match &used {
                Some(used) if used.anonymous => error.by_nobody(),
                _ => error,
            })?;
            if answer.status != 401 {
                return Ok(answer);
            }
            let headers = &answer.headers;
            let fresh = self
                .auth
                .challenged(&self.wire, at, &ask.scope, used.as_ref(), headers)
                .await?;
            used = Some(fresh);
        }
        // The last round expects no 401 and returns.
        Err(Error::malformed(
            &ask.request.attempted,
            "the registry challenges without end",
        ))
    }
}

fn with_redirects(expected: &[u16]) -> Vec<u16> {
    let mut all = vec![301, 302, 303, 307, 308];
    all.extend(expected);
    all
}

/// Where an answer sends us, relative or absolute, without user and password.
pub(super) fn location(from: &Url, headers: &HeaderMap, attempted: &str) -> Result<Url, Error> {
    let missing = || Error::malformed(attempted, "the answer names no usable Location");
    let text = headers.get(LOCATION).ok_or_else(missing)?;
    let text = text.to_str().map_err(|_| missing())?;
    let mut url = from.join(text).map_err(|_| missing())?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    match url.host_str() {
        Some(_) => Ok(url),
        None => Err(missing()),
    }
}

/// The next page of a list: on the registry itself, or it is refused.
pub(super) fn next_page(
    wire: &Wire,
    from: &Url,
    headers: &HeaderMap,
    attempted: &str,
) -> Result<Option<Url>, Error> {
    let links = headers.get_all(reqwest::header::LINK);
    let texts = links.iter().filter_map(|value| value.to_str().ok());
    let Some(target) = texts.flat_map(|text| text.split(',')).find_map(next) else {
        return Ok(None);
    };
    match from.join(target) {
        Ok(url) if wire.is_own(&url) => Ok(Some(url)),
        Ok(url) if wire.is_same_host(&url) => Err(Error::Refused {
            attempted: attempted.to_owned(),
            problem: format!(
                "the next page of the list is at {}, and not at {}",
                shown(&url),
                shown(wire.registry())
            ),
            help: NOT_TOLD,
        }),
        _ => Err(Error::malformed(
            attempted,
            "the next page of the list is not on the registry itself",
        )),
    }
}

/// The target of a link, when it is the next page.
fn next(link: &str) -> Option<&str> {
    let (target, parameters) = link.split_once('>')?;
    let mut parameters = parameters.split(';').map(str::trim);
    parameters
        .find(|p| p.eq_ignore_ascii_case("rel=\"next\"") || p.eq_ignore_ascii_case("rel=next"))?;
    target.trim_start().strip_prefix('<')
}

/// The digest that an answer states, when it is one of ours.
pub(super) fn stated_digest(headers: &HeaderMap) -> Option<Digest> {
    headers
        .get("docker-content-digest")?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// JSON of an answer that may be a page of HTML.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    answer: &Answer,
    attempted: &str,
) -> Result<T, Error> {
    let refused = |error: String| {
        let kind = media_type(&answer.headers);
        let kind = kind.as_deref().unwrap_or("nothing stated");
        Error::malformed(
            attempted,
            format!("the answer is not the JSON that was expected, but {kind}: {error}"),
        )
    };
    // A list of nothing would do for a structure of nothing but defaults.
    if answer.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(refused("it is no object".to_owned()));
    }
    serde_json::from_slice(&answer.body).map_err(|error| refused(error.to_string()))
}

/// The media type of an answer, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(reqwest::header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next().unwrap_or("").trim();
    (!kind.is_empty()).then(|| crate::diag::excerpt(kind, 100))
}
