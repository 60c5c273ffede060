//! What APIM has: resource kinds, names, references, constraints.

mod affix;
mod id;
pub mod kinds;
mod numbered;
mod pattern;
mod resource;
pub mod rules;
pub mod schema;
mod tier;

pub use affix::Affix;
pub use id::{Identified, below_service, parse_id};
pub use kinds::{InWorkspace, Kind, Reference, Role};
pub use numbered::Numbered;
pub use resource::{Key, Origin, Resource};
pub use tier::{Counted, Most, TIERS, Tier};
