//! Metrics of the service. Every label is from a closed set: routes, methods,
//! statuses, stages, outcomes; nothing that a client names.

use crate::reuse::Reuse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets_range};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Media type of [`Metrics::text`].
pub const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lookup {
    of: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Counters of this process. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    stages: Family<Stage, Histogram, fn() -> Histogram>,
    cache: Family<Lookup, Counter>,
    hooks: Family<Outcome, Counter>,
    /// Requests that are being answered.
    pub in_flight: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Connections that were closed at once: their client had its share.
    pub connections_refused: Counter,
    /// Artifacts that were found damaged.
    pub artifacts_damaged: Counter,
    /// Renderings that run.
    pub running: Gauge,
    /// Renderings that wait for a place.
    pub waiting: Gauge,
    /// Renderings given up because the client left.
    pub cancelled: Counter,
    cache_bytes: Gauge,
    /// Bytes of uploads in memory.
    pub upload_bytes: Gauge,
}

fn buckets() -> Histogram {
    Histogram::new(exponential_buckets_range(0.001, 120.0, 12))
}

impl Default for Metrics {
    fn default() -> Self {
        let constructor = buckets as fn() -> Histogram;
        let mut metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(constructor),
            stages: Family::new_with_constructor(constructor),
            cache: Family::default(),
            hooks: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            artifacts_damaged: Counter::default(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            cancelled: Counter::default(),
            cache_bytes: Gauge::default(),
            upload_bytes: Gauge::default(),
        };
        metrics.registry = Arc::new(metrics.registered());
        metrics
    }
}

impl Metrics {
    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("flux_apim");
        let r = &mut registry;
        r.register("http_requests", "Requests answered", self.requests.clone());
        r.register(
            "http_request_duration_seconds",
            "Seconds until the answer began",
            self.durations.clone(),
        );
        r.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            self.in_flight.clone(),
        );
        r.register(
            "http_connections",
            "Open connections",
            self.connections.clone(),
        );
        r.register(
            "http_connections_refused",
            "Connections closed at once because their client had its share",
            self.connections_refused.clone(),
        );
        r.register(
            "artifacts_damaged",
            "Artifacts whose content is not what their name says",
            self.artifacts_damaged.clone(),
        );
        r.register(
            "stage_duration_seconds",
            "Seconds of each stage of a preview",
            self.stages.clone(),
        );
        r.register(
            "cache_requests",
            "Answers, and parts of bundles, looked up in the cache",
            self.cache.clone(),
        );
        r.register(
            "cache_bytes",
            "Bytes in the cache",
            self.cache_bytes.clone(),
        );
        r.register(
            "previews_running",
            "Previews being made",
            self.running.clone(),
        );
        r.register(
            "previews_waiting",
            "Previews that wait for a place",
            self.waiting.clone(),
        );
        r.register(
            "previews_cancelled",
            "Previews given up because the client left",
            self.cancelled.clone(),
        );
        r.register(
            "upload_bytes",
            "Bytes of uploads in memory",
            self.upload_bytes.clone(),
        );
        r.register(
            "hook_events",
            "Events that the hook received",
            self.hooks.clone(),
        );
        registry
    }

    /// As Prometheus reads it, with what is in the cache.
    pub fn text(&self, answers: &Reuse, parts: &Reuse) -> String {
        for (of, kept) in [("answer", answers), ("part", parts)] {
            let (hit, miss) = kept.counts();
            for (outcome, count) in [("hit", hit), ("miss", miss)] {
                let counter = self.cache.get_or_create(&Lookup { of, outcome });
                counter.inner().store(count, Ordering::Relaxed);
            }
        }
        let bytes = i64::try_from(answers.bytes() + parts.bytes());
        self.cache_bytes.set(bytes.unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A request was answered. `route` is a pattern, not a path.
    pub fn answered(&self, route: &str, method: &axum::http::Method, status: u16, took: Duration) {
        let method = match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            "OPTIONS" => "OPTIONS",
            _ => "other",
        };
        let route = route.to_owned();
        self.durations
            .get_or_create(&Route {
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        let request = Request {
            route,
            method,
            status,
        };
        self.requests.get_or_create(&request).inc();
    }

    /// A stage of a preview took this long.
    pub fn stage(&self, stage: &'static str, took: Duration) {
        self.stages
            .get_or_create(&Stage { stage })
            .observe(took.as_secs_f64());
    }

    /// An event of the hook ended so.
    pub fn hook(&self, outcome: &'static str) {
        self.hooks.get_or_create(&Outcome { outcome }).inc();
    }
}
