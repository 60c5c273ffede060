//! The preview service: the pipeline over HTTP (contract section 7).
//!
//! A request passes, from outside in: [`listen`](crate::edge::listen) (connections, timeouts),
//! [`layers`] (ids, logs, limits, access), a handler, [`upload`] and
//! [`sources`] (what was sent), [`job`] (the work), [`answer`] (what is
//! accepted). Nothing that a client sends outlives its request but the cache.

mod access;
mod answer;
mod api;
mod hook;
mod job;
mod layers;
mod limits;
mod openapi;
mod operations;
mod origin;
mod preview;
mod problem;
mod schemas;
mod sources;
mod tls;
mod upload;

pub use access::{Auth, Grant, NameKind, Oidc, Permission};
pub use origin::{host, page};

use crate::edge::fetch;
use crate::edge::listen::{Bounds, Counts, Listener, Needed, Patience, Probe, Probes, bind};
use crate::edge::metrics::Metrics;
use crate::edge::secret::Secret;
use crate::edge::storage::Artifacts;
use crate::edge::work;
use crate::levels::Policy;
use crate::reuse::Reuse;
use crate::tree::Limits;
use axum::Router;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// How the service runs. Fields are flags of `flux-apim serve`.
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
    /// Policies of the operator, which stand over what sources and requests say of levels.
    pub policies: Vec<Arc<Policy>>,
    /// Bytes of a body, as sent and without its `Content-Encoding`.
    pub max_body_bytes: u64,
    /// Bytes of an answer.
    pub max_answer_bytes: u64,
    /// Bytes of everything that requests hold: bodies, trees, documents, findings,
    /// bundles, answers until they are sent, and what is kept.
    pub memory: u64,
    /// Percent of it that one client may hold.
    pub client_memory: u8,
    /// Bytes of it that are kept: half of them answers, half what they were made of.
    pub cache_bytes: usize,
    /// Previews that are made at once.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// Previews that wait.
    pub queue: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Of these, from one network: an address of IPv4, a /64 of IPv6.
    pub max_connections_per_client: usize,
    /// Requests a minute of one client.
    pub rate: NonZeroU32,
    /// Requests at once of one client.
    pub concurrency: usize,
    /// For the first request of a connection, and for the rest of any request's head.
    pub header_timeout: Duration,
    /// For its body.
    pub body_timeout: Duration,
    /// From its head to the head of the answer.
    pub request_timeout: Duration,
    /// For the next 16 KiB of an answer, or its end, to be taken by the client.
    pub answer_timeout: Duration,
    /// From an answer to the next request of the connection.
    pub idle_timeout: Duration,
    /// A client of HTTP/1 that closes its side so long after the end of its request, or
    /// later, has left; one that does it earlier gets its answer. There is no flag.
    pub half_close: Duration,
    /// How long new connections are still taken after the signal to stop.
    pub drain_delay: Duration,
    /// How long requests may take after that.
    pub drain_timeout: Duration,
    /// Folder of artifacts that are served below `/artifacts`. It is another's: nothing
    /// in it is changed.
    pub artifacts: Option<PathBuf>,
    /// `HOST:PORT` where `/healthz` and `/readyz` are served as well.
    pub health_address: Option<String>,
    /// `HOST:PORT` where `/metrics` is served as well, to everyone.
    pub metrics_address: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        // A service shares its memory among clients: smaller than for a command.
        let limits = Limits {
            // Some seconds, and a share of the memory of the shipped pod.
            max_steps: 1_000_000_000,
            max_memory_bytes: 384 << 20,
            max_total_bytes: 256 << 20,
            ..Limits::default()
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
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
            policies: Vec::new(),
            max_body_bytes: 32 << 20,
            max_answer_bytes: 256 << 20,
            memory: work::default_memory(),
            client_memory: 50,
            cache_bytes: 64 << 20,
            workers: cores,
            threads: work::default_threads(),
            queue: 256,
            max_connections: 1024,
            max_connections_per_client: 256,
            rate: NonZeroU32::new(600).unwrap_or(NonZeroU32::MIN),
            concurrency: 16,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(120),
            answer_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(75),
            half_close: Duration::from_secs(2),
            drain_delay: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(60),
            artifacts: None,
            health_address: None,
            metrics_address: None,
        }
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(std::io::Error),
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
    pool: work::Pool,
    /// What requests hold of it.
    memory: work::Account,
    /// Whole answers, by digest of what was asked.
    answers: Reuse,
    /// What renderings were made of.
    parts: Arc<Reuse>,
    access: access::Access,
    limiter: limits::Limiter,
    events: hook::Queue,
    front: origin::Front,
    draining: AtomicBool,
    /// The listeners without which the service is not ready.
    listeners: Needed,
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    health: Option<TcpListener>,
    measured: Option<TcpListener>,
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
        let (options, memory) = fitted(options);
        let settings = work::Settings::new(options.workers, options.threads, options.queue);
        let pool = work::Pool::new(settings, metrics.work.clone());
        let pages = all(&options.cors, "--cors-origin", page)?;
        let hosts = all(&options.hosts, "--allow-host", host)?;
        let access = access::Access::new(&options.auth, &options.grants, options.rate).await?;
        let listener = bind(&options.listen).await.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;
        let also = async |address: &Option<String>| match address {
            Some(address) => bind(address).await.map(Some).map_err(Error::Listen),
            None => Ok(None),
        };
        let health = also(&options.health_address).await?;
        let measured = also(&options.metrics_address).await?;
        let service = Service {
            limits: Arc::new(options.limits.clone()),
            pool: pool.map_err(|e| Error::Threads(e.to_string()))?,
            answers: Reuse::new(options.cache_bytes / 2),
            parts: Arc::new(Reuse::new(options.cache_bytes / 2)),
            memory,
            access,
            limiter: limits::Limiter::new(options.rate, options.concurrency.max(1)),
            events: hook::Queue::default(),
            front: origin::Front::new(address.ip(), hosts, pages),
            draining: AtomicBool::new(false),
            listeners: Needed::default(),
            metrics,
            options,
        };
        Ok(Self {
            listener,
            health,
            measured,
            address,
            tls,
            service: Arc::new(service),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers probes beside that.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health.as_ref()?.local_addr().ok()
    }

    /// Where it gives metrics beside that.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.measured.as_ref()?.local_addr().ok()
    }

    /// Memory, requests, and previews that are there now: nothing when every
    /// client is gone.
    pub fn load(&self) -> impl Fn() -> Load + Send + Sync + use<> {
        let service = Arc::clone(&self.service);
        move || {
            let load = service.pool.load();
            Load {
                running: load.running,
                waiting: load.waiting,
                requests: service.metrics.in_flight.get(),
                connections: service.metrics.connections.get(),
                held_bytes: service.memory.held(),
            }
        }
    }

    /// Serves until `stop`, then answers what was accepted.
    ///
    /// # Errors
    /// When the storage of artifacts cannot be used, or the listener breaks.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let service = &self.service;
        let router = router(service)?;
        let probes = [
            ("health", self.health, operations::probes(service)),
            ("metrics", self.measured, operations::measured(service)),
        ];
        let probes = probes.into_iter().filter_map(|(name, listener, router)| {
            let listener = listener?;
            Some(Probe {
                name,
                listener,
                router,
            })
        });
        // They answer until the last request is answered.
        let _probes = Probes::start(probes.collect(), &service.listeners)
            .map_err(|e| Error::Threads(e.to_string()))?;
        let worker = tokio::spawn(hook::work(Arc::clone(service)));
        let reload = self.tls.clone().map(|tls| tokio::spawn(tls::reload(tls)));
        let outcome = serve(self.listener, self.tls.as_ref(), router, service, stop).await;
        worker.abort();
        if let Some(reload) = reload {
            reload.abort();
        }
        outcome.map_err(Error::Listen)
    }
}

