//! One guarded GET of a Flux artifact. The URL comes from a client or from the
//! status of an object, so nothing about it is believed: hosts are listed,
//! addresses are checked after the name was resolved and the checked address is
//! the one that is used, redirects are followed by hand, bytes and time are
//! capped, and the digest is that of all bytes.

mod hosts;

pub use hosts::pattern;

use crate::diag::excerpt;
use crate::tree::Limits;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// Hosts that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any that a trusted object names; redirects stay on that host.
    Any,
    /// These: `host` (the scheme's own port), `host:port`, `host:*`, or the
    /// same with a leading `*.` for names below a domain.
    Only(Vec<String>),
}

/// What may be fetched, and how long it may take.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Hosts that may be asked.
    pub hosts: Hosts,
    /// Whether private and loopback addresses may be asked. Link-local and
    /// metadata addresses never are.
    pub allow_private: bool,
    /// For the whole fetch.
    pub timeout: Duration,
    /// How names become addresses.
    pub names: Arc<dyn Names>,
}

impl Policy {
    /// Whatever an object of the cluster names, inside the cluster.
    pub fn cluster() -> Self {
        Self {
            hosts: Hosts::Any,
            allow_private: true,
            ..Self::only(Vec::new())
        }
    }

    /// Nothing but these hosts.
    pub fn only(hosts: Vec<String>) -> Self {
        Self {
            hosts: Hosts::Only(hosts),
            allow_private: false,
            timeout: Duration::from_secs(60),
            names: Arc::new(System),
        }
    }
}

/// Resolves names.
pub trait Names: Send + Sync + fmt::Debug {
    /// Addresses of `host`, with `port`.
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a>;
}

/// A look-up of the addresses of a host, under way.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The resolver of the operating system.
#[derive(Debug)]
pub struct System;

impl Names for System {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server has no such artifact (any more).
    #[error(
        "fetch {url}: the server answered {status}; the artifact is gone, ask for the current one"
    )]
    NotFound {
        /// What was asked for.
        url: String,
        /// What it answered.
        status: u16,
    },
    /// What was asked for is not allowed.
    #[error("fetch {url}: refused: {reason}")]
    Refused {
        /// What was asked for.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The bytes are not those of the digest.
    #[error(
        "fetch {url}: the bytes have the digest {actual}, but {expected} was asked for; nothing of them was parsed"
    )]
    Mismatch {
        /// What was asked for.
        url: String,
        /// What they should be.
        expected: String,
        /// What they are.
        actual: String,
    },
    /// More bytes than the cap.
    #[error(
        "fetch {url}: more than {cap} bytes; if that is meant, raise the cap with --max-archive-bytes"
    )]
    Over {
        /// What was asked for.
        url: String,
        /// Bytes that were allowed.
        cap: u64,
    },
    /// Whoever asked has no memory for it now.
    #[error("fetch {url}: there is no memory for more than {bytes} bytes of it now")]
    Full {
        /// What was asked for.
        url: String,
        /// As many were there.
        bytes: usize,
    },
    /// The world did not answer.
    #[error("fetch {url}: {reason}")]
    Io {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may do later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::Full { .. } | Self::Io { .. }
        )
    }
}

/// Fetches `url`, whose bytes have `digest` (`sha256:`, `sha384:` or `sha512:`).
///
/// # Errors
/// When `policy` forbids it, the server does not give it, or it is not what
/// the digest says.
pub async fn artifact(
    url: &str,
    digest: &str,
    policy: &Policy,
    limits: &Limits,
) -> Result<Bytes, Error> {
    artifact_within(url, digest, policy, limits, &mut |_| true).await
}

/// The same, asking `room` before more bytes are held than before.
///
/// # Errors
/// As [`artifact`], and when `room` says no.
pub async fn artifact_within(
    url: &str,
    digest: &str,
    policy: &Policy,
    limits: &Limits,
    room: Room<'_>,
) -> Result<Bytes, Error> {
    let shown = shown(url);
    let refused = |reason: String| Error::Refused {
        url: shown.clone(),
        reason,
    };
    let expected = Expected::parse(digest).map_err(refused)?;
    let parsed = Url::parse(url).map_err(|e| refused(format!("it is no URL: {e}")))?;
    let fetching = get(parsed, policy, limits.max_archive_bytes, room);
    let bytes = match tokio::time::timeout(policy.timeout, fetching).await {
        Ok(outcome) => outcome?,
        Err(_) => {
            return Err(Error::Io {
                url: shown,
                reason: format!("not done after {} s", policy.timeout.as_secs()),
            });
        }
    };
    let actual = expected.of(&bytes);
    if actual != digest {
        return Err(Error::Mismatch {
            url: shown,
            expected: digest.to_owned(),
            actual,
        });
    }
    Ok(bytes)
}

