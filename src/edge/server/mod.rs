//! The preview service: the pipeline over HTTP (contract section 7).
//!
//! A request passes, from outside in: [`listen`] (connections, TLS, timeouts),
//! [`layers`] (ids, logs, limits, access), a handler, [`upload`] and
//! [`sources`] (what was sent), [`pool`] (the work), [`answer`] (what is
//! accepted). Nothing that a client sends outlives its request but the cache.

mod access;
mod answer;
mod api;
mod hook;
mod layers;
mod limits;
mod listen;
mod openapi;
mod operations;
mod origin;
mod pool;
mod preview;
mod problem;
mod sources;
mod tls;
mod upload;

pub use access::{Auth, Grant, NameKind, Oidc, Permission};
pub use origin::{host, page};

use crate::edge::fetch;
use crate::edge::metrics::Metrics;
use crate::edge::secret::Secret;
use crate::reuse::Reuse;
use crate::tree::Limits;
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::TcpListener;

/// How the service runs. Every field is a flag of `flux-apim serve`.
#[derive(Debug, Clone)]
pub struct Options {
    /// `HOST:PORT`
    pub listen: String,
    /// Who may ask.
    pub auth: Auth,
    /// Who may do what; the usual grants of `auth` when empty.
    pub grants: Vec<Grant>,
    /// Certificate and key in PEM, read again when they change.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where sources by reference may lie.
    pub sources: fetch::Policy,
    /// What signs events of Flux.
    pub hook_secret: Option<Secret>,
    /// Origins of web pages that may ask.
    pub cors: Vec<String>,
    /// Names that the service is called by. On loopback it has those of this machine
    /// beside them; elsewhere every name does when there are none.
    pub hosts: Vec<String>,
    /// Caps on sources.
    pub limits: Limits,
    /// Bytes of a body, as sent and without its `Content-Encoding`.
    pub max_body_bytes: u64,
    /// Bytes of all bodies in memory.
    pub max_upload_memory: u64,
    /// Bytes that are kept: half of them answers, half what they were made of.
    pub cache_bytes: usize,
    /// Previews that are made at once.
    pub workers: usize,
    /// Previews that wait.
    pub queue: usize,
    /// Connections.
    pub max_connections: usize,
    /// Requests a minute of one client.
    pub rate: NonZeroU32,
    /// Requests at once of one client.
    pub concurrency: usize,
    /// For the head of a request.
    pub header_timeout: Duration,
    /// For its body.
    pub body_timeout: Duration,
    /// From its head to the head of the answer.
    pub request_timeout: Duration,
    /// How long new connections are still taken after the signal to stop.
    pub drain_delay: Duration,
    /// How long requests may take after that.
    pub drain_timeout: Duration,
    /// Folder of artifacts that are served below `/artifacts`.
    pub artifacts: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        // A service shares its memory among clients: smaller than for a command.
        let limits = Limits {
            max_total_bytes: 256 << 20,
            ..Limits::default()
        };
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            auth: Auth::None,
            grants: Vec::new(),
            tls: None,
            sources: fetch::Policy::only(Vec::new()),
            hook_secret: None,
            cors: Vec::new(),
            hosts: Vec::new(),
            limits,
            max_body_bytes: 32 << 20,
            max_upload_memory: 256 << 20,
            cache_bytes: 64 << 20,
            workers,
            queue: 64,
            max_connections: 1024,
            rate: NonZeroU32::new(600).unwrap_or(NonZeroU32::MIN),
            concurrency: 16,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(120),
            drain_delay: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(60),
            artifacts: None,
        }
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// Access cannot be decided.
    #[error(transparent)]
    Access(#[from] access::Error),
    /// The certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// The system gives no threads.
    #[error("start worker threads: {0}")]
    Threads(String),
    /// A value that is none.
    #[error("{0}")]
    Option(String),
}

/// What all requests share.
#[derive(Debug)]
struct Service {
    options: Options,
    limits: Arc<Limits>,
    metrics: Metrics,
    pool: pool::Pool,
    /// Whole answers, by digest of what was asked.
    answers: Reuse,
    /// What renderings were made of.
    parts: Arc<Reuse>,
    budget: upload::Budget,
    access: access::Access,
    limiter: limits::Limiter,
    events: hook::Queue,
    front: origin::Front,
    draining: AtomicBool,
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<tls::Certificates>>,
    service: Arc<Service>,
}

