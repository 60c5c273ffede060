//! What is in force of a finding, and who decided that: levels of rules, exceptions
//! beside the line, baselines, policies of operators.

mod allowance;
mod baseline;
mod comments;
mod date;
mod exceptions;
mod policy;
mod preset;
pub mod rules;
mod ruleset;
#[cfg(test)]
mod sample;
mod schema;
mod setting;
mod table;

pub use allowance::{Allowance, allowances, without_notes};
pub use baseline::{Baseline, Covered, NotABaseline};
pub use date::{Date, NotADate};
pub use exceptions::{Asked, Done, Exceptions, Said};
pub use policy::Policy;
pub use preset::{PRESETS, Preset};
pub use ruleset::{KNOWN as RULESETS, Ruleset};
pub use schema::{level_schema, policy_schema};
pub use setting::{Setting, level, settings, settings_of_json, word};
pub use table::{MAX_GLOB, MAX_GLOBS};
