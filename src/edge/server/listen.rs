//! Connections: accepted up to a number, given up when nothing moves, closed
//! so that the last answer arrives, drained at the end.

use super::Service;
use super::layers::Kept;
use super::tls::Certificates;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long the rest of a body is read after its answer was sent.
const LINGER: Duration = Duration::from_secs(2);
/// Handshakes take no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves until `stop`, then until what was accepted is answered.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Certificates>>,
    router: Router,
    service: &Arc<Service>,
    stop: impl Future<Output = ()> + Send,
) {
    let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls.config())));
    let graceful = GracefulShutdown::new();
    let server = Connections {
        acceptor,
        router,
        service: Arc::clone(service),
        places: Arc::new(Semaphore::new(service.options.max_connections.max(1))),
    };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = server.accept(&listener, &graceful) => {}
        }
    }
    service.draining.store(true, Ordering::Relaxed);
    tracing::info!("stopping: no longer ready, answering what is there");
    // Whoever still sends requests here does not know yet.
    let delay = tokio::time::sleep(service.options.drain_delay);
    tokio::pin!(delay);
    loop {
        tokio::select! {
            () = &mut delay => break,
            () = server.accept(&listener, &graceful) => {}
        }
    }
    drop(listener);
    let open = graceful.count();
    let drained = tokio::time::timeout(service.options.drain_timeout, graceful.shutdown()).await;
    match drained {
        Ok(()) => tracing::info!(open, "stopped: everything was answered"),
        Err(_) => tracing::warn!(
            "stopped: not everything was answered within {} s (--drain-timeout)",
            service.options.drain_timeout.as_secs()
        ),
    }
}

struct Connections {
    acceptor: Option<TlsAcceptor>,
    router: Router,
    service: Arc<Service>,
    places: Arc<Semaphore>,
}

impl Connections {
    async fn accept(&self, listener: &TcpListener, graceful: &GracefulShutdown) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: connections that end make room.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                return;
            }
        };
        let _ = stream.set_nodelay(true);
        let options = &self.service.options;
        let patience = options.request_timeout + options.body_timeout;
        let work = Work::default();
        let stream = Careful::new(stream, work.clone(), options.header_timeout, patience);
        let acceptor = self.acceptor.clone();
        let router = self.router.clone();
        let watcher = graceful.watcher();
        let header_timeout = options.header_timeout;
        let gauge = self.service.metrics.connections.clone();
        gauge.inc();
        tokio::spawn(async move {
            let _place = place;
            match acceptor {
                None => serve_one(stream, peer, router, work, watcher, header_timeout).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = handshake {
                        serve_one(stream, peer, router, work, watcher, header_timeout).await;
                    }
                }
            }
            gauge.dec();
        });
    }
}

async fn serve_one<I>(
    stream: I,
    peer: SocketAddr,
    router: Router,
    work: Work,
    watcher: hyper_util::server::graceful::Watcher,
    header_timeout: Duration,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let one = work.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().oneshot(request);
        async move {
            let response = answering.await?;
            Ok::<_, Infallible>(response.map(|body| Body::new(Kept::new(body, one))))
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let io = TokioIo::new(stream);
    let connection = builder.serve_connection(io, TowerToHyperService::new(service));
    // A client that breaks off is no event worth a line.
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

/// The requests of a connection that are being answered.
#[derive(Debug, Clone, Default)]
struct Work(Arc<AtomicUsize>);

/// One of them.
struct Running(Work);

impl Work {
    fn begin(&self) -> Running {
        self.0.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    fn is_running(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that fails when nothing moves for a time, and when nothing is
/// asked for one (a shorter one before the first request): frames that only say
/// that the other side is there do not count. And one that is closed only after the other side had a
/// chance to read the last answer.
struct Careful {
    stream: TcpStream,
    work: Work,
    /// Whether something was being answered when last it moved.
    worked: bool,
    patience: Duration,
    idle: Pin<Box<Sleep>>,
    lingering: Option<Instant>,
}

impl Careful {
    fn new(stream: TcpStream, work: Work, first: Duration, patience: Duration) -> Self {
        Self {
            stream,
            work,
            worked: false,
            patience,
            idle: Box::pin(tokio::time::sleep(first)),
            lingering: None,
        }
    }

    fn moved(&mut self) {
        let works = self.work.is_running();
        if !works && !self.worked {
            return;
        }
        self.worked = works;
        let until = Instant::now() + self.patience;
        self.idle.as_mut().reset(until);
    }

    /// Pending, unless nothing moved for too long.
    fn stuck<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.idle.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Careful {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(outcome) => {
                self.moved();
                Poll::Ready(outcome)
            }
            Poll::Pending => self.stuck(context),
        }
    }
}

impl AsyncWrite for Careful {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(outcome) => {
                self.moved();
                Poll::Ready(outcome)
            }
            Poll::Pending => self.stuck(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            let until = Instant::now() + LINGER;
            self.lingering = Some(until);
            self.idle.as_mut().reset(until);
        }
        // Closing with bytes unread would make the kernel drop what the other
        // side has not read yet: the answer that says why.
        let mut scratch = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    if self.lingering.is_some_and(|until| Instant::now() >= until) {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(self.idle.as_mut().poll(context));
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}
