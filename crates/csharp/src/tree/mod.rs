//! The syntax tree: an arena of nodes with byte spans.
//!
//! Nothing is left out: parentheses, casts, named arguments and what could not
//! be read are nodes of their own, and [`Tree::tokens`] has every token. Text
//! between tokens is blanks and comments.

mod children;
mod kind;
mod literal;

pub use kind::{AssignOp, BinaryOp, List, Mode, NodeKind, UnaryOp};
pub use literal::Literal;

use crate::lexer::Token;
use crate::span::Span;
use std::borrow::Cow;

/// A node of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node: what it is and where.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is, with its children.
    pub kind: NodeKind,
    /// From its first token to its last.
    pub span: Span,
    /// Levels below it.
    pub(crate) height: u16,
}

/// What was parsed.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) text: Box<str>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
    pub(crate) form: Form,
    /// No finding of the parser stands in the way of types.
    pub(crate) sound: bool,
    pub(crate) has_named_values: bool,
}

/// What is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What stands between `@(` and `)`: one expression.
    Expression,
    /// What stands between `@{` and `}`: statements that return a value.
    Body,
}

impl Tree {
    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every token, in order; the last one is the end of the text.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The expression, or the block of statements.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// What was parsed.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether a `{{named value}}` stands in the code.
    pub fn has_named_values(&self) -> bool {
        self.has_named_values
    }

    /// A node. An id of another tree gives the root.
    pub fn node(&self, id: NodeId) -> &Node {
        static NOTHING: Node = Node {
            kind: NodeKind::Missing,
            span: Span::at(0),
            height: 0,
        };
        self.nodes.get(id.index()).unwrap_or(&NOTHING)
    }

    /// Number of nodes; their ids are those below it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node; never, there is a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, children before their parents.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.nodes)
    }

    /// The innermost node that holds the byte at `at`, if any.
    pub fn node_at(&self, at: u32) -> Option<NodeId> {
        let holds = |node: &Node| node.span.start <= at && at < node.span.end;
        let found = self.nodes().filter(|(_, node)| holds(node));
        found
            .min_by_key(|(_, node)| node.span.len())
            .map(|(id, _)| id)
    }

    pub(crate) fn kind(&self, id: NodeId) -> &NodeKind {
        &self.node(id).kind
    }

    pub(crate) fn span(&self, id: NodeId) -> Span {
        self.node(id).span
    }

    /// The name at `span`, without `@` and with its escapes resolved.
    pub fn name(&self, span: Span) -> Cow<'_, str> {
        let text = span.of(&self.text);
        let text = text.strip_prefix('@').unwrap_or(text);
        if text.contains('\\') {
            Cow::Owned(crate::lexer::string_value(text))
        } else {
            Cow::Borrowed(text)
        }
    }
}
