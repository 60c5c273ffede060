//! Everything that touches the world.

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "publish")]
pub mod fetch;
#[cfg(feature = "cli")]
pub mod output;
pub mod source;
#[cfg(feature = "fetch")]
pub mod tls;
