//! Everything that touches the world.

#[cfg(feature = "publish")]
pub mod azure;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "controller")]
pub mod controller;
#[cfg(feature = "publish")]
pub mod fetch;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub(crate) mod names;
#[cfg(feature = "publish")]
pub mod oci;
#[cfg(feature = "cli")]
pub mod output;
pub mod policies;
#[cfg(feature = "publish")]
pub mod publish;
#[cfg(feature = "publish")]
pub mod secret;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "publish")]
pub mod sign;
#[cfg(feature = "publish")]
pub mod sops;
pub mod source;
#[cfg(feature = "server")]
pub mod storage;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "fetch")]
pub mod tls;
#[cfg(feature = "server")]
pub(crate) mod work;
#[cfg(feature = "controller")]
pub mod yaml;

/// The runtime on which a blocking command runs what is asynchronous.
///
/// # Errors
/// When the system gives no threads or no event queue.
#[cfg(feature = "publish")]
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
