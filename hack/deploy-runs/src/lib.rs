//! The engine of `crates/deploy` and the simulated service of `hack/azure`, in one process:
//! thousands of deployments in minutes. The simulation is ours, and nothing that passes here
//! is thereby known to pass on Azure.

pub mod bundles;
pub mod folder;
pub mod runs;
mod simulated;
pub mod template;

pub use simulated::{Simulated, Wrong, revoke};
