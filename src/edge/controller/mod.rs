//! The controller: watches ApimBundles and the Flux sources they name, renders
//! on every new revision, publishes, and says in the status how it went.
//!
//! A reconciliation reads as its pipeline ([`reconcile`]); every step has its
//! file, and its errors say in one word what happened and whether trying again
//! can help ([`error`]). Conditions are written in [`update_status`] alone.

mod access;
mod answer;
pub mod api;
mod condition;
mod context;
mod dereference;
mod error;
mod events;
mod external;
mod fenced;
mod fetch;
mod finalize;
mod lease;
mod log;
mod metrics;
mod policies;
mod publish;
mod reconcile;
mod render;
mod servers;
pub(crate) mod source;
mod source_name;
mod update_status;
mod watch;
mod write_status;

pub use context::Settings;
pub use lease::{Election, Leadership, Lost};
pub use log::{Encoding, start as start_log};
pub use watch::Scope;

use crate::edge::listen::{self, Needed, Probe, Probes};
use crate::edge::storage::{self, Retention, Storage};
use crate::edge::work::{self, Account, Gate, Pool};
use crate::reuse::Reuse;
use context::{Context, Failures};
use events::Events;
use futures_util::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::controller::Error as Failure;
use kube::{Api, Client};
use metrics::{Metrics, Observed};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A reconciliation that takes longer gives its place away while others wait.
const LONG: Duration = Duration::from_secs(15);

/// Time that running reconciliations have to end.
const GRACE: Duration = Duration::from_secs(30);

/// Time that events which wait have to be sent at the end.
const DRAIN: Duration = Duration::from_secs(3);

/// Everything a controller is started with.
#[derive(Debug)]
pub struct Options {
    /// How reconciliations behave.
    pub settings: Settings,
    /// Which objects are looked after.
    pub scope: Scope,
    /// Namespace that the controller runs in: its lease.
    pub runtime_namespace: String,
    /// How a leader is elected; nobody is when there is no election.
    pub election: Option<Election>,
    /// Folder of the artifacts.
    pub storage_path: PathBuf,
    /// Address at which others reach the artifacts.
    pub storage_advertised: String,
    /// How long artifacts stay.
    pub retention: Retention,
    /// notification-controller.
    pub events_address: Option<url::Url>,
    /// Where artifacts are served.
    pub storage_address: String,
    /// Where metrics are served.
    pub metrics_address: String,
    /// Where health is served.
    pub health_address: String,
    /// Who we are, in events.
    pub instance: String,
}

/// Why the controller ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
    /// It has no storage.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Another leads.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// Runs until `stop`, or until the lease is lost.
