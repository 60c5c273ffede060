//! `flux-apim controller` and `flux-apim crds`.

use crate::edge::controller::api::{self, Duration};
use crate::edge::controller::{
    Election, Encoding, Options, Scope, Settings, run as run_controller, start_log,
};
use crate::edge::storage::Retention;
use crate::edge::work;
use crate::tree::Digest;
use anyhow::Context;
use clap::{Arg, Args, ValueEnum};
use std::path::PathBuf;

/// Flags as those of Flux's controllers.
#[derive(Debug, Args)]
#[command(mut_args(own_default))]
pub(super) struct Controller {
    /// Watch all namespaces; otherwise only the one it runs in.
    #[arg(long, env = "FLUX_APIM_WATCH_ALL_NAMESPACES", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    watch_all_namespaces: bool,
    /// Namespace it runs in.
    #[arg(
        long,
        env = "RUNTIME_NAMESPACE",
        value_name = "NAME",
        default_value = "flux-system",
        value_parser = super::values::namespace
    )]
    runtime_namespace: String,
    /// Look only after ApimBundles with these labels: the shard, such as
    /// `sharding.fluxcd.io/key=shard1`, or `!sharding.fluxcd.io/key`.
    #[arg(long, env = "FLUX_APIM_WATCH_LABEL_SELECTOR", value_name = "SELECTOR")]
    watch_label_selector: Option<String>,
    /// Refuse sources in other namespaces than the ApimBundle's.
    #[arg(long, env = "FLUX_APIM_NO_CROSS_NAMESPACE_REFS", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    no_cross_namespace_refs: bool,
    /// Reconciliations at once.
    #[arg(long, env = "FLUX_APIM_CONCURRENT", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    concurrent: u16,
    /// Renderings at once. As many again may run when the first have run long.
    #[arg(long, env = "FLUX_APIM_CONCURRENT_RENDERS", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    concurrent_renders: u16,
    /// Threads of one rendering; one for each core, at most four, unless given.
    #[arg(long, env = "FLUX_APIM_THREADS", value_name = "N", value_parser = super::options::threads)]
    threads: Option<usize>,
    /// Bytes of everything that reconciliations hold [default: 60 % of what the container
    /// has, else 1 GiB].
    #[arg(long, env = "FLUX_APIM_MEMORY", value_name = "N", value_parser = clap::value_parser!(u64).range(1 << 20..))]
    memory: Option<u64>,
    /// Percent of the memory that one namespace may hold.
    #[arg(long, env = "FLUX_APIM_NAMESPACE_MEMORY", value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    namespace_memory: u8,
    /// Bytes of the memory that are kept of what renderings made: what did not change is not made again.
    #[arg(long, env = "FLUX_APIM_CACHE_BYTES", value_name = "N", default_value_t = 64 << 20)]
    cache_bytes: usize,
    /// Delay before a source that is not ready is looked at again.
    #[arg(
        long,
        env = "FLUX_APIM_REQUEUE_DEPENDENCY",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = super::values::wait
    )]
    requeue_dependency: Duration,
    /// First delay after a failure.
    #[arg(
        long,
        env = "FLUX_APIM_MIN_RETRY_DELAY",
        value_name = "DURATION",
        default_value = "750ms",
        value_parser = super::values::wait
    )]
    min_retry_delay: Duration,
    /// Longest delay after failures.
    #[arg(
        long,
        env = "FLUX_APIM_MAX_RETRY_DELAY",
        value_name = "DURATION",
        default_value = "15m",
        value_parser = super::values::wait
    )]
    max_retry_delay: Duration,
    /// How far intervals are spread.
    #[arg(long, env = "FLUX_APIM_INTERVAL_JITTER_PERCENTAGE", value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..100))]
    interval_jitter_percentage: u8,
    /// Time for fetching one artifact.
    #[arg(
        long,
        env = "FLUX_APIM_FETCH_TIMEOUT",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = super::values::wait
    )]
    fetch_timeout: Duration,

    /// Elect a leader before working, as several replicas need.
    #[arg(long, env = "FLUX_APIM_ENABLE_LEADER_ELECTION", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", help_heading = "Leader election")]
    enable_leader_election: bool,
    /// After this time without renewal another replica takes over.
    #[arg(
        long,
        env = "FLUX_APIM_LEADER_ELECTION_LEASE_DURATION",
        value_name = "DURATION",
        default_value = "35s",
        help_heading = "Leader election",
        value_parser = super::values::wait
    )]
    leader_election_lease_duration: Duration,
    /// After this time without renewal the leader stops.
    #[arg(
        long,
        env = "FLUX_APIM_LEADER_ELECTION_RENEW_DEADLINE",
        value_name = "DURATION",
        default_value = "30s",
        help_heading = "Leader election",
        value_parser = super::values::wait
    )]
    leader_election_renew_deadline: Duration,
    /// Time between attempts to get or renew the lease.
    #[arg(
        long,
        env = "FLUX_APIM_LEADER_ELECTION_RETRY_PERIOD",
        value_name = "DURATION",
        default_value = "5s",
        help_heading = "Leader election",
        value_parser = super::values::wait
    )]
    leader_election_retry_period: Duration,

    /// Folder of the artifacts.
    #[arg(
        long,
        env = "FLUX_APIM_STORAGE_PATH",
        value_name = "DIR",
        default_value = "/data",
        help_heading = "Artifacts"
    )]
    storage_path: PathBuf,
    /// Address at which artifacts are served.
    #[arg(
        long,
        env = "FLUX_APIM_STORAGE_ADDR",
        value_name = "HOST:PORT",
        default_value = ":9090",
        help_heading = "Artifacts",
        value_parser = super::values::listen_anywhere
    )]
    storage_addr: String,
    /// Address at which others reach the artifacts, such as that of the
    /// service.
    #[arg(
        long,
        env = "FLUX_APIM_STORAGE_ADV_ADDR",
        value_name = "HOST[:PORT]",
        default_value = "flux-apim-controller.flux-system.svc.cluster.local.",
        help_heading = "Artifacts",
        value_parser = super::values::advertised
    )]
    storage_adv_addr: String,
    /// How long artifacts stay that are no longer current.
    #[arg(
        long,
        env = "FLUX_APIM_ARTIFACT_RETENTION_TTL",
        value_name = "DURATION",
        default_value = "1m",
        help_heading = "Artifacts",
        value_parser = super::values::retention
    )]
    artifact_retention_ttl: Duration,
    /// How many artifacts of one ApimBundle stay at most.
    #[arg(long, env = "FLUX_APIM_ARTIFACT_RETENTION_RECORDS", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Artifacts")]
    artifact_retention_records: u16,

    /// notification-controller's address.
    #[arg(
        long,
        env = "FLUX_APIM_EVENTS_ADDR",
        value_name = "URL",
        help_heading = "Observation",
        value_parser = super::values::http_url
    )]
    events_addr: Option<url::Url>,
    /// Address of the metrics.
    #[arg(
        long,
        env = "FLUX_APIM_METRICS_ADDR",
        value_name = "HOST:PORT",
        default_value = ":8080",
        help_heading = "Observation",
        value_parser = super::values::listen_anywhere
    )]
    metrics_addr: String,
    /// Address of `/healthz` and `/readyz`.
    #[arg(
        long,
        env = "FLUX_APIM_HEALTH_ADDR",
        value_name = "HOST:PORT",
        default_value = ":9440",
        help_heading = "Observation",
        value_parser = super::values::listen_anywhere
    )]
    health_addr: String,
    /// Which log lines are written.
    #[arg(long, env = "FLUX_APIM_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = ["trace", "debug", "info", "error"], help_heading = "Observation")]
    log_level: String,
    /// How log lines look.
    #[arg(
        long,
        env = "FLUX_APIM_LOG_ENCODING",
        value_enum,
        default_value = "json",
        help_heading = "Observation"
    )]
    log_encoding: LogEncoding,
    #[command(flatten)]
    policies: super::options::PolicyArgs,
    #[command(flatten)]
    limits: super::options::LimitFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogEncoding {
    Console,
    Json,
}

