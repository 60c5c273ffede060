//! Expands Azure Resource Manager templates as the service documents it.
//!
//! Nothing here knows who wrote a template, and nothing reads or writes anything: a template,
//! its parameters and a [`Context`] in, resources in their order out, or a refusal with
//! Azure's code and sentence ([`ArmError`]).
//!
//! Two phases, as in Azure: [`expand`] evaluates everything that does not need a deployed
//! resource, and what does (`reference()`, `list…()`) is evaluated by
//! [`Resource::resolve`], [`Nested::expand`] and [`Outputs::resolve`] when a [`State`] can
//! answer.
//!
//! It is a simulation. Where each rule is from stands beside it; the README says what is
//! missing and what is guessed.

mod bind;
mod context;
mod error;
mod evaluate;
mod expand;
mod flat;
mod functions;
mod id;
mod limits;
mod names;
mod nested;
mod order;
mod outputs;
mod run;
mod state;
mod symbols;
mod syntax;
mod template;
mod types;
mod value;
mod what_if;

pub use context::{Context, Linked, Mode, Place, Secrets};
pub use error::ArmError;
pub use evaluate::function_names;
pub use expand::{Copy, Expanded, Resource, expand};
pub use flat::Flat;
pub use limits::Limits;
pub use nested::Nested;
pub use outputs::Outputs;
pub use run::{Deployed, Memory, Schedule, Store, run, to_delete};
pub use state::{Group, Nothing, State};
pub use what_if::{Change, ChangeType, PropertyChange, PropertyChangeType, differences, what_if};
