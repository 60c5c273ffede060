//! From a bundle into a service of API Management.
//!
//! Everything here is pure: the world is a [`Service`], which answers requests and waits.
//! [`Engine::plan`] reads what is live and says what is to be done, [`Engine::apply`] does
//! it. What is deployed comes from `resources.json` ([`Resources`]); who made what is in an
//! inventory that lies in the service ([`inventory`]); what the service stores in another
//! form than it was sent is learnt and kept in a [`State`].

mod apply;
mod body;
mod caller;
mod compare;
mod deletion;
mod engine;
mod id;
pub mod identity;
pub mod inventory;
mod learn;
mod live;
mod order;
pub mod pattern;
pub mod permission;
mod plan;
mod planner;
mod prediction;
mod print;
mod record;
mod resources;
mod risk;
mod service;
mod state;
pub mod template;
pub mod tier;
mod write;

pub use apply::{Done, NotBegun, Outcome, StepResult};
pub use body::{Secrets, Texts};
pub use caller::Failure;
pub use compare::Difference;
pub use engine::{About, Engine, Error};
pub use id::Id;
pub use plan::{Action, Asked, Counts, Ownership, Plan, Step};
pub use prediction::{Change, Predicted, Prediction};
pub use resources::{Parameter, RESOURCES, Resource, Resources, Unreadable};
pub use service::{Answer, Body, Fault, Method, Place, Request, Service};
pub use state::{State, StateError};
