//! Listeners: connections that are accepted up to a number, in all and from each
//! network; that are given up when the client makes them wait; and that are drained at
//! the end. The service, the artifacts of the controller, and probes listen through
//! this.

mod bind;
mod body;
mod connection;
mod host;
mod needed;
mod network;
mod probes;
mod progress;
mod socket;

pub(crate) use bind::bind;
pub(crate) use host::wrong as wrong_host;
pub(crate) use needed::Needed;
pub(crate) use network::{Full, Network, Share, Shares};
pub(crate) use probes::{Probe, Probes};
pub(crate) use progress::Patience;

use axum::Router;
use connection::Connection;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the log says that connections are refused.
const REMINDER: Duration = Duration::from_secs(60);

/// What a listener takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at once; more wait to be accepted.
    pub(crate) connections: usize,
    /// Of these, from one network; more are closed.
    pub(crate) each: usize,
    /// How long clients may take.
    pub(crate) patience: Patience,
}

/// What is counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Open connections.
    pub(crate) open: Gauge,
    /// Those that were closed at once: their network had its share.
    pub(crate) refused: Counter,
}

/// A listener and the connections that it accepted.
pub(crate) struct Listener {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    patience: Patience,
    places: Arc<Semaphore>,
    shares: Shares,
    counts: Counts,
    connections: TaskTracker,
    closing: CancellationToken,
}

impl Listener {
    /// Listens with `listener`, on the runtime that this is called on.
    ///
    /// # Errors
    /// When the runtime cannot take the listener.
    pub(crate) fn new(
        listener: std::net::TcpListener,
        router: Router,
        bounds: Bounds,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            acceptor: None,
            router,
            patience: bounds.patience,
            places: Arc::new(Semaphore::new(bounds.connections.max(1))),
            shares: Shares::new(bounds.each, usize::MAX),
            counts: Counts::default(),
            connections: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    /// Speaks TLS.
    pub(crate) fn with_tls(mut self, acceptor: Option<TlsAcceptor>) -> Self {
        self.acceptor = acceptor;
        self
    }

    /// Counts there.
    pub(crate) fn counting(mut self, counts: Counts) -> Self {
        self.counts = counts;
        self
    }

    /// Accepts connections until `stop`.
    ///
    /// # Errors
    /// When the listener is broken: it accepts nothing any more.
    pub(crate) async fn accept_until(&self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tokio::pin!(stop);
        let mut reminded: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return Ok(()),
                accepted = self.accept() => accepted?,
            };
            let Some((stream, peer, place)) = accepted else {
                continue;
            };
            if let Ok(share) = self.shares.take(Network::of(peer.ip())) {
                self.serve(stream, peer, (place, share));
                continue;
            }
            self.counts.refused.inc();
            if reminded.is_none_or(|then| then.elapsed() > REMINDER) {
                reminded = Some(Instant::now());
                tracing::warn!(
                    %peer,
                    "a connection is closed: this client has {} connections already",
                    self.shares.each()
                );
            }
        }
    }

    /// The next connection; none when there was trouble that passes.
    async fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)>> {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Ok(None);
        };
        match self.listener.accept().await {
            Ok((stream, peer)) => Ok(Some((stream, peer, place))),
            // What the system says of a socket that does not listen.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(error),
            Err(error) => {
                // Out of descriptors: connections that end make room.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(None)
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, kept: impl Send + 'static) {
        let connection = Connection {
            router: self.router.clone(),
            acceptor: self.acceptor.clone(),
            patience: self.patience,
            closing: self.closing.clone(),
        };
        let open = Open::new(&self.counts.open);
        self.connections.spawn(async move {
            let _kept = (kept, open);
            connection.serve(stream, peer).await;
        });
    }

    /// Accepts nothing more and waits until what was accepted is answered, at most for
    /// `limit`. How many connections there were, and whether all ended.
    pub(crate) async fn drain(self, limit: Duration) -> (usize, bool) {
        drop(self.listener);
        let open = self.connections.len();
        self.closing.cancel();
        self.connections.close();
        let ended = tokio::time::timeout(limit, self.connections.wait()).await;
        (open, ended.is_ok())
    }
}

/// Counts a connection while it is open.
struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
