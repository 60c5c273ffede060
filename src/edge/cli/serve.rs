//! `serve`: the preview service.

use super::Done;
use super::options::{LimitFlags, PolicyArgs, with_default};
use crate::edge::fetch::{Hosts, Policy};
use crate::edge::policies;
use crate::edge::secret::Secret;
use crate::edge::server::{Auth, Grant, Oidc, Options, Server};
use crate::edge::telemetry;
use anyhow::Context;
use clap::{Arg, Args, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Flags of `serve`. Caps on sources are those of `render`, but for
/// those whose default is lower (`Options::default`).
#[derive(Debug, Args)]
#[command(mut_args(own_default))]
pub(super) struct Serve {
    /// Address. Any but loopback needs --auth.
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "FLUX_APIM_LISTEN",
        default_value = "127.0.0.1:8080",
        value_parser = super::values::listen
    )]
    listen: String,
    /// Who may ask: everyone (loopback only unless this is given), holders of
    /// tokens of an OpenID provider, or of the cluster.
    #[arg(long, value_enum, env = "FLUX_APIM_AUTH")]
    auth: Option<AuthKind>,
    /// Issuer of tokens.
    #[arg(
        long,
        value_name = "URL",
        env = "FLUX_APIM_OIDC_ISSUER",
        help_heading = "Access",
        required_if_eq("auth", "oidc")
    )]
    oidc_issuer: Option<String>,
    /// Audience that a token must have; several separated by commas.
    #[arg(
        long,
        value_name = "AUDIENCE",
        env = "FLUX_APIM_OIDC_AUDIENCE",
        help_heading = "Access",
        value_delimiter = ','
    )]
    oidc_audience: Vec<String>,
    /// Entra tenant whose tokens are taken, when the issuer is one for many.
    #[arg(
        long,
        value_name = "ID",
        env = "FLUX_APIM_OIDC_TENANT",
        help_heading = "Access",
        value_delimiter = ','
    )]
    oidc_tenant: Vec<String>,
    /// Certificates of the OpenID provider beside those of the system.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_OIDC_CA",
        help_heading = "Access"
    )]
    oidc_ca: Option<PathBuf>,
    /// Seconds that clocks may be apart.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_CLOCK_SKEW",
        help_heading = "Access",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(..=600)
    )]
    clock_skew: u64,
    /// Seconds after which the OpenID provider is asked for its keys again.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_OIDC_REFRESH",
        help_heading = "Access",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=super::values::DAY)
    )]
    oidc_refresh: u64,
    /// Audience of tokens of the cluster.
    #[arg(
        long,
        value_name = "AUDIENCE",
        env = "FLUX_APIM_KUBERNETES_AUDIENCE",
        help_heading = "Access",
        value_delimiter = ','
    )]
    kubernetes_audience: Vec<String>,
    /// Who may do what: render=NAME, publish=NAME, admin=NAME, where NAME is
    /// `scope:SCOPE`, `role:ROLE` or `sub:SUBJECT` (oidc), `group:GROUP` or
    /// `user:USER` (kubernetes).
    #[arg(
        long,
        value_name = "GRANT",
        env = "FLUX_APIM_GRANT",
        help_heading = "Access",
        value_delimiter = ','
    )]
    grant: Vec<Grant>,
    /// Certificate chain in PEM; read again when it changes.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_TLS_CERT",
        help_heading = "Access",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// Its key in PEM.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_TLS_KEY",
        help_heading = "Access",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Origin of web pages that may ask, such as https://portal.example.com.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "FLUX_APIM_CORS_ORIGIN",
        help_heading = "Access",
        value_delimiter = ',',
        value_parser = crate::edge::server::page
    )]
    cors_origin: Vec<String>,
    /// Name that the service is called by, beside those of this machine: on loopback,
    /// and wherever this is given, requests to other names are refused.
    #[arg(
        long,
        value_name = "HOST",
        env = "FLUX_APIM_ALLOW_HOST",
        help_heading = "Access",
        value_delimiter = ',',
        value_parser = crate::edge::server::host
    )]
    allow_host: Vec<String>,
    /// File with the token that signs events of Flux (generic-hmac).
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_HOOK_SECRET_FILE",
        help_heading = "Access"
    )]
    hook_secret_file: Option<PathBuf>,
    /// Host of sources by reference: `host`, `host:port`, `host:*`, `*.domain`.
    #[arg(
        long,
        value_name = "HOST",
        env = "FLUX_APIM_ALLOW_SOURCE_HOST",
        help_heading = "Sources",
        value_delimiter = ',',
        value_parser = crate::edge::fetch::pattern
    )]
    allow_source_host: Vec<String>,
    /// These hosts may have private or loopback addresses.
    #[arg(
        long,
        env = "FLUX_APIM_ALLOW_PRIVATE_SOURCES",
        help_heading = "Sources"
    )]
    allow_private_sources: bool,
    /// Seconds that fetching a source may take.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_SOURCE_TIMEOUT",
        help_heading = "Sources",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=super::values::DAY)
    )]
    source_timeout: u64,
    /// Folder of artifacts that are served below /artifacts. Nothing in it is changed.
    #[arg(
        long,
        value_name = "DIR",
        env = "FLUX_APIM_ARTIFACTS",
        help_heading = "Sources"
    )]
    artifacts: Option<PathBuf>,
    /// Bytes of a body.
    #[arg(long, value_name = "N", env = "FLUX_APIM_MAX_BODY_BYTES", help_heading = "Load", default_value_t = 32 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_body_bytes: u64,
    /// Bytes of an answer.
    #[arg(long, value_name = "N", env = "FLUX_APIM_MAX_ANSWER_BYTES", help_heading = "Load", default_value_t = 256 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_answer_bytes: u64,
    /// Bytes of everything that requests hold [default: 60 % of what the container has,
    /// else 1 GiB].
    #[arg(long, value_name = "N", env = "FLUX_APIM_MEMORY", help_heading = "Load", value_parser = clap::value_parser!(u64).range(1 << 20..))]
    memory: Option<u64>,
    /// Percent of the memory that one client may hold.
    #[arg(long, value_name = "PERCENT", env = "FLUX_APIM_CLIENT_MEMORY", help_heading = "Load", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    client_memory: u8,
    /// Bytes of the memory that are kept: half of them answers, half what they were made of.
    #[arg(long, value_name = "N", env = "FLUX_APIM_CACHE_BYTES", help_heading = "Load", default_value_t = 64 << 20)]
    cache_bytes: usize,
    /// Previews at once, and as many long ones beside them; one for each core unless given.
    #[arg(long, value_name = "N", env = "FLUX_APIM_WORKERS", help_heading = "Load", value_parser = super::options::threads)]
    workers: Option<usize>,
    /// Threads of one preview; one for each core, at most four, unless given.
    #[arg(long, value_name = "N", env = "FLUX_APIM_THREADS", help_heading = "Load", value_parser = super::options::threads)]
    threads: Option<usize>,
    /// Previews that may wait, and as many that take long.
    #[arg(
        long,
        value_name = "N",
        env = "FLUX_APIM_QUEUE",
        help_heading = "Load",
        default_value_t = 256,
        value_parser = super::values::count_or_none
    )]
    queue: usize,
    /// Connections at once.
    #[arg(
        long,
        value_name = "N",
        env = "FLUX_APIM_MAX_CONNECTIONS",
        help_heading = "Load",
        default_value_t = 1024,
        value_parser = super::values::count
    )]
    max_connections: usize,
    /// Connections at once of one client: an address, or a /64 of IPv6.
    #[arg(
        long,
        value_name = "N",
        env = "FLUX_APIM_MAX_CONNECTIONS_PER_CLIENT",
        help_heading = "Load",
        default_value_t = 256
    )]
    max_connections_per_client: usize,
    /// Requests a minute of one client.
    #[arg(
        long,
        value_name = "N",
        env = "FLUX_APIM_RATE",
        help_heading = "Load",
        default_value = "600",
        value_parser = rate
    )]
    rate: NonZeroU32,
    /// Requests at once of one client.
    #[arg(
        long,
        value_name = "N",
        env = "FLUX_APIM_CONCURRENCY",
        help_heading = "Load",
        default_value_t = 16,
        value_parser = super::values::count
    )]
    concurrency: usize,
    /// Seconds for the first request of a connection, and for the head of any.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_HEADER_TIMEOUT",
        help_heading = "Load",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=super::values::DAY)
    )]
    header_timeout: u64,
    /// Seconds for its body.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_BODY_TIMEOUT",
        help_heading = "Load",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=super::values::DAY)
    )]
    body_timeout: u64,
    /// Seconds until the answer begins.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_REQUEST_TIMEOUT",
        help_heading = "Load",
        default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..=super::values::DAY)
    )]
    request_timeout: u64,
    /// Seconds in which a client takes the next 16 KiB of an answer, or its end.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_ANSWER_TIMEOUT",
        help_heading = "Load",
        default_value_t = 60
    )]
    answer_timeout: u64,
    /// Seconds that a connection stays open without a request.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_IDLE_TIMEOUT",
        help_heading = "Load",
        default_value_t = 75
    )]
    idle_timeout: u64,
    /// Seconds for which new connections are taken after SIGTERM.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_DRAIN_DELAY",
        help_heading = "Load",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(..=super::values::DAY)
    )]
    drain_delay: u64,
    /// Seconds that requests may take after that.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FLUX_APIM_DRAIN_TIMEOUT",
        help_heading = "Load",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(..=super::values::DAY)
    )]
    drain_timeout: u64,
    /// Address of `/healthz` and `/readyz` beside that of --listen: answered by a thread
    /// of its own, however busy the service is. Needs no token.
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "FLUX_APIM_HEALTH_ADDR",
        help_heading = "Observation"
    )]
    health_addr: Option<String>,
    /// Address of the metrics beside that of --listen. Needs no token: let only those who
    /// scrape reach it.
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "FLUX_APIM_METRICS_ADDR",
        help_heading = "Observation"
    )]
    metrics_addr: Option<String>,
    /// Level of the log, or directives such as `info,flux_apim=debug`.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "FLUX_APIM_LOG_LEVEL",
        help_heading = "Logs and traces",
        default_value = "info"
    )]
    log_level: String,
    /// How log lines look.
    #[arg(
        long,
        value_enum,
        env = "FLUX_APIM_LOG_FORMAT",
        help_heading = "Logs and traces",
        default_value = "text"
    )]
    log_format: LogFormat,
    /// OTLP collector that traces are sent to (`http://host:4318`).
    #[arg(
        long,
        value_name = "URL",
        env = "FLUX_APIM_OTLP_ENDPOINT",
        help_heading = "Logs and traces",
        value_parser = super::values::http_url
    )]
    otlp_endpoint: Option<url::Url>,
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AuthKind {
    None,
    Oidc,
    Kubernetes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn serve(arguments: &Serve) -> anyhow::Result<Done> {
    let options = options(arguments)?;
    let telemetry = telemetry::Options {
        format: match arguments.log_format {
            LogFormat::Text => telemetry::Format::Text,
            LogFormat::Json => telemetry::Format::Json,
        },
        level: arguments.log_level.clone(),
        otlp: arguments.otlp_endpoint.as_ref().map(url::Url::to_string),
        service: "flux-apim",
    };
    let guard = telemetry::start(&telemetry)?;
    if matches!(options.auth, Auth::None) && !is_loopback(&options.listen) {
        tracing::warn!(
            listen = %options.listen,
            "--auth none: everyone who reaches this address may ask"
        );
    }
    let runtime = crate::edge::runtime().context("start the runtime")?;
    let outcome = runtime.block_on(async {
        let server = Server::bind(options).await?;
        tracing::info!(address = %server.address(), "listening");
        server.run(stop()).await
    });
    // Work that was given up may still run; there is nobody to wait for it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    outcome?;
    Ok(Done::Well)
}

/// SIGTERM, or Ctrl-C.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// The service has lower defaults for some caps than the commands.
fn own_default(arg: Arg) -> Arg {
    with_default(arg, &Options::default().limits)
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let wrong = |_| format!("a number from 1 to {}", u32::MAX);
    text.parse().map_err(wrong)
}

impl AuthKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Oidc => "oidc",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// A flag that only one kind of access has: without that it would do nothing, and
/// whoever gave it would believe that it did.
fn each_has_its_access(arguments: &Serve) -> anyhow::Result<()> {
    for (flag, given, auth) in [
        (
            "--oidc-issuer",
            arguments.oidc_issuer.is_some(),
            AuthKind::Oidc,
        ),
        (
            "--oidc-audience",
            !arguments.oidc_audience.is_empty(),
            AuthKind::Oidc,
        ),
        (
            "--oidc-tenant",
            !arguments.oidc_tenant.is_empty(),
            AuthKind::Oidc,
        ),
        ("--oidc-ca", arguments.oidc_ca.is_some(), AuthKind::Oidc),
        (
            "--kubernetes-audience",
            !arguments.kubernetes_audience.is_empty(),
            AuthKind::Kubernetes,
        ),
    ] {
        anyhow::ensure!(
            !given || arguments.auth == Some(auth),
            "{flag} is for --auth {}: give that too, or leave it out",
            auth.as_str()
        );
    }
    Ok(())
}

fn options(arguments: &Serve) -> anyhow::Result<Options> {
    each_has_its_access(arguments)?;
    let auth = match arguments.auth {
        None => {
            anyhow::ensure!(
                is_loopback(&arguments.listen),
                "--listen {}: that is not loopback, so say who may ask: --auth oidc, --auth kubernetes, or --auth none for everyone",
                arguments.listen
            );
            Auth::None
        }
        Some(AuthKind::None) => Auth::None,
        Some(AuthKind::Oidc) => Auth::Oidc(Oidc {
            issuer: arguments
                .oidc_issuer
                .clone()
                .context("--auth oidc needs --oidc-issuer")?,
            audiences: arguments.oidc_audience.clone(),
            tenants: arguments.oidc_tenant.clone(),
            skew: Duration::from_secs(arguments.clock_skew),
            refresh: Duration::from_secs(arguments.oidc_refresh),
            ca: arguments.oidc_ca.as_deref().map(read).transpose()?,
        }),
        Some(AuthKind::Kubernetes) => Auth::Kubernetes {
            audiences: arguments.kubernetes_audience.clone(),
        },
    };
    let mut options = Options {
        listen: arguments.listen.clone(),
        auth,
        grants: arguments.grant.clone(),
        tls: arguments.tls_cert.clone().zip(arguments.tls_key.clone()),
        sources: Policy {
            hosts: Hosts::Only(arguments.allow_source_host.clone()),
            allow_private: arguments.allow_private_sources,
            timeout: Duration::from_secs(arguments.source_timeout),
            ..Policy::only(Vec::new())
        },
        policies: policies::read(&arguments.policies.policy)?,
        cors: arguments.cors_origin.clone(),
        hosts: arguments.allow_host.clone(),
        max_body_bytes: arguments.max_body_bytes,
        max_answer_bytes: arguments.max_answer_bytes,
        client_memory: arguments.client_memory,
        cache_bytes: arguments.cache_bytes,
        queue: arguments.queue,
        max_connections: arguments.max_connections,
        max_connections_per_client: arguments.max_connections_per_client,
        rate: arguments.rate,
        concurrency: arguments.concurrency,
        header_timeout: Duration::from_secs(arguments.header_timeout),
        body_timeout: Duration::from_secs(arguments.body_timeout),
        request_timeout: Duration::from_secs(arguments.request_timeout),
        answer_timeout: Duration::from_secs(arguments.answer_timeout),
        idle_timeout: Duration::from_secs(arguments.idle_timeout),
        drain_delay: Duration::from_secs(arguments.drain_delay),
        drain_timeout: Duration::from_secs(arguments.drain_timeout),
        artifacts: arguments.artifacts.clone(),
        health_address: arguments.health_addr.clone(),
        metrics_address: arguments.metrics_addr.clone(),
        ..Options::default()
    };
    if let Some(memory) = arguments.memory {
        options.memory = memory;
    }
    if let Some(workers) = arguments.workers {
        options.workers = workers;
    }
    if let Some(threads) = arguments.threads {
        options.threads = threads;
    }
    if let Some(file) = &arguments.hook_secret_file {
        let text = String::from_utf8(read(file)?)
            .ok()
            .with_context(|| format!("--hook-secret-file {}: it is not UTF-8", file.display()))?;
        let text = text.trim_end_matches(['\r', '\n']);
        anyhow::ensure!(
            !text.trim().is_empty(),
            "--hook-secret-file {}: it is empty",
            file.display()
        );
        options.hook_secret = Some(Secret::new(text.to_owned()));
    }
    options.limits = arguments.limits.over(options.limits)?;
    Ok(options)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

/// Whether `HOST:PORT` is this machine only.
fn is_loopback(listen: &str) -> bool {
    if let Ok(address) = listen.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
