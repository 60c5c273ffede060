//! One connection: requests to a router, answers back, and an end to waiting.

use super::body::{Answer, Asked};
use super::progress::{Patience, Progress};
use super::socket::{Peer, Socket};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Handshakes take no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) patience: Patience,
    /// Nothing new is taken once this is cancelled.
    pub(super) closing: CancellationToken,
}

impl Connection {
    /// Serves until either side has enough.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        let progress = Progress::new(Instant::now());
        let (socket, other) = Socket::new(stream, progress.clone());
        let Some(acceptor) = &self.acceptor else {
            return self.requests(socket, &other, peer, progress).await;
        };
        let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(socket));
        let stream = tokio::select! {
            shaken = handshake => shaken,
            () = self.closing.cancelled() => return,
        };
        if let Ok(Ok(stream)) = stream {
            progress.ready(Instant::now());
            self.requests(stream, &other, peer, progress).await;
        }
    }

    async fn requests<I>(&self, stream: I, other: &Peer, address: SocketAddr, progress: Progress)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, begun) = (self.router.clone(), progress.clone());
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let (version, running) = (request.version(), begun.begin(request.version()));
            let (parts, body) = request.into_parts();
            let (body, read) = Asked::new(body);
            let mut request = Request::from_parts(parts, Body::new(body));
            request.extensions_mut().insert(ConnectInfo(address));
            let answering = router.clone().oneshot(request);
            async move {
                let mut response = answering.await?;
                if version <= Version::HTTP_11 && !read.load(Ordering::Relaxed) {
                    // Nobody reads the rest of the body, so that no request can follow it.
                    // (HTTP/2 resets the stream alone, without an error.)
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response.map(|body| Body::new(Answer::new(body, running))))
            }
        });
        let builder = builder();
        let io = TokioIo::new(stream);
        let connection = builder.serve_connection(io, TowerToHyperService::new(service));
        tokio::pin!(connection);
        let mut tick = tokio::time::interval(self.patience.tick());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closing = false;
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    // A client that breaks off is no event worth a line.
                    if let Err(error) = outcome {
                        tracing::debug!(%address, %error, "a connection ended early");
                    }
                    return;
                }
                () = self.closing.cancelled(), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = tick.tick() => {
                    let now = Instant::now();
                    if progress.is_running() && other.has_closed() {
                        progress.closed(now);
                    }
                    if let Some(reason) = progress.overdue(now, &self.patience) {
                        tracing::debug!(%address, %reason, "a connection is given up");
                        return;
                    }
                }
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // `Progress` has the times: hyper's own also ends connections at rest.
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
