//! Health, metrics, and the page.

use super::Service;
use super::api::Shared;
use super::problem::Problem;
use super::schemas::Refusals;
use crate::edge::metrics;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Health, for a listener of its own.
pub(super) fn probes(service: &Arc<Service>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Arc::clone(service))
}

/// Metrics, for a listener of their own.
pub(super) fn measured(service: &Arc<Service>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(service))
}

/// Whether the process answers and its work goes on.
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "operations",
    responses(
        (status = 200, description = "It does.", body = String, content_type = "text/plain"),
        (status = 503, description = "It should be started again.", body = super::schemas::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn healthz(State(service): Shared) -> Result<&'static str, Problem> {
    service.pool.health().map_err(Problem::busy)?;
    Ok("ok\n")
}

/// Whether requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "operations",
    responses(
        (status = 200, description = "They should.", body = String, content_type = "text/plain"),
        (status = 503, description = "Not now.", body = super::schemas::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn readyz(State(service): Shared) -> Result<&'static str, Problem> {
    if service.draining.load(Ordering::Relaxed) {
        return Err(Problem::busy("the service is stopping"));
    }
    if let Some(name) = service.listeners.gone() {
        return Err(Problem::busy(format!("the listener of {name} is gone")));
    }
    if !service.access.is_ready().await {
        return Err(Problem::busy(
            "the keys of the OpenID provider are not there yet",
        ));
    }
    Ok("ok\n")
}

/// Metrics, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operations",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text"),
        Refusals
    ),
)]
pub(super) async fn metrics(State(service): Shared) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, metrics::TEXT)],
        service.metrics_text(),
    )
}

/// What the service is and how to ask it.
pub(super) async fn page() -> impl IntoResponse {
    let mut headers = HeaderMap::new();
    let policy = header::HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // With `no-referrer` its form would say that it comes from nowhere.
    let referrer = header::HeaderValue::from_static("same-origin");
    headers.insert(header::REFERRER_POLICY, referrer);
    (headers, Html(include_str!("page.html")))
}

/// Whatever else is asked for.
pub(super) async fn nothing() -> Problem {
    Problem::not_found("there is nothing here; `GET /` says what there is")
}

/// A method that a place does not know.
pub(super) async fn other_method() -> Problem {
    Problem::method("this place does not know the method; the header Allow has those it knows")
}

impl Service {
    /// The metrics, as they are now.
    fn metrics_text(&self) -> String {
        self.metrics.work.observe(self.pool.load(), &self.memory);
        self.metrics.text(&self.answers, &self.parts)
    }

    /// A panic of a handler, as an answer.
    pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
        Problem::internal(
            "the service met a defect of its own; the log has more under this request id",
        )
        .into_response()
    }
}
