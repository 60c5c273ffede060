//! The effective policy: what runs for an operation when the documents of all scopes are
//! put together.
//!
//! `<base />` is replaced by what the enclosing scope has in the section, and
//! `<include-fragment>` by what is in the fragment. A scope without a document has what
//! encloses it. A section that a document leaves out is empty: without a `<base />`
//! nothing is inherited.
//!
//! The result is a tree whose nodes are those of the documents, each with the source that
//! it is of: a printer or an interpreter walks it.

mod expand;
mod html;
mod json;
mod lines;
mod mermaid;
#[cfg(test)]
mod tests;
mod walk;
mod xml;

pub use expand::expand;
pub use html::html;
pub use json::json;
pub use mermaid::mermaid;
pub use walk::Event;
pub use xml::xml;

use crate::document::{Document, Element, NodeId, NodeKind};
use crate::{Scope, Section};
use flux_apim_diag::{Held, Span};

/// The document of a scope.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'d> {
    /// The scope.
    pub scope: Scope,
    /// What is there: the name of the product, API or operation.
    pub name: &'d str,
    /// The file, as people know it.
    pub path: &'d str,
    /// What is in it.
    pub document: &'d Document<'d>,
}

/// The document of a fragment.
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'d> {
    /// The file, as people know it.
    pub path: &'d str,
    /// What is in it.
    pub document: &'d Document<'d>,
}

/// Where parts of an effective policy come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The document of a scope.
    Scope(Scope),
    /// A fragment.
    Fragment,
}

/// A document that is part of an effective policy.
#[derive(Debug)]
pub struct Source<'d> {
    /// What it is the document of.
    pub origin: Origin,
    /// The name of that.
    pub name: &'d str,
    /// The file, as people know it.
    pub path: &'d str,
    /// What is in it.
    pub document: &'d Document<'d>,
    /// Where its lines begin.
    lines: Vec<u32>,
}

impl Source<'_> {
    /// What people call it: `api orders`, `fragment auth`, `global`.
    pub fn label(&self) -> String {
        let kind = match self.origin {
            Origin::Scope(scope) => scope.name(),
            Origin::Fragment => "fragment",
        };
        match self.name {
            "" => kind.to_owned(),
            name => format!("{kind} {name}"),
        }
    }
}

/// A source of an [`Effective`], by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A node of an [`Effective`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId(u32);

impl PartId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node of an effective policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A section. It has a place when the innermost document has the section.
    Section(Section),
    /// A node as it stands in its document.
    Written,
    /// `<base />`: in it is what the scope has that encloses its own; none when no
    /// document encloses it.
    Base(Option<Scope>),
    /// `<include-fragment>`, and what is in the fragment when that is known.
    Fragment(Inclusion),
}

/// What became of an `<include-fragment>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inclusion {
    /// The fragment is in its place.
    Included,
    /// There is no such fragment, or its name is not known.
    Missing,
    /// The fragment includes itself.
    Cycle,
    /// Fragments include each other too many times over.
    TooDeep,
}

#[derive(Debug)]
struct Node {
    part: Part,
    /// Where it stands.
    at: Option<(SourceId, NodeId)>,
    /// Its content is of another vocabulary: nothing in it is a policy.
    foreign: bool,
    parent: Option<PartId>,
    first: Option<PartId>,
    last: Option<PartId>,
    next: Option<PartId>,
}

/// An effective policy.
#[derive(Debug)]
pub struct Effective<'d> {
    sources: Vec<Source<'d>>,
    nodes: Vec<Node>,
    _held: Held,
}

impl<'d> Effective<'d> {
    /// The documents that parts of it come from: those of the scopes, then the fragments.
    pub fn sources(&self) -> &[Source<'d>] {
        &self.sources
    }

    /// The source with this id.
    pub fn source(&self, id: SourceId) -> &Source<'d> {
        &self.sources[id.0 as usize]
    }

    /// A section. Its parts are its children.
    pub fn section(&self, section: Section) -> PartId {
        // The first four nodes are the sections.
        PartId(section as u32)
    }

    /// What a node is.
    pub fn part(&self, id: PartId) -> Part {
        self.nodes[id.index()].part
    }

    /// What is directly in a node, in the order in which it runs.
    pub fn children(&self, id: PartId) -> impl Iterator<Item = PartId> + '_ {
        let first = self.nodes[id.index()].first;
        std::iter::successors(first, |id| self.nodes[id.index()].next)
    }

    /// What a node is in.
    pub fn parent(&self, id: PartId) -> Option<PartId> {
        self.nodes[id.index()].parent
    }

    /// The source and the node there that a node stands for.
    pub fn origin(&self, id: PartId) -> Option<(SourceId, NodeId)> {
        self.nodes[id.index()].at
    }

    /// The element that a node stands for.
    pub fn element(&self, id: PartId) -> Option<&'d Element<'d>> {
        let (source, node) = self.origin(id)?;
        self.source(source).document.element(node)
    }

    /// Where a node stands: an element's name, the bytes of anything else.
    pub fn span(&self, id: PartId) -> Option<Span> {
        let (source, node) = self.origin(id)?;
        let document = self.source(source).document;
        match document.element(node) {
            Some(element) => Some(element.span),
            None => Some(document.span(node)),
        }
    }

    /// The line of its document that a node begins on, counted from 1.
    pub fn line(&self, id: PartId) -> Option<u32> {
        let (source, node) = self.origin(id)?;
        let source = self.source(source);
        let start = source.document.span(node).start;
        let line = source.lines.partition_point(|begin| *begin <= start);
        Some(u32::try_from(line).unwrap_or(u32::MAX))
    }

    /// Whether nothing in a node is a policy or belongs to one: text of any vocabulary.
    fn is_foreign(&self, id: PartId) -> bool {
        self.nodes[id.index()].foreign
    }

    /// Whether there are elements in a node.
    fn has_elements(&self, id: PartId) -> bool {
        self.children(id).any(|child| match self.part(child) {
            Part::Written => self.element(child).is_some(),
            _ => true,
        })
    }

    /// The text of a node that is no element, unless it is blank.
    fn text(&self, id: PartId) -> Option<(&'d str, NodeKind)> {
        let (source, node) = self.origin(id)?;
        let document = self.source(source).document;
        let text = document.source(node).trim();
        (!text.is_empty()).then(|| (text, document.node(node).kind))
    }
}