///
/// # Errors
/// When the controller cannot start, or has lost its lease.
pub async fn run(
    client: Client,
    options: Options,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<(), Error> {
    let metrics = Metrics::default();
    let ready = Arc::new(AtomicBool::new(false));
    let needed = Needed::default();
    let mut settings = options.settings.clone();
    let cache = settings.memory / 4;
    settings.cache_bytes = settings
        .cache_bytes
        .min(usize::try_from(cache).unwrap_or(usize::MAX));
    let left = settings.memory - settings.cache_bytes as u64;
    let memory = Account::new(left, settings.namespace_memory);
    memory.fit(&mut settings.limits);
    let gate = Gate::new(settings.concurrent.into(), LONG);
    let pool = work::Settings::new(
        settings.concurrent_renders,
        settings.threads,
        // Every reconciliation renders one thing at a time.
        2 * usize::from(settings.concurrent),
    );
    let pool = Arc::new(Pool::new(pool, metrics.work.clone())?);
    let observed = Observed {
        metrics: metrics.clone(),
        pool: Arc::clone(&pool),
        memory: memory.clone(),
    };
    let health = Probe {
        name: "health",
        listener: listen::bind(&options.health_address).await?,
        router: servers::health(Arc::clone(&ready), needed.clone(), Arc::clone(&pool)),
    };
    let measured = Probe {
        name: "metrics",
        listener: listen::bind(&options.metrics_address).await?,
        router: servers::metrics(observed),
    };
    let _probes = Probes::start(vec![health, measured], &needed)?;

    let leases: Api<Lease> = Api::namespaced(client.clone(), &options.runtime_namespace);
    let mut stop = Box::pin(stop);
    let leadership = match &options.election {
        None => Leadership::always(),
        Some(election) => {
            tracing::info!(
                lease = election.name,
                identity = election.identity,
                "waiting for the leader lease"
            );
            tokio::select! {
                leadership = election.acquire(&leases) => leadership,
                () = &mut stop => return Ok(()),
            }
        }
    };
    metrics.leader.set(1);
    tracing::info!("leading");
    let keeping = async {
        match &options.election {
            Some(election) => election.keep(&leases, &leadership).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(keeping);

    let storage = tokio::select! {
        storage = open_storage(&options, &metrics) => storage?,
        lost = &mut keeping => return Err(Error::Lost(lost)),
        () = &mut stop => {
            if let Some(election) = &options.election {
                election.release(&leases, &leadership).await;
            }
            return Ok(());
        }
    };
    let artifacts = listen::bind(&options.storage_address).await?;
    servers::artifacts(artifacts, storage.router(), &needed)?;
    ready.store(true, Ordering::Relaxed);

    let (events, sending) = Events::start(
        client.clone(),
        options.events_address.clone(),
        &options.instance,
    );
    let context = Arc::new(Context {
        events,
        gate: gate.clone(),
        pool: Arc::clone(&pool),
        memory,
        reuse: Arc::new(Reuse::new(settings.cache_bytes)),
        failures: Failures::default(),
        leadership: leadership.clone(),
        settings,
        client: client.clone(),
        storage,
        metrics,
    });
    let (ask, asked) = tokio::sync::oneshot::channel::<()>();
    // The gate bounds what begins; without it, whoever has most objects would be served
    // most.
    let config = kube::runtime::Config::default().concurrency(0);
    let reconciling = watch::controller(&client, &options.scope)
        .with_config(config)
        .graceful_shutdown_on(async move {
            let _ = asked.await;
        })
        .run(reconcile::reconcile, |_, never, _| match *never {}, context)
        .for_each(|outcome| {
            // Watches log for themselves; an object that is gone is no trouble.
            if let Err(error) = outcome
                && !matches!(error, Failure::ObjectNotFound(_))
            {
                tracing::warn!(%error, "the queue of reconciliations");
            }
            std::future::ready(())
        });
    let mut reconciling = Box::pin(reconciling);
    let outcome = tokio::select! {
        () = &mut reconciling => Ok(()),
        lost = &mut keeping => Err(Error::Lost(lost)),
        () = &mut stop => {
            ready.store(false, Ordering::Relaxed);
            tracing::info!("stopping: running reconciliations end first");
            gate.close();
            let _ = ask.send(());
            tokio::select! {
                _ = tokio::time::timeout(GRACE, &mut reconciling) => Ok(()),
                lost = &mut keeping => Err(Error::Lost(lost)),
            }
        }
    };
    // What still runs is dropped here; with the lease gone it could not write.
    drop(reconciling);
    if outcome.is_ok()
        && let Some(election) = &options.election
    {
        election.release(&leases, &leadership).await;
    }
    if outcome.is_ok() && tokio::time::timeout(DRAIN, sending).await.is_err() {
        tracing::warn!("events that were still waiting are not sent");
    }
    outcome
}

/// Every archive in it is looked at, which takes a while: meanwhile the lease is
/// kept.
async fn open_storage(options: &Options, metrics: &Metrics) -> Result<Storage, storage::Error> {
    let path = options.storage_path.clone();
    let address = options.storage_advertised.clone();
    let (retention, damaged) = (options.retention, metrics.artifacts_damaged.clone());
    let open = move || Storage::open(&path, &address, retention, damaged);
    let opening = tokio::task::spawn_blocking(open);
    opening.await.map_err(|error| storage::Error::Io {
        attempted: "open".to_owned(),
        reason: error.to_string(),
    })?
}
