//! How a registry is reached.

use super::super::{Credentials, Error};
use super::attempts::Attempts;
use super::proxy;
use crate::edge::secret::Secret;
use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect};
use std::time::{Duration, Instant};

const USER_AGENT: &str = concat!("flux-apim/", env!("CARGO_PKG_VERSION"));

/// How a registry is reached, and as whom.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Plain HTTP.
    pub insecure: bool,
    /// TLS without a look at the certificate.
    pub unverified: bool,
    /// Certificates, in PEM, that are trusted beside the system's.
    pub ca: Option<Vec<u8>>,
    /// A certificate to show, and its key, in PEM. Only the registry itself
    /// gets to see it.
    pub client_cert: Option<(Vec<u8>, Secret)>,
    /// URL of a proxy; it may hold a password. The environment's
    /// (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`) unless given.
    pub proxy: Option<Secret>,
    /// Who asks.
    pub credentials: Credentials,
    /// How often it is tried again.
    pub retry: Retry,
    /// When everything must be done. With an end, what may pass by itself is tried
    /// again until then; without one, as `retry` says.
    pub deadline: Option<Instant>,
    /// How blobs are sent.
    pub uploads: Uploads,
}

/// How often, and how soon, something is tried again.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Attempts after the first.
    pub times: usize,
    /// Before the second attempt; doubled for each further one.
    pub first: Duration,
    /// The longest wait, also where the registry names one; with a deadline it may
    /// name a longer one.
    pub longest: Duration,
}

/// How blobs are sent.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// Larger blobs go in chunks, so that a broken connection costs one.
    pub chunked_above: u64,
    /// The size of a chunk.
    pub chunk: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 4,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(30),
        }
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            chunked_above: 16 << 20,
            chunk: 8 << 20,
        }
    }
}

impl Retry {
    /// The waits between attempts.
    pub(super) fn waits(&self) -> impl Iterator<Item = Duration> + Send + 'static {
        ExponentialBuilder::new()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(self.times)
            .with_jitter()
            .build()
    }
}

impl Connection {
    /// A connection for `credentials`, all else as usual.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            ..Self::default()
        }
    }

    /// Tries `attempt` until it succeeds, fails for good, or was tried often
    /// enough.
    pub(in crate::edge::oci) async fn retried<T, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            match attempt().await {
                Err(error) if error.is_retryable() => attempts.again(error).await?,
                done => return done,
            }
        }
    }

    /// The client that talks to the registry itself.
    pub(super) fn own(&self) -> Result<Client, Error> {
        let mut builder = self.common()?;
        if self.insecure {
            // Plain HTTP works where the system has no certificates at all.
            builder = builder.tls_certs_only([]);
        }
        if let Some((certificate, key)) = &self.client_cert {
            let mut pem = certificate.clone();
            pem.push(b'\n');
            pem.extend_from_slice(key.expose().as_bytes());
            let identity = Identity::from_pem(&pem)
                .map_err(|_| wrong("the client certificate and its key are not PEM"))?;
            zeroize::Zeroize::zeroize(&mut pem);
            builder = builder.identity(identity);
        }
        built(builder)
    }

    /// The client for whatever the registry sends us to: it shows no
    /// certificate.
    pub(super) fn other(&self) -> Result<Client, Error> {
        built(self.common()?)
    }

    fn common(&self) -> Result<ClientBuilder, Error> {
        crate::edge::tls::install_provider();
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .referer(false)
            .retry(reqwest::retry::never())
            // By hand: credentials do not follow to other hosts.
            .redirect(redirect::Policy::none());
        if let Some(pem) = &self.ca {
            let certificates = Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| wrong("the CA file holds no certificate in PEM"))?;
            builder = builder.tls_certs_merge(certificates);
        }
        if self.unverified {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let proxy = match &self.proxy {
            Some(url) => Proxy::all(url.expose()).map_err(|_| wrong("the proxy's URL is none"))?,
            None => proxy::from_environment(),
        };
        Ok(builder.no_proxy().proxy(proxy))
    }
}

/// The client for addresses of this machine, past every proxy.
pub(in crate::edge::oci) fn local() -> Result<Client, Error> {
    let builder = Connection::default().common()?;
    built(builder.no_proxy().timeout(Duration::from_secs(10)))
}

fn built(builder: ClientBuilder) -> Result<Client, Error> {
    // Its own words name files and addresses, no secrets.
    builder.build().map_err(|error| Error::Connection {
        attempted: "prepare the connection to the registry".to_owned(),
        problem: chain(&error),
    })
}

/// An error and what it came from.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    crate::diag::excerpt(&text, 300)
}

fn wrong(problem: &str) -> Error {
    Error::Connection {
        attempted: "prepare the connection to the registry".to_owned(),
        problem: problem.to_owned(),
    }
}
