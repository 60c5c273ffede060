//! Azure Resource Manager: where a service of API Management is reached.

mod client;
mod cloud;
mod state;

pub use client::{Error, ResourceManager};
pub use cloud::Cloud;
pub use state::{StateStore, StateStoreError};
