//! The three ports of a Flux controller: metrics, health, artifacts.

use super::metrics::Metrics;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;

/// Connections that wait to be accepted, as with tokio's own listeners.
const BACKLOG: i32 = 1024;

/// An address such as `:9440`, `127.0.0.1:8080` or `[::1]:0`. One without a host
/// is that of every interface, over IPv6 and IPv4.
///
/// # Errors
/// When the address is none, or taken.
pub(super) async fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = match address.strip_prefix(':').map(str::parse) {
        Some(Ok(port)) => match both(port) {
            // A node without IPv6 has no such address.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            listener => listener,
        },
        _ => TcpListener::bind(address).await,
    };
    listener.map_err(|e| io::Error::new(e.kind(), format!("listen on {address}: {e}")))
}

/// A listener for IPv6 that takes IPv4 too, whatever the default of the system.
fn both(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
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
