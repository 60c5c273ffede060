//! Everything that touches the world.

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod output;
#[cfg(feature = "publish")]
pub mod sign;
pub mod source;
#[cfg(feature = "fetch")]
pub mod tls;