/// Caps that fit into the memory there is, and the account of it: what one client may
/// hold at most is also the most that a job needs, and that a body has.
fn fitted(mut options: Options) -> (Options, work::Account) {
    let cache = options.memory / 4;
    options.cache_bytes = options
        .cache_bytes
        .min(usize::try_from(cache).unwrap_or(usize::MAX));
    let left = options.memory - options.cache_bytes as u64;
    let account = work::Account::new(left, options.client_memory);
    account.fit(&mut options.limits);
    let (cap, most) = (options.max_body_bytes, account.of_one() / 2);
    if cap > most {
        tracing::warn!("--max-body-bytes is {most}, not {cap}: one client has no more of --memory");
        options.max_body_bytes = most;
    }
    (options, account)
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

/// Accepts until `stop`, then until what was accepted is answered.
async fn serve(
    listener: TcpListener,
    tls: Option<&Arc<tls::Certificates>>,
    router: Router,
    service: &Arc<Service>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let options = &service.options;
    let bounds = Bounds {
        connections: options.max_connections,
        each: options.max_connections_per_client,
        patience: Patience {
            header: options.header_timeout,
            idle: options.idle_timeout,
            answer: options.answer_timeout,
            half_close: options.half_close,
        },
    };
    let listener = Listener::new(listener, router, bounds)?
        .with_tls(tls.map(|tls| TlsAcceptor::from(Arc::new(tls.config()))))
        .counting(Counts {
            open: service.metrics.connections.clone(),
            refused: service.metrics.connections_refused.clone(),
        });
    let up = service.listeners.up("requests");
    listener.accept_until(stop).await?;
    service.draining.store(true, Ordering::Relaxed);
    tracing::info!("stopping: no longer ready, answering what is there");
    // Whoever still sends requests here does not know yet.
    let delay = tokio::time::sleep(options.drain_delay);
    listener.accept_until(delay).await?;
    drop(up);
    match listener.drain(options.drain_timeout).await {
        (open, true) => tracing::info!(open, "stopped: everything was answered"),
        (open, false) => tracing::warn!(
            open,
            "stopped: not everything was answered within {} s (--drain-timeout)",
            options.drain_timeout.as_secs()
        ),
    }
    Ok(())
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
    /// Bytes that requests hold, without what is kept.
    pub held_bytes: u64,
}

fn router(service: &Arc<Service>) -> Result<Router, Error> {
    let artifacts = match &service.options.artifacts {
        Some(folder) if !folder.is_dir() => {
            let folder = folder.display();
            return Err(Error::Option(format!(
                "--artifacts {folder}: there is no such folder"
            )));
        }
        Some(folder) => {
            let damaged = service.metrics.artifacts_damaged.clone();
            Some(Artifacts::new(folder, damaged).router())
        }
        None => None,
    };
    Ok(layers::router(service, artifacts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::work::{Settings, Task, Tenant};
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use std::sync::mpsc;
    use tower::ServiceExt;

    #[tokio::test(flavor = "multi_thread")]
    async fn liveness_ends_with_workers_that_do_not_come_back() {
        let options = Options {
            listen: "127.0.0.1:0".to_owned(),
            ..Options::default()
        };
        let mut server = Server::bind(options).await.unwrap();
        let settings = Settings {
            grace: Duration::ZERO,
            ..Settings::new(1, 1, 1)
        };
        let service = Arc::get_mut(&mut server.service).unwrap();
        service.pool = work::Pool::new(settings, service.metrics.work.clone()).unwrap();
        let service = Arc::clone(&server.service);
        let health = async || {
            let request = Request::get("/healthz").body(Body::empty()).unwrap();
            let response = operations::probes(&service).oneshot(request).await;
            response.unwrap().status()
        };
        assert_eq!(health().await, StatusCode::OK);
        let (go, gone) = mpsc::channel::<()>();
        let task = Task::new(Tenant::new("a"), &service.limits, &service.memory, None);
        let budget = task.budget.clone();
        let hangs = tokio::spawn({
            let service = Arc::clone(&service);
            // It knows nothing of budgets.
            async move { service.pool.run(task, move |_| gone.recv().is_err()).await }
        });
        while service.pool.load().running == 0 {
            tokio::task::yield_now().await;
        }
        budget.cancel();
        assert!(hangs.await.unwrap().is_err());
        while health().await == StatusCode::OK {
            tokio::task::yield_now().await;
        }
        assert_eq!(health().await, StatusCode::SERVICE_UNAVAILABLE);
        drop(go);
        while health().await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    }
}
