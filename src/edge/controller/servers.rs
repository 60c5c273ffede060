//! The three ports of a Flux controller: metrics, health, artifacts.

use super::metrics::Metrics;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;

/// An address such as `:9440`, `127.0.0.1:8080` or `[::1]:0`.
///
/// # Errors
/// When the address is none, or taken.
pub(super) async fn listen(address: &str) -> io::Result<TcpListener> {
    let address = match address.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => address.to_owned(),
    };
    TcpListener::bind(&address)
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("listen on {address}: {e}")))
}

/// Serves until the process ends.
pub(super) fn serve(
    listener: TcpListener,
    router: Router,
    what: &'static str,
) -> io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving {what}");
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the server of {what} ended");
        }
    });
    Ok(address)
}

pub(super) fn metrics(metrics: Metrics) -> Router {
    const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = move || async move { ([(header::CONTENT_TYPE, TEXT)], metrics.text()) };
    Router::new().route("/metrics", get(text))
}

/// `/healthz` as long as the process answers, `/readyz` while it leads and
/// serves: requests for artifacts go to ready replicas only.
pub(super) fn health(ready: Arc<AtomicBool>) -> Router {
    let readyz = move || async move {
        if ready.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok\n")
        } else {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "waiting for the leader lease\n",
            )
        }
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
}
