//! Policy documents, read as what APIM accepts rather than as XML: `@(...)`
//! and `@{...}` hold C# with raw quotes, `<` and `&&`.

mod catalogue;
mod check;
mod composition;
mod describe;
mod document;
pub mod effective;
mod facts;
mod reader;
mod references;
mod root;
pub mod rules;
mod section;
#[cfg(test)]
mod tests;

pub use check::{Expressions, Gateway, Scope, Setting, Worker, check, check_with};
pub use composition::{Api, Area, Around, Service, Workspace, compose};
pub use describe::{Described, describe};
pub use document::{
    Attribute, Document, Element, ElementId, Expression, MARK, Node, NodeId, NodeKind, Piece,
    PieceKind,
};
pub use facts::Facts;
pub use reader::parse;
pub use references::{Reference, ReferenceKind, identity, references};
pub use root::{Root, sniff};
pub use section::Section;
