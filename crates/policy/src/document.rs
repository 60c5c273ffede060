//! A policy document as a lossless tree: an arena of nodes with byte spans.
//!
//! Every byte of the text is in a node, in a tag of an element, or in a blank between
//! the parts of a tag. Nodes stand in document order, parents before their children.

use flux_apim_csharp::Form;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Held, Span};

/// A node of a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Extent {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            start: clamp(start),
            end: clamp(end),
        }
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}

/// An expression: its form, and whether its end was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expression {
    /// `@(...)` or `@{...}`.
    pub form: Form,
    /// Whether its closing bracket is there.
    pub closed: bool,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// An element, with what its tags have.
    Element(ElementId),
    /// Text as written, blanks included.
    Text,
    /// `@(...)` or `@{...}`, with the brackets.
    Expression(Expression),
    /// `{{name}}`.
    NamedValue,
    /// `<![CDATA[...]]>`; what is inside are its children.
    Data,
    /// `<!-- ... -->`.
    Comment,
    /// `<? ... ?>`.
    Instruction,
    /// `<! ... >`, which policies have not.
    Declaration,
    /// A closing tag that closes nothing.
    Stray,
    /// The byte order mark.
    Mark,
}

/// The tags of an element, in a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementId(pub(crate) u32);

/// A node: what it is, where, and what is around it.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The element or CDATA section around it.
    pub parent: Option<NodeId>,
    pub(crate) extent: Extent,
    pub(crate) first: Option<NodeId>,
    pub(crate) last: Option<NodeId>,
    pub(crate) next: Option<NodeId>,
}

/// What an attribute's value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// Text as written.
    Text,
    /// `@(...)` or `@{...}`.
    Expression(Expression),
    /// `{{name}}`.
    NamedValue,
}

/// A part of an attribute's value.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    pub(crate) extent: Extent,
}

/// An attribute.
#[derive(Debug)]
pub struct Attribute<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its value as written, without the quotes.
    pub value: &'t str,
    /// Where the value stands.
    pub span: Span,
    /// Where the name stands.
    pub name_span: Span,
    /// From its name to behind its closing quote.
    pub full_span: Span,
    pub(crate) pieces: (u32, u32),
}

/// An element.
#[derive(Debug)]
pub struct Element<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where the name stands in the opening tag.
    pub span: Span,
    /// Its node.
    pub node: NodeId,
    /// Whether it is in a Liquid template, or is one.
    pub liquid: bool,
    /// The closing tag; none for `<a/>` and for what was not closed.
    pub closing: Option<Span>,
    /// The opening tag, with its angle brackets.
    pub opening: Span,
    pub(crate) attributes: (u32, u32),
}

/// A policy document. Its texts are those of the source.
#[derive(Debug)]
pub struct Document<'t> {
    pub(crate) file: FileId,
    pub(crate) text: &'t str,
    pub(crate) nodes: Vec<Node>,
    pub(crate) elements: Vec<Element<'t>>,
    pub(crate) attributes: Vec<Attribute<'t>>,
    pub(crate) pieces: Vec<Piece>,
    /// Comments that speak to this program.
    pub(crate) notes: Vec<Span>,
    /// Nodes outside of any element, in order.
    pub(crate) top: Vec<NodeId>,
    pub(crate) held: Held,
}

impl<'t> Document<'t> {
    /// The text that was read.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The file that it is of.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Every element, in document order; the root first.
    pub fn elements(&self) -> &[Element<'t>] {
        &self.elements
    }

    /// The comments that begin with [`MARK`], from `<!--` to `-->`.
    pub fn notes(&self) -> &[Span] {
        &self.notes
    }

