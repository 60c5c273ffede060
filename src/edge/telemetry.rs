//! Logs and traces: one subscriber for the process, OTLP when an endpoint is
//! named.

use axum::http::HeaderName;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::IsTerminal;
use std::time::Duration;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and where traces go.
#[derive(Debug, Clone)]
pub struct Options {
    /// How log lines look.
    pub format: Format,
    /// A level, or directives such as `info,flux_apim=debug`.
    pub level: String,
    /// Endpoint of an OTLP collector (`http://host:4318`); no traces without.
    pub otlp: Option<String>,
    /// The name that traces carry.
    pub service: &'static str,
}

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is none.
    #[error("`{level}` is no log level: {reason}")]
    Level {
        /// What was asked for.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The exporter of traces cannot be made.
    #[error("send traces to {endpoint}: {reason}")]
    Exporter {
        /// Where they should go.
        endpoint: String,
        /// What happened.
        reason: String,
    },
    /// There is a subscriber already.
    #[error("start logging: {0}")]
    Started(String),
}

/// Sends what was not sent yet when it is dropped.
#[derive(Debug)]
pub struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // The process ends: there is nobody left to tell.
            let _ = provider.shutdown_with_timeout(Duration::from_secs(5));
        }
    }
}

/// Starts logging to standard error. Called outside of a runtime.
///
/// # Errors
/// When the level is none, or the exporter cannot be made.
pub fn start(options: &Options) -> Result<Guard, Error> {
    let filter = EnvFilter::try_new(&options.level).map_err(|e| Error::Level {
        level: options.level.clone(),
        reason: e.to_string(),
    })?;
    let provider = options
        .otlp
        .as_deref()
        .map(|endpoint| provider(endpoint, options.service))
        .transpose()?;
    let traces = provider.as_ref().map(|provider| {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        tracing_opentelemetry::layer().with_tracer(provider.tracer(options.service))
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match options.format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(traces)
        .with(lines)
        .try_init()
        .map_err(|e| Error::Started(e.to_string()))?;
    Ok(Guard(provider))
}

fn provider(endpoint: &str, service: &'static str) -> Result<SdkTracerProvider, Error> {
    let failed = |reason: String| Error::Exporter {
        endpoint: endpoint.to_owned(),
        reason,
    };
    crate::edge::tls::install_provider();
    let client = reqwest::blocking::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(|e| failed(e.to_string()))?;
    let url = match endpoint.trim_end_matches('/') {
        whole if whole.ends_with("/v1/traces") => whole.to_owned(),
        base => format!("{base}/v1/traces"),
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .build()
        .map_err(|e| failed(e.to_string()))?;
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

/// Makes `span` a child of the trace that the request belongs to, if any.
pub fn continue_trace(span: &tracing::Span, headers: &axum::http::HeaderMap) {
    struct Headers<'h>(&'h axum::http::HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)?.to_str().ok()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(HeaderName::as_str).collect()
        }
    }
    if !headers.contains_key("traceparent") {
        return;
    }
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&Headers(headers))
    });
    // Without an exporter there is no layer that could take it.
    let _ = span.set_parent(parent);
}

/// A request id: what the client gave, if it is harmless, else a new one.
pub fn request_id(given: Option<&str>) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match given {
        Some(id) if (1..=64).contains(&id.len()) && id.chars().all(harmless) => id.to_owned(),
        _ => {
            let mut bytes = [0; 16];
            // Without randomness ids are alike, which is no reason to fail.
            let _ = getrandom::fill(&mut bytes);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}
