//! flux-apim renders Azure API Management configuration kept in Git into
//! validated, digest-pinned ARM, Bicep and Azure Service Operator bundles.
//!
//! The modules stand in pipeline order; each may use those above it, none
//! below (held by `tests/arch.rs`). Everything outside [`edge`] is pure: no
//! I/O, clock, environment, locale or randomness. `ARCHITECTURE.md` has the
//! invariants and the tests that hold them.

/// Inventory, reports, archive, OCI image.
pub mod bundle;
/// What changes between two rendered projects.
pub mod changes;
/// Where C# policy expressions end.
pub mod csharp;
/// Findings: what is wrong in the user's input, where, and what to do.
pub mod diag;
/// From files to resources: layouts, project root, overrides.
pub mod discover;
/// Everything that touches the world: sources, output, command line.
#[cfg(feature = "source")]
pub mod edge;
/// Resource kinds, names, references, constraints.
pub mod model;
/// API definitions: kinds, operations, bundling of references.
pub mod openapi;
/// The whole product as one pure function.
pub mod pipeline;
/// Policy documents and what they refer to.
pub mod policy;
/// The resource graph printed as ARM, Bicep and ASO.
pub mod render;
/// What earlier runs made, by digest of what it was made of.
pub mod reuse;
/// Span-preserving trees for JSON and YAML.
pub mod syntax;
/// Paths and bytes of one source revision.
pub mod tree;
/// The checks without which rendering would lie, and the graph they leave.
pub mod validate;
