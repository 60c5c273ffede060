//! A simulation of Azure Resource Manager and API Management on loopback.
//!
//! It is ours: nothing that passes on it is thereby known to pass on the real thing. Its
//! routes and shapes are taken from Microsoft's published SDKs (`data/`), its behaviours are
//! rows with a source each ([`behaviours`]), and it uses nothing of the compiler that it
//! helps to test.

pub mod access;
pub mod answer;
pub mod apim;
pub mod behaviours;
pub mod definition;
pub mod deployments;
pub mod edge;
pub mod faults;
pub mod filter;
pub mod place;
pub mod policy;
pub mod request;
pub mod resources;
pub mod server;
pub mod shape;
pub mod stacks;
pub mod store;
pub mod table;
pub mod versions;
pub mod world;
