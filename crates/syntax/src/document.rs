//! The tree: an arena of nodes in document order.

use super::allow::Allow;
use super::index::{self, Index};
use super::node::{Node, NodeKind, Texts, text_of};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Held, Span};
use std::sync::OnceLock;

/// A parsed document with its source text.
#[derive(Debug)]
pub struct Document {
    file: FileId,
    source: String,
    texts: Texts,
    nodes: Vec<Node>,
    /// What was taken out.
    allows: Vec<Allow>,
    /// Made when something is looked for in a large object or array.
    index: OnceLock<Index>,
    held: Held,
}

impl Document {
    /// The value that the whole document is.
    pub fn root(&self) -> NodeRef<'_> {
        self.node(0)
    }

    /// The file it was read from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Bytes of the source text.
    pub fn source_len(&self) -> usize {
        self.source.len()
    }

    /// Bytes that it holds of the run's memory.
    pub fn held(&self) -> u64 {
        self.held.bytes()
    }

    /// Makes the number at `pointer`, if it is one, the string of its digits.
    pub fn number_to_string(&mut self, pointer: &str) {
        let index = self.root().pointer(pointer).map(NodeRef::index);
        if let Some(node) = index.and_then(|index| self.nodes.get_mut(index as usize))
            && node.kind == NodeKind::Number
        {
            node.kind = NodeKind::String;
        }
    }

    /// The node with [`NodeRef::index`] `index`.
    pub fn node(&self, index: u32) -> NodeRef<'_> {
        NodeRef {
            document: self,
            index,
        }
    }

    pub(super) fn new(
        file: FileId,
        source: String,
        texts: Texts,
        nodes: Vec<Node>,
        held: Held,
    ) -> Self {
        Self {
            file,
            source,
            texts,
            nodes,
            allows: Vec::new(),
            index: OnceLock::new(),
            held,
        }
    }

    pub(super) fn with_allows(self, allows: Vec<Allow>) -> Self {
        Self { allows, ..self }
    }

    /// The objects that had the key [`ALLOW`](super::ALLOW), which the tree has no more.
    pub fn allows(&self) -> &[Allow] {
        &self.allows
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            Index::new(
                &self.nodes,
                |node| self.text(node),
                self.file,
                self.held.budget(),
            )
        })
    }

    /// The text of the node with this index, as [`NodeRef::raw_text`] gives it.
    fn text(&self, index: u32) -> &str {
        text_of(&self.nodes[index as usize], &self.source, &self.texts)
    }
}

/// A value (or key) of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct NodeRef<'a> {
    document: &'a Document,
    index: u32,
}