/// Holds bytes that came another way against their digest.
///
/// # Errors
/// When they are not what the digest says.
pub fn verify(bytes: &[u8], digest: &str, url: &str) -> Result<(), Error> {
    let shown = shown(url);
    let expected = Expected::parse(digest).map_err(|reason| Error::Refused {
        url: shown.clone(),
        reason,
    })?;
    let actual = expected.of(bytes);
    if actual == digest {
        return Ok(());
    }
    Err(Error::Mismatch {
        url: shown,
        expected: digest.to_owned(),
        actual,
    })
}

/// Whether there is room for so many bytes.
pub type Room<'a> = &'a mut (dyn FnMut(usize) -> bool + Send);

async fn get(first: Url, policy: &Policy, cap: u64, room: Room<'_>) -> Result<Bytes, Error> {
    let mut url = first.clone();
    for _ in 0..=MAX_REDIRECTS {
        let at = shown(url.as_str());
        let refused = |reason: String| Error::Refused {
            url: at.clone(),
            reason,
        };
        let failed = |reason: String| Error::Io {
            url: at.clone(),
            reason,
        };
        let host = allowed(&url, &first, policy).map_err(refused)?;
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Domain(name) => policy
                .names
                .lookup(name, port)
                .await
                .map_err(|e| failed(format!("resolve {}: {e}", excerpt(name, 200))))?,
        };
        if addresses.is_empty() {
            return Err(failed("the name has no address".to_owned()));
        }
        // One bad address among good ones is how names are rebound.
        for address in &addresses {
            check(address.ip(), policy.allow_private)
                .map_err(|what| refused(format!("{} is {what}", address.ip())))?;
        }
        let client = client(addresses).map_err(|e| failed(e.without_url().to_string()))?;
        let response = client
            .get(url.clone())
            .send()
            .await
            .map_err(|e| failed(reason(e)))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(reqwest::header::LOCATION);
            let to = to.and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            let to = to.ok_or_else(|| failed(format!("{status} without a usable Location")))?;
            if url.scheme() == "https" && to.scheme() != "https" {
                return Err(refused(
                    "the server redirects from https to http".to_owned(),
                ));
            }
            url = to;
            continue;
        }
        return match status.as_u16() {
            200 => body(response, &at, cap, room).await,
            status @ (404 | 410) => Err(Error::NotFound { url: at, status }),
            status => Err(failed(format!("the server answered {status}"))),
        };
    }
    Err(Error::Refused {
        url: shown(first.as_str()),
        reason: format!("more than {MAX_REDIRECTS} redirects"),
    })
}