impl Server {
    /// Listens; requests wait until [`Server::run`].
    ///
    /// # Errors
    /// When the address is taken, or an option cannot be used.
    pub async fn bind(options: Options) -> Result<Self, Error> {
        let tls = match &options.tls {
            Some((certificate, key)) => {
                let read = tls::Certificates::read(certificate, key);
                Some(Arc::new(read.map_err(Error::Tls)?))
            }
            None => None,
        };
        let metrics = Metrics::default();
        let pool = pool::Pool::new(options.workers.max(1), options.queue, metrics.clone());
        let failed = |reason: std::io::Error| Error::Listen {
            address: options.listen.clone(),
            reason: reason.to_string(),
        };
        let pages = all(&options.cors, "--cors-origin", page)?;
        let hosts = all(&options.hosts, "--allow-host", host)?;
        let access = access::Access::new(&options.auth, &options.grants, options.rate).await?;
        let listener = TcpListener::bind(&options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let service = Service {
            limits: Arc::new(options.limits.clone()),
            pool: pool.map_err(|e| Error::Threads(e.to_string()))?,
            answers: Reuse::new(options.cache_bytes / 2),
            parts: Arc::new(Reuse::new(options.cache_bytes / 2)),
            budget: upload::Budget::new(options.max_upload_memory, metrics.upload_bytes.clone()),
            access,
            limiter: limits::Limiter::new(options.rate, options.concurrency.max(1)),
            events: hook::Queue::default(),
            front: origin::Front::new(address.ip(), hosts, pages),
            draining: AtomicBool::new(false),
            metrics,
            options,
        };
        Ok(Self {
            listener,
            address,
            tls,
            service: Arc::new(service),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bodies, requests, and previews that are there now: nothing when every
    /// client is gone.
    pub fn load(&self) -> impl Fn() -> Load + Send + Sync + use<> {
        let service = Arc::clone(&self.service);
        move || {
            let (running, waiting) = service.pool.load();
            Load {
                running,
                waiting,
                requests: service.metrics.in_flight.get(),
                connections: service.metrics.connections.get(),
                upload_bytes: service.metrics.upload_bytes.get(),
            }
        }
    }

    /// Serves until `stop`, then answers what was accepted.
    ///
    /// # Errors
    /// When the storage of artifacts cannot be used.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let router = router(&self.service)?;
        let worker = tokio::spawn(hook::work(Arc::clone(&self.service)));
        let reload = self.tls.clone().map(|tls| tokio::spawn(tls::reload(tls)));
        listen::serve(self.listener, self.tls, router, &self.service, stop).await;
        worker.abort();
        if let Some(reload) = reload {
            reload.abort();
        }
        Ok(())
    }
}

/// The values of a flag as `read` writes them.
fn all(
    values: &[String],
    flag: &str,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, Error> {
    let read =
        |value: &String| read(value).map_err(|why| Error::Option(format!("{flag} {value}: {why}")));
    values.iter().map(read).collect()
}

/// What is going on in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Previews being made.
    pub running: usize,
    /// Previews that wait.
    pub waiting: usize,
    /// Requests being answered.
    pub requests: i64,
    /// Open connections.
    pub connections: i64,
    /// Bytes of bodies in memory.
    pub upload_bytes: i64,
}

fn router(service: &Arc<Service>) -> Result<Router, Error> {
    let artifacts = match &service.options.artifacts {
        Some(folder) => Some(artifacts(folder)?),
        None => None,
    };
    Ok(layers::router(service, artifacts))
}

/// Serves what a controller stored in `folder`.
fn artifacts(folder: &std::path::Path) -> Result<Router, Error> {
    use crate::edge::storage::{Retention, Storage};
    let retention = Retention {
        ttl: Duration::MAX,
        records: usize::MAX,
    };
    let storage = Storage::open(folder, "", retention);
    let storage =
        storage.map_err(|e| Error::Option(format!("--artifacts {}: {e}", folder.display())))?;
    Ok(storage.router())
}