    /// The node with this id. Ids are those of this document.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The element that a node is.
    pub fn element(&self, id: NodeId) -> Option<&Element<'t>> {
        match self.node(id).kind {
            NodeKind::Element(element) => self.elements.get(element.0 as usize),
            _ => None,
        }
    }

    /// The attributes of `element`, in order.
    pub fn attributes(&self, element: &Element<'t>) -> &[Attribute<'t>] {
        let (from, to) = element.attributes;
        self.attributes
            .get(from as usize..to as usize)
            .unwrap_or(&[])
    }

    /// The attribute `name` of `element`.
    pub fn attribute(&self, element: &Element<'t>, name: &str) -> Option<&Attribute<'t>> {
        let mut attributes = self.attributes(element).iter();
        attributes.find(|attribute| attribute.name == name)
    }

    /// What the value of `attribute` is made of.
    pub fn pieces(&self, attribute: &Attribute<'t>) -> &[Piece] {
        let (from, to) = attribute.pieces;
        self.pieces.get(from as usize..to as usize).unwrap_or(&[])
    }

    /// What is directly in a node, in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.node(id).first, |id| self.node(*id).next)
    }

    /// What stands outside of any element, and the root elements.
    pub fn top(&self) -> &[NodeId] {
        &self.top
    }

    /// The element around a node.
    pub fn around(&self, id: NodeId) -> Option<&Element<'t>> {
        let mut at = self.node(id).parent;
        while let Some(parent) = at {
            if let Some(element) = self.element(parent) {
                return Some(element);
            }
            at = self.node(parent).parent;
        }
        None
    }

    /// The bytes of a node, its children and tags included.
    pub fn span(&self, id: NodeId) -> Span {
        self.place(self.node(id).extent)
    }

    /// The text of a node as written.
    pub fn source(&self, id: NodeId) -> &'t str {
        let extent = self.node(id).extent;
        self.text
            .get(extent.start as usize..extent.end as usize)
            .unwrap_or("")
    }

    pub(crate) fn place(&self, extent: Extent) -> Span {
        Span {
            file: self.file,
            start: extent.start,
            end: extent.end,
        }
    }

    /// The text again, put together from the tree.
    pub fn print(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        // What is left to print, the next one last: a node, or a piece of text.
        let mut left: Vec<Result<NodeId, Extent>> =
            self.top.iter().rev().copied().map(Ok).collect();
        while let Some(next) = left.pop() {
            let id = match next {
                Ok(id) => id,
                Err(extent) => {
                    out.push_str(extent.of(self.text));
                    continue;
                }
            };
            let node = self.node(id);
            let (mut start, mut end) = (node.extent.start, node.extent.end);
            match node.kind {
                NodeKind::Element(_) => {
                    let Some(element) = self.element(id) else {
                        continue;
                    };
                    self.print_tag(element, &mut out);
                    if let Some(closing) = element.closing {
                        left.push(Err(Extent {
                            start: closing.start,
                            end: closing.end,
                        }));
                    }
                }
                NodeKind::Data if node.first.is_some() => {
                    if let Some(first) = node.first {
                        end = self.node(first).extent.start;
                    }
                    out.push_str(Extent { start, end }.of(self.text));
                    if let Some(last) = node.last {
                        start = self.node(last).extent.end;
                    }
                    end = node.extent.end;
                    left.push(Err(Extent { start, end }));
                }
                _ => out.push_str(node.extent.of(self.text)),
            }
            let from = left.len();
            left.extend(self.children(id).map(Ok));
            left[from..].reverse();
        }
        out
    }

    fn print_tag(&self, element: &Element<'t>, out: &mut String) {
        let mut at = element.opening.start;
        let mut put = |end: u32| {
            let start = std::mem::replace(&mut at, end);
            out.push_str(Extent { start, end }.of(self.text));
        };
        put(element.span.start);
        put(element.span.end);
        for attribute in self.attributes(element) {
            put(attribute.full_span.start);
            put(attribute.span.start);
            for piece in self.pieces(attribute) {
                put(piece.extent.end);
            }
            put(attribute.full_span.end);
        }
        put(element.opening.end);
    }
}

/// What a comment begins with that speaks to this program.
pub const MARK: &str = "flux-apim:";