async fn body(
    response: reqwest::Response,
    at: &str,
    cap: u64,
    room: Room<'_>,
) -> Result<Bytes, Error> {
    let over = || Error::Over {
        url: at.to_owned(),
        cap,
    };
    let announced = response.content_length();
    if announced.is_some_and(|length| length > cap) {
        return Err(over());
    }
    // The header is no reason to allocate.
    let mut bytes = BytesMut::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|e| Error::Io {
            url: at.to_owned(),
            reason: reason(e),
        })?;
        if bytes.len() as u64 + chunk.len() as u64 > cap {
            return Err(over());
        }
        if !room(bytes.len() + chunk.len()) {
            return Err(Error::Full {
                url: at.to_owned(),
                bytes: bytes.len(),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// What went wrong, down to the operating system, without the URL.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A client that knows these addresses and no others.
fn client(addresses: Vec<SocketAddr>) -> reqwest::Result<reqwest::Client> {
    crate::edge::tls::install_provider();
    reqwest::Client::builder()
        .user_agent(concat!("flux-apim/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(15))
        .dns_resolver(Checked(addresses))
        .build()
}

/// Addresses that were checked, whatever the name.
struct Checked(Vec<SocketAddr>);

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let addresses: reqwest::dns::Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// The host of `url`, when it may be asked.
fn allowed<'u>(url: &'u Url, first: &Url, policy: &Policy) -> Result<Host<&'u str>, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "the scheme is `{}`, not http or https",
            excerpt(url.scheme(), 40)
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds credentials".to_owned());
    }
    let host = url.host().ok_or("it names no host")?;
    let name = url.host_str().unwrap_or("").trim_end_matches('.');
    match &policy.hosts {
        Hosts::Any => {
            let same = url.host_str() == first.host_str()
                && url.port_or_known_default() == first.port_or_known_default();
            if !same {
                return Err("the server redirects to another host".to_owned());
            }
        }
        Hosts::Only(list) => {
            if !list.iter().any(|entry| hosts::matches(entry, name, url)) {
                let shown = excerpt(url.authority(), 200);
                return Err(format!(
                    "the host `{shown}` is not allowed; the operator allows hosts with --allow-source-host"
                ));
            }
        }
    }
    Ok(host)
}

/// Whether an address may be asked; what it is when not.
fn check(ip: IpAddr, allow_private: bool) -> Result<(), &'static str> {
    let (never, private) = match ip {
        IpAddr::V4(ip) => v4(ip),
        IpAddr::V6(ip) => v6(ip),
    };
    match (never, private) {
        (Some(what), _) => Err(what),
        (None, Some(what)) if !allow_private => Err(what),
        _ => Ok(()),
    }
}

/// What an address is that is never asked, and one that is asked only inside.
type Class = (Option<&'static str>, Option<&'static str>);

fn v4(ip: Ipv4Addr) -> Class {
    let [a, b, c, d] = ip.octets();
    let never = match (a, b, c, d) {
        (0, ..) => Some("an address of this network"),
        (169, 254, ..) => Some("a link-local or metadata address"),
        (168, 63, 129, 16) | (100, 100, 100, 200) => Some("a metadata address"),
        (192, 0, 0, _) => Some("a protocol assignment"),
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => {
            Some("an address of documentation")
        }
        (192, 88, 99, _) => Some("a 6to4 relay"),
        (198, 18..=19, ..) => Some("an address of benchmarks"),
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("a reserved address"),
        _ => None,
    };
    let private = match (a, b) {
        (127, _) => Some("a loopback address"),
        (10, _) | (172, 16..=31) | (192, 168) => Some("a private address"),
        (100, 64..=127) => Some("a shared address"),
        _ => None,
    };
    (never, private)
}

fn v6(ip: Ipv6Addr) -> Class {
    let s = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => (None, Some("a loopback address")),
        // IPv4 in IPv6: mapped, NAT64, 6to4. What counts is inside.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            inner(high, low)
        }
        [0x2002, high, low, ..] => inner(high, low),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            (Some("a metadata address"), None)
        }
        [0xfc00..=0xfdff, ..] => (None, Some("a private address")),
        [0xfe80..=0xfebf, ..] => (Some("a link-local address"), None),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            (Some("an address of documentation"), None)
        }
        // Teredo and other protocols.
        [0x2001, 0..=0x1ff, ..] => (Some("a protocol assignment"), None),
        [0x2000..=0x3fff, ..] => (None, None),
        [0xff00..=0xffff, ..] => (Some("a multicast address"), None),
        _ => (Some("a reserved address"), None),
    }
}

/// The digest that was asked for.
enum Expected {
    Sha256,
    Sha384,
    Sha512,
}

impl Expected {
    fn parse(digest: &str) -> Result<Self, String> {
        let (algorithm, hex) = digest.split_once(':').unwrap_or((digest, ""));
        let (expected, len) = match algorithm {
            "sha256" => (Self::Sha256, 64),
            "sha384" => (Self::Sha384, 96),
            "sha512" => (Self::Sha512, 128),
            _ => {
                // What is written in its place may be the URL, with what is secret in it.
                return Err(
                    "its digest is none of sha256, sha384 or sha512: write `sha256:` and 64 hexadecimal digits"
                        .to_owned(),
                );
            }
        };
        let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if hex.len() != len || !hex.bytes().all(lower_hex) {
            return Err(format!(
                "`{algorithm}:` is followed by {len} hexadecimal digits, lower case"
            ));
        }
        Ok(expected)
    }

    fn of(&self, bytes: &[u8]) -> String {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        match self {
            Self::Sha256 => format!("sha256:{}", hex(&Sha256::digest(bytes))),
            Self::Sha384 => format!("sha384:{}", hex(&Sha384::digest(bytes))),
            Self::Sha512 => format!("sha512:{}", hex(&Sha512::digest(bytes))),
        }
    }
}

/// A URL for messages: no credentials, no query, not too long.
fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            excerpt(url.as_str(), 300)
        }
        Err(_) => "the URL".to_owned(),
    }
}
