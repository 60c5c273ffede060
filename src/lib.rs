//! flux-apim renders Azure API Management configuration kept in Git into
//! validated, digest-pinned ARM, Bicep and Azure Service Operator bundles.
//!
//! The libraries below `crates/` are pure: no I/O, clock, environment, locale or
//! randomness. They are named here in pipeline order. [`pipeline`] runs them,
//! [`edge`] gives them a tree and takes the bundle. `ARCHITECTURE.md` has the
//! invariants and what holds them.

/// Everything that touches the world: sources, output, command line.
#[cfg(feature = "source")]
pub mod edge;
/// The effective policy of an API or operation.
pub mod effective;
/// The whole product as one pure function.
pub mod pipeline;
pub mod rules;

pub use flux_apim_bundle as bundle;
pub use flux_apim_changes as changes;
pub use flux_apim_compile as compile;
pub use flux_apim_csharp as csharp;
pub use flux_apim_definition as definition;
pub use flux_apim_diag as diag;
pub use flux_apim_diag::tree;
pub use flux_apim_discover as discover;
pub use flux_apim_init as init;
pub use flux_apim_levels as levels;
pub use flux_apim_link as link;
pub use flux_apim_lsp as lsp;
pub use flux_apim_model as model;
pub use flux_apim_policy as policy;
pub use flux_apim_render as render;
pub use flux_apim_reuse as reuse;
pub use flux_apim_syntax as syntax;
