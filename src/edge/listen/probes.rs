//! Small listeners on a thread of their own: probes and metrics are answered while
//! everything else is busy.

use super::{Bounds, Listener, Needed, Patience};
use axum::Router;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Probes and scrapes are short, and those who send them few.
const BOUNDS: Bounds = Bounds {
    connections: 64,
    each: 16,
    patience: Patience {
        header: Duration::from_secs(5),
        idle: Duration::from_secs(30),
        answer: Duration::from_secs(10),
        half_close: Duration::from_secs(2),
    },
};

/// What one of the listeners serves.
#[derive(Debug)]
pub(crate) struct Probe {
    /// What it is called: `health`, `metrics`.
    pub(crate) name: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
}

/// The listeners, until this is dropped.
#[derive(Debug)]
pub(crate) struct Probes(CancellationToken);

impl Probes {
    /// Serves `probes`, which are needed from now on.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub(crate) fn start(probes: Vec<Probe>, needed: &Needed) -> io::Result<Self> {
        let stop = CancellationToken::new();
        if probes.is_empty() {
            return Ok(Self(stop));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut serving = Vec::new();
        for probe in probes {
            let address = probe.listener.local_addr()?;
            serving.push(serve(&runtime, probe, address, needed, stop.clone())?);
        }
        thread::Builder::new()
            .name("probes".to_owned())
            .spawn(move || runtime.block_on(futures_util::future::join_all(serving)))?;
        Ok(Self(stop))
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn serve(
    runtime: &tokio::runtime::Runtime,
    probe: Probe,
    address: SocketAddr,
    needed: &Needed,
    stop: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let _inside = runtime.enter();
    let name = probe.name;
    let listener = Listener::new(probe.listener, probe.router, BOUNDS)?;
    let up = needed.up(name);
    tracing::info!(%address, "serving {name}");
    Ok(async move {
        let _up = up;
        if let Err(error) = listener.accept_until(stop.cancelled()).await {
            tracing::error!(%error, "the listener of {name} is gone");
        }
    })
}
