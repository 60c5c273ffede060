//! The tree: an arena of nodes in document order.

use crate::diag::{Diagnostic, Findings, Span, excerpt, rules};
use crate::tree::FileId;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number, as JSON writes it, with every digit.
    Number,
    /// A string, or the key of an object.
    String,
    /// An array.
    Array,
    /// An object: keys and values alternate.
    Object,
}

impl Kind {
    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Whether `text` lies in the side buffer instead of the source.
    side: bool,
    start: u32,
    end: u32,
    text: u32,
    text_len: u32,
    /// Nodes of the subtree, this one included.
    size: u32,
}

/// A parsed document with its source text.
#[derive(Debug)]
pub struct Document {
    file: FileId,
    source: String,
    side: String,
    nodes: Vec<Node>,
}

impl Document {
    /// The outermost value.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef {
            document: self,
            index: 0,
        }
    }

    /// The file it was read from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Bytes of the source text.
    pub fn source_len(&self) -> usize {
        self.source.len()
    }

    /// Makes the number at `pointer`, if it is one, the string of its digits.
    pub fn number_to_string(&mut self, pointer: &str) {
        let index = self.root().pointer(pointer).map(NodeRef::index);
        if let Some(node) = index.and_then(|index| self.nodes.get_mut(index as usize))
            && node.kind == Kind::Number
        {
            node.kind = Kind::String;
        }
    }

    /// The node with [`NodeRef::index`] `index`.
    pub fn node(&self, index: u32) -> NodeRef<'_> {
        NodeRef {
            document: self,
            index,
        }
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
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Place in the document, unique in it.
    pub fn index(self) -> u32 {
        self.index
    }

    /// One past the index of the last node inside.
    pub fn end_index(self) -> u32 {
        self.index + self.node().size
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

    fn raw_text(self) -> &'a str {
        let node = self.node();
        let buffer = if node.side {
            &self.document.side
        } else {
            &self.document.source
        };
        &buffer[node.text as usize..(node.text + node.text_len) as usize]
    }

    /// The text of a string or key.
    pub fn as_str(self) -> Option<&'a str> {
        (self.kind() == Kind::String).then(|| self.raw_text())
    }

    /// The digits of a number, as JSON writes it.
    pub fn as_number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| self.raw_text())
    }

    /// The value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Text of a string or number: what scalars such as `version: 1.0` mean.
    pub fn as_scalar(self) -> Option<&'a str> {
        matches!(self.kind(), Kind::String | Kind::Number).then(|| self.raw_text())
    }

    fn children(self) -> Children<'a> {
        let (next, end) = match self.kind() {
            Kind::Array | Kind::Object => (self.index + 1, self.end_index()),
            _ => (0, 0),
        };
        Children {
            document: self.document,
            next,
            end,
        }
    }

    /// The items of an array; nothing for another kind.
    pub fn items(self) -> impl Iterator<Item = NodeRef<'a>> {
        let mut children = self.children();
        if self.kind() != Kind::Array {
            children.next = children.end;
        }
        children
    }

    /// Keys and values of an object; nothing for another kind.
    pub fn entries(self) -> impl Iterator<Item = (NodeRef<'a>, NodeRef<'a>)> {
        let mut children = self.children();
        if self.kind() != Kind::Object {
            children.next = children.end;
        }
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The value under `key` of an object.
    pub fn get(self, key: &str) -> Option<NodeRef<'a>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The key node and value under `key` of an object.
    pub fn entry(self, key: &str) -> Option<(NodeRef<'a>, NodeRef<'a>)> {
        self.entries().find(|(k, _)| k.raw_text() == key)
    }

    /// Follows a JSON pointer (RFC 6901, not percent-encoded).
    pub fn pointer(self, pointer: &str) -> Option<NodeRef<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut node = self;
        for token in pointer.strip_prefix('/')?.split('/') {
            node = match node.kind() {
                Kind::Object if token.contains('~') => {
                    node.get(&token.replace("~1", "/").replace("~0", "~"))?
                }
                Kind::Object => node.get(token)?,
                Kind::Array => node.items().nth(token.parse().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }
}

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
        let node = NodeRef {
            document: self.document,
            index: self.next,
        };
        self.next = node.end_index();
        Some(node)
    }
}

/// Text of a node while it is built.
pub(super) enum Text<'a> {
    /// Bytes of the source.
    Source(usize, usize),
    /// Other text, kept in the side buffer.
    Other(&'a str),
}

/// Builds a [`Document`] in document order.
pub(super) struct Builder<'s> {
    file: FileId,
    source: &'s str,
    side: String,
    nodes: Vec<Node>,
    open: Vec<u32>,
    /// For each open node: whether a key comes next.
    expects_key: Vec<bool>,
}

/// What a [`Builder`] leaves once the borrow of the source ends.
pub(super) struct Built {
    side: String,
    nodes: Vec<Node>,
}

impl Built {
    pub(super) fn into_document(self, file: FileId, source: String) -> Document {
        Document {
            file,
            source,
            side: self.side,
            nodes: self.nodes,
        }
    }
}

