//! Policy documents, read as what APIM accepts rather than as XML: `@(...)`
//! and `@{...}` hold C# with raw quotes, `<` and `&&`.

mod document;
mod parse;
mod references;
pub mod rules;

pub use document::{Attribute, Document, Element, MARK};
pub use parse::{Root, parse, sniff};
pub use references::{Reference, ReferenceKind, references};
