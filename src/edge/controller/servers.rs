//! The three ports of a Flux controller: metrics, health, artifacts.

use super::metrics::Metrics;
use crate::edge::listen::{self, Bounds, Listener, Needed, Patience};
use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Flux's controllers fetch an artifact and go.
const BOUNDS: Bounds = Bounds {
    connections: 1024,
    each: 256,
    patience: Patience {
        header: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        answer: Duration::from_secs(60),
        half_close: Duration::from_secs(2),
    },
};

/// Serves artifacts until the process ends, or the listener breaks.
///
/// # Errors
/// When the runtime cannot take the listener.
pub(super) fn artifacts(listener: TcpListener, router: Router, needed: &Needed) -> io::Result<()> {
    let address = listener.local_addr()?;
    let listener = Listener::new(listener, checked(router), BOUNDS)?;
    let up = needed.up("artifacts");
    tracing::info!(%address, "serving artifacts");
    tokio::spawn(async move {
        let _up = up;
        if let Err(error) = listener.accept_until(std::future::pending()).await {
            tracing::error!(%error, "the listener of artifacts is gone: this replica is not ready any more");
        }
    });
    Ok(())
}

/// The router behind a look at the header Host.
fn checked(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| -> Response {
        match listen::wrong_host(request.version(), request.headers()) {
            Some(wrong) => (StatusCode::BAD_REQUEST, format!("{wrong}\n")).into_response(),
            None => next.run(request).await,
        }
    }))
}

pub(super) fn metrics(metrics: Metrics) -> Router {
    const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = move || async move { ([(header::CONTENT_TYPE, TEXT)], metrics.text()) };
    Router::new().route("/metrics", get(text))
}

/// `/healthz` as long as the process answers, `/readyz` while it leads and all its
/// listeners are there: requests for artifacts go to ready replicas only.
pub(super) fn health(ready: Arc<AtomicBool>, needed: Needed) -> Router {
    let readyz = move || async move {
        if let Some(name) = needed.gone() {
            let text = format!("the listener of {name} is gone\n");
            return (StatusCode::SERVICE_UNAVAILABLE, text);
        }
        if ready.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok\n".to_owned())
        } else {
            let text = "waiting for the leader lease\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt;

    async fn is_ready(health: &Router) -> StatusCode {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        health.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_replica_whose_artifact_server_has_ended_is_not_ready() {
        let needed = Needed::default();
        let health = health(Arc::new(AtomicBool::new(true)), needed.clone());
        let listener = listen::bind("127.0.0.1:0").await.unwrap();
        let broken = listener.try_clone().unwrap();
        artifacts(listener, Router::new(), &needed).unwrap();
        assert_eq!(is_ready(&health).await, StatusCode::OK);
        // The same socket: it listens no longer.
        let socket = socket2::SockRef::from(&broken);
        socket.shutdown(std::net::Shutdown::Both).unwrap();
        while is_ready(&health).await == StatusCode::OK {
            tokio::task::yield_now().await;
        }
        assert_eq!(is_ready(&health).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