impl<'s> Builder<'s> {
    pub(super) fn new(file: FileId, source: &'s str) -> Self {
        Self {
            file,
            source,
            side: String::new(),
            nodes: Vec::with_capacity(source.len() / 24 + 1),
            open: Vec::new(),
            expects_key: Vec::new(),
        }
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a node without children.
    pub(super) fn leaf(&mut self, kind: Kind, start: usize, end: usize, text: &Text<'_>) {
        self.turn();
        self.push(kind, start, end, text);
    }

    /// A node was added: an object that had its key now expects a value, and
    /// the other way round.
    fn turn(&mut self) {
        if let (Some(&index), Some(key)) = (self.open.last(), self.expects_key.last_mut())
            && self.nodes[index as usize].kind == Kind::Object
        {
            *key = !*key;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, text: &Text<'_>) {
        let (side, text, text_len) = match *text {
            Text::Source(from, to) => (false, from, to - from),
            Text::Other(other) => {
                let from = self.side.len();
                self.side.push_str(other);
                (true, from, other.len())
            }
        };
        self.nodes.push(Node {
            kind,
            side,
            start: clamp(start),
            end: clamp(end),
            text: clamp(text),
            text_len: clamp(text_len),
            size: 1,
        });
    }

    /// Opens an array or object that begins at `start`.
    pub(super) fn open(&mut self, kind: Kind, start: usize) {
        self.turn();
        self.open.push(clamp(self.nodes.len()));
        self.expects_key.push(kind == Kind::Object);
        self.push(kind, start, start, &Text::Source(0, 0));
    }

    /// Closes the innermost array or object, which ends at `end`.
    pub(super) fn close(&mut self, end: usize, findings: &mut Findings) {
        let Some(index) = self.open.pop() else { return };
        self.expects_key.pop();
        let size = clamp(self.nodes.len()) - index;
        let node = &mut self.nodes[index as usize];
        node.end = clamp(end);
        node.size = size;
        if node.kind == Kind::Object {
            self.report_duplicates(index, findings);
        }
    }

    /// Copies the subtree at `from` (of an alias) to the end.
    pub(super) fn copy(&mut self, from: u32) {
        let range = from as usize..(from + self.nodes[from as usize].size) as usize;
        self.turn();
        self.nodes.extend_from_within(range);
    }

    pub(super) fn size(&self, index: u32) -> u32 {
        self.nodes[index as usize].size
    }

    pub(super) fn kind(&self, index: u32) -> Kind {
        self.nodes[index as usize].kind
    }

    /// Turns the node that was added last, a scalar, into a key.
    pub(super) fn make_last_a_key(&mut self) {
        if let Some(node) = self.nodes.last_mut() {
            node.kind = Kind::String;
        }
    }

    pub(super) fn is_open(&self, index: u32) -> bool {
        self.open.binary_search(&index).is_ok()
    }

    /// Whether the next node is the key of the innermost object.
    pub(super) fn expects_key(&self) -> bool {
        self.expects_key.last().copied().unwrap_or(false)
    }

    pub(super) fn node_span(&self, index: u32) -> Span {
        let node = &self.nodes[index as usize];
        self.span(node.start as usize, node.end as usize)
    }

    pub(super) fn text(&self, index: u32) -> &str {
        let node = &self.nodes[index as usize];
        let buffer = if node.side { &self.side } else { self.source };
        &buffer[node.text as usize..(node.text + node.text_len) as usize]
    }

    /// Indices of keys and values of the object at `index`, which may be the
    /// innermost open one.
    pub(super) fn entries(&self, index: u32) -> Vec<(u32, u32)> {
        let end = match self.nodes[index as usize].size {
            // Still open: everything behind it is inside.
            1 => clamp(self.nodes.len()),
            size => index + size,
        };
        let mut entries = Vec::new();
        let mut key = index + 1;
        while key < end {
            entries.push((key, key + 1));
            key += 1 + self.nodes[key as usize + 1].size;
        }
        entries
    }

    /// The array items of the closed array at `index`.
    pub(super) fn items(&self, index: u32) -> Vec<u32> {
        let end = index + self.nodes[index as usize].size;
        let mut items = Vec::new();
        let mut next = index + 1;
        while next < end {
            items.push(next);
            next += self.nodes[next as usize].size;
        }
        items
    }

    /// Replaces the entries of the innermost open object by `entries`, given
    /// as indices of keys and values.
    pub(super) fn replace_entries(&mut self, entries: &[(u32, u32)]) {
        let Some(&object) = self.open.last() else {
            return;
        };
        let mut kept = Vec::new();
        for &(key, value) in entries {
            kept.push(self.nodes[key as usize]);
            let end = value + self.nodes[value as usize].size;
            kept.extend_from_slice(&self.nodes[value as usize..end as usize]);
        }
        self.nodes.truncate(object as usize + 1);
        self.nodes.append(&mut kept);
    }

    /// The innermost open array or object.
    pub(super) fn innermost(&self) -> Option<(u32, Kind)> {
        self.open.last().map(|&index| (index, self.kind(index)))
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn finish(self) -> Built {
        Built {
            side: self.side,
            nodes: self.nodes,
        }
    }

    fn report_duplicates(&self, object: u32, findings: &mut Findings) {
        // Most objects are small: comparing each pair beats sorting.
        const FEW: usize = 8;
        let entries = self.entries(object);
        let mut keys: Vec<(&str, u32)> = entries
            .iter()
            .map(|&(key, _)| (self.text(key), key))
            .collect();
        let clean = if keys.len() <= FEW {
            keys.iter()
                .enumerate()
                .all(|(i, (key, _))| keys[..i].iter().all(|(other, _)| other != key))
        } else {
            keys.sort_unstable();
            keys.windows(2).all(|pair| pair[0].0 != pair[1].0)
        };
        if clean {
            return;
        }
        // By text, then in document order: the later one is the duplicate.
        keys.sort_unstable();
        for pair in keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            findings.push(
                Diagnostic::new(
                    &rules::DUPLICATE_KEY,
                    self.node_span(pair[1].1),
                    format!("the key `{}` is there twice", excerpt(pair[1].0, 60)),
                )
                .related(self.node_span(pair[0].1), "first here")
                .help("remove one of the two"),
            );
        }
    }
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