impl<'a> NodeRef<'a> {
    fn node(self) -> &'a Node {
        &self.document.nodes[self.index as usize]
    }

    /// What it is.
    pub fn kind(self) -> NodeKind {
        self.node().kind
    }

    /// Place in the document, unique in it.
    pub fn index(self) -> u32 {
        self.index
    }

    /// One past the index of the last node inside.
    pub fn end_index(self) -> u32 {
        self.index + self.node().size()
    }

    /// The document it belongs to.
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// Where it stands. A value that came through a YAML alias stands where
    /// its anchor is.
    pub fn span(self) -> Span {
        let node = self.node();
        Span {
            file: self.document.file,
            start: node.start,
            end: node.end,
        }
    }

    pub(super) fn raw_text(self) -> &'a str {
        self.document.text(self.index)
    }

    /// The text of a string or key.
    pub fn as_str(self) -> Option<&'a str> {
        (self.kind() == NodeKind::String).then(|| self.raw_text())
    }

    /// The digits of a number, as JSON writes it.
    pub fn as_number(self) -> Option<&'a str> {
        (self.kind() == NodeKind::Number).then(|| self.raw_text())
    }

    /// The value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            NodeKind::True => Some(true),
            NodeKind::False => Some(false),
            _ => None,
        }
    }

    /// Text of a string or number: what scalars such as `version: 1.0` mean.
    pub fn as_scalar(self) -> Option<&'a str> {
        matches!(self.kind(), NodeKind::String | NodeKind::Number).then(|| self.raw_text())
    }

    fn children(self) -> Children<'a> {
        let (next, end) = match self.kind() {
            NodeKind::Array | NodeKind::Object => (self.index + 1, self.end_index()),
            _ => (0, 0),
        };
        Children {
            document: self.document,
            next,
            end,
        }
    }

    /// The items of an array; nothing for another kind.
    pub fn items(self) -> Items<'a> {
        let mut children = self.children();
        if self.kind() != NodeKind::Array {
            children.next = children.end;
        }
        Items(children)
    }

    /// Keys and values of an object; nothing for another kind.
    pub fn entries(self) -> Entries<'a> {
        let mut children = self.children();
        if self.kind() != NodeKind::Object {
            children.next = children.end;
        }
        Entries(children)
    }

    /// The value under `key` of an object.
    pub fn get(self, key: &str) -> Option<NodeRef<'a>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The key node and value under `key` of an object. Takes as many steps as the
    /// logarithm of its size.
    pub fn entry(self, key: &str) -> Option<(NodeRef<'a>, NodeRef<'a>)> {
        let mut entries = self.entries();
        let found = entries
            .by_ref()
            .take(index::MANY)
            .find(|(k, _)| k.raw_text() == key);
        if found.is_some() || entries.0.next >= entries.0.end {
            return found;
        }
        let document = self.document;
        let found = document
            .index()
            .key(self.index, key, |node| document.text(node))?;
        let key = document.node(found);
        Some((key, document.node(key.end_index())))
    }

    /// The item `n` of an array. Takes a bounded number of steps.
    pub fn item(self, n: usize) -> Option<NodeRef<'a>> {
        if n < index::MANY || self.kind() != NodeKind::Array {
            return self.items().nth(n);
        }
        let mark = self.document.index().mark(self.index, n / index::STRIDE)?;
        let children = Children {
            document: self.document,
            next: mark,
            end: self.end_index(),
        };
        Items(children).nth(n % index::STRIDE)
    }

    /// What leads from this array or object to `target`, somewhere inside: the
    /// position of the item or entry, the key of the entry, the value.
    pub fn way_to(self, target: NodeRef<'_>) -> Option<Way<'a>> {
        let per_child = if self.kind() == NodeKind::Object {
            2
        } else {
            1
        };
        let mut children = self.children();
        let mut position = 0;
        if self.node().size() as usize > index::MANY
            && let Some((marked, first)) = self.document.index().before(self.index, target.index)
        {
            position = first * index::STRIDE;
            children.next = marked;
        }
        loop {
            let key = if per_child == 2 {
                Some(children.next()?)
            } else {
                None
            };
            let value = children.next()?;
            if target.index < value.end_index() {
                let inside = value.index <= target.index;
                return inside.then_some(Way {
                    position,
                    key,
                    value,
                });
            }
            position += 1;
        }
    }

    /// Follows a JSON pointer (RFC 6901, not percent-encoded).
    pub fn pointer(self, pointer: &str) -> Option<NodeRef<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        let tokens = pointer.strip_prefix('/')?.split('/');
        tokens.into_iter().try_fold(self, Self::token)
    }

    /// Follows one token of a JSON pointer.
    pub fn token(self, token: &str) -> Option<NodeRef<'a>> {
        match self.kind() {
            NodeKind::Object if token.contains('~') => {
                self.get(&token.replace("~1", "/").replace("~0", "~"))
            }
            NodeKind::Object => self.get(token),
            NodeKind::Array => self.item(token.parse().ok()?),
            _ => None,
        }
    }
}

/// One step of the way to a node: [`NodeRef::way_to`].
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The position of the item or entry.
    pub position: usize,
    /// The key of the entry; none of an item.
    pub key: Option<NodeRef<'a>>,
    /// The item, or the value of the entry.
    pub value: NodeRef<'a>,
}

#[derive(Debug, Clone)]
struct Children<'a> {
    document: &'a Document,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = NodeRef<'a>;

    fn next(&mut self) -> Option<NodeRef<'a>> {
        if self.next >= self.end {
            return None;
        }
        let node = self.document.node(self.next);
        self.next = node.end_index();
        Some(node)
    }
}

/// The items of an array.
#[derive(Debug, Clone)]
pub struct Items<'a>(Children<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = NodeRef<'a>;

    fn next(&mut self) -> Option<NodeRef<'a>> {
        self.0.next()
    }
}

/// The keys and values of an object.
#[derive(Debug, Clone)]
pub struct Entries<'a>(Children<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = (NodeRef<'a>, NodeRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}