/// The controller has lower defaults for some caps than the commands.
fn own_default(arg: Arg) -> Arg {
    super::options::with_default(arg, &Settings::default_limits())
}

/// `flux-apim controller`.
pub(super) fn controller(arguments: &Controller) -> anyhow::Result<super::Done> {
    let encoding = match arguments.log_encoding {
        LogEncoding::Console => Encoding::Console,
        LogEncoding::Json => Encoding::Json,
    };
    start_log(&arguments.log_level, encoding)?;
    let options = options(arguments)?;
    crate::edge::tls::install_provider();
    let runtime = crate::edge::runtime().context("start the runtime")?;
    let outcome = runtime.block_on(async {
        let stop = stop()?;
        let client = kube::Client::try_default()
            .await
            .context("find the Kubernetes API server")?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            "starting flux-apim controller"
        );
        run_controller(client, options, stop).await?;
        Ok(super::Done::Well)
    });
    // A rendering that still runs is of no use to anyone.
    runtime.shutdown_background();
    outcome
}

fn options(arguments: &Controller) -> anyhow::Result<Options> {
    let limits = arguments.limits.over(Settings::default_limits())?;
    let policies = arguments.policies.policy.clone();
    // One that is none is told before anything is reconciled.
    crate::edge::policies::read(&policies)?;
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "flux-apim".to_owned());
    let random = getrandom::u32().context("ask the system for random bytes")?;
    let identity = format!("{host}_{random:08x}");
    let renew_deadline = arguments.leader_election_renew_deadline.0;
    let duration = arguments.leader_election_lease_duration.0;
    let retry_period = arguments.leader_election_retry_period.0;
    anyhow::ensure!(
        retry_period < renew_deadline && renew_deadline < duration,
        "--leader-election-retry-period must be shorter than --leader-election-renew-deadline, and that shorter than --leader-election-lease-duration"
    );
    anyhow::ensure!(
        arguments.min_retry_delay <= arguments.max_retry_delay,
        "--min-retry-delay {} must not be longer than --max-retry-delay {}",
        arguments.min_retry_delay,
        arguments.max_retry_delay
    );
    let election = arguments.enable_leader_election.then(|| Election {
        name: lease_name(arguments.watch_label_selector.as_deref()),
        identity: identity.clone(),
        duration,
        renew_deadline,
        retry_period,
    });
    let runtime_namespace = arguments.runtime_namespace.clone();
    Ok(Options {
        settings: Settings {
            no_cross_namespace_refs: arguments.no_cross_namespace_refs,
            policies,
            min_retry_delay: arguments.min_retry_delay.0,
            max_retry_delay: arguments.max_retry_delay.0,
            requeue_dependency: arguments.requeue_dependency.0,
            interval_jitter_percentage: arguments.interval_jitter_percentage,
            fetch_timeout: arguments.fetch_timeout.0,
            concurrent: arguments.concurrent,
            concurrent_renders: arguments.concurrent_renders.into(),
            threads: arguments.threads.unwrap_or_else(work::default_threads),
            memory: arguments.memory.unwrap_or_else(work::default_memory),
            namespace_memory: arguments.namespace_memory,
            cache_bytes: arguments.cache_bytes,
            limits,
        },
        scope: Scope {
            namespace: (!arguments.watch_all_namespaces).then(|| runtime_namespace.clone()),
            label_selector: arguments.watch_label_selector.clone(),
        },
        runtime_namespace,
        election,
        storage_path: arguments.storage_path.clone(),
        storage_advertised: arguments.storage_adv_addr.clone(),
        retention: Retention {
            ttl: arguments.artifact_retention_ttl.0,
            records: arguments.artifact_retention_records.into(),
        },
        events_address: arguments.events_addr.clone(),
        storage_address: arguments.storage_addr.clone(),
        metrics_address: arguments.metrics_addr.clone(),
        health_address: arguments.health_addr.clone(),
        instance: identity,
    })
}

/// Each shard has a leader of its own.
fn lease_name(selector: Option<&str>) -> String {
    let name = "flux-apim-controller-leader-election";
    match selector {
        Some(selector) if !selector.is_empty() => {
            let digest = Digest::of(selector.as_bytes()).to_string();
            let hex = digest.rsplit(':').next().unwrap_or_default();
            format!("{name}-{}", &hex[..8])
        }
        _ => name.to_owned(),
    }
}

/// Ends with the first signal to stop.
fn stop() -> anyhow::Result<impl Future<Output = ()> + Send + Sync + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// `flux-apim crds`.
pub(super) fn crds() -> anyhow::Result<super::Done> {
    super::print(&crate::edge::yaml::document(&api::crd()))?;
    Ok(super::Done::Well)
}
