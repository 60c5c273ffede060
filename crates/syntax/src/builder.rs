//! Builds a [`Document`] in document order.

use super::allow::{self, ALLOW, Allow};
use super::document::Document;
use super::node::{Form, Node, NodeKind, Texts, clamp, text_of};
use super::rules::duplicate_key;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Held, Meter, Span};
use std::cell::Cell;

/// Text of a node while it is built.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    /// It is what the span says.
    Bare,
    /// It is what the span says between its quotes.
    Quoted,
    /// It is this one.
    Other(&'a str),
}

pub(super) struct Builder<'s> {
    file: FileId,
    source: &'s str,
    meter: &'s Meter,
    held: Held,
    texts: Texts,
    nodes: Vec<Node>,
    open: Vec<u32>,
    /// For each open node: whether a key comes next.
    expects_key: Vec<bool>,
    /// Whether an object has a key that is taken out at the end.
    allows: Cell<bool>,
}

/// What a [`Builder`] leaves once the borrow of the source ends.
pub(super) struct Built {
    texts: Texts,
    nodes: Vec<Node>,
    allows: Vec<Allow>,
    held: Held,
}

impl Built {
    pub(super) fn into_document(self, file: FileId, source: String) -> Document {
        let document = Document::new(file, source, self.texts, self.nodes, self.held);
        document.with_allows(self.allows)
    }
}

impl<'s> Builder<'s> {
    /// Nodes between two looks at how much is held.
    const BATCH: usize = 1024;

    pub(super) fn new(file: FileId, source: &'s str, meter: &'s Meter) -> Self {
        Self {
            file,
            source,
            meter,
            held: meter.budget().hold(source.len(), file),
            texts: Texts::default(),
            nodes: Vec::with_capacity(source.len() / 24 + 1),
            open: Vec::new(),
            expects_key: Vec::new(),
            allows: Cell::new(false),
        }
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn hold(&mut self) {
        let bytes = self.source.len() + self.texts.bytes() + self.nodes.len() * size_of::<Node>();
        self.held.grow(bytes, self.file);
    }

    /// Adds a node without children.
    pub(super) fn leaf(&mut self, kind: NodeKind, start: usize, end: usize, text: Text<'_>) {
        self.turn();
        let (form, extra) = match text {
            Text::Bare => (Form::Bare, 0),
            Text::Quoted => (Form::Quoted, 0),
            Text::Other(other) => (Form::Other, self.texts.push(other)),
        };
        self.push(kind, start, end, form, extra);
    }

    /// A node was added: an object that had its key now expects a value, and
    /// the other way round.
    fn turn(&mut self) {
        if let (Some(&index), Some(key)) = (self.open.last(), self.expects_key.last_mut())
            && self.nodes[index as usize].kind == NodeKind::Object
        {
            *key = !*key;
        }
    }

    fn push(&mut self, kind: NodeKind, start: usize, end: usize, form: Form, extra: u32) {
        self.nodes.push(Node {
            start: clamp(start),
            end: clamp(end),
            extra,
            kind,
            form,
        });
        if self.nodes.len().is_multiple_of(Self::BATCH) {
            self.hold();
        }
    }

    /// Opens an array or object that begins at `start`.
    pub(super) fn open(&mut self, kind: NodeKind, start: usize) {
        self.turn();
        self.open.push(clamp(self.nodes.len()));
        self.expects_key.push(kind == NodeKind::Object);
        self.push(kind, start, start, Form::Bare, 1);
    }

    /// Closes the innermost array or object, which ends at `end`.
    pub(super) fn close(&mut self, end: usize, findings: &mut Findings) {
        let Some(index) = self.open.pop() else { return };
        self.expects_key.pop();
        let size = clamp(self.nodes.len()) - index;
        let node = &mut self.nodes[index as usize];
        node.end = clamp(end);
        node.extra = size;
        if node.kind == NodeKind::Object {
            self.report_duplicates(index, findings);
        }
    }

    /// Copies the subtree at `from` (of an alias) to the end.
    pub(super) fn copy(&mut self, from: u32) {
        let range = from as usize..(from + self.size(from)) as usize;
        self.meter.spend(range.len() as u64, self.node_span(from));
        self.turn();
        self.nodes.extend_from_within(range);
        self.hold();
    }

    /// Bytes of all texts in the subtree at `index`.
    pub(super) fn text_bytes(&self, index: u32) -> usize {
        let range = index as usize..(index + self.size(index)) as usize;
        let texts = self.nodes[range].iter().filter(|node| !node.is_container());
        texts
            .map(|node| text_of(node, self.source, &self.texts).len())
            .sum()
    }

    pub(super) fn size(&self, index: u32) -> u32 {
        self.nodes[index as usize].size()
    }

    pub(super) fn kind(&self, index: u32) -> NodeKind {
        self.nodes[index as usize].kind
    }

    /// Turns the node that was added last, a scalar, into a key.
    pub(super) fn make_last_a_key(&mut self) {
        if let Some(node) = self.nodes.last_mut() {
            node.kind = NodeKind::String;
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
        text_of(&self.nodes[index as usize], self.source, &self.texts)
    }

    /// Indices of keys and values of the object at `index`, which may be the
    /// innermost open one.
    pub(super) fn entries(&self, index: u32) -> Vec<(u32, u32)> {
        let end = if self.is_open(index) {
            clamp(self.nodes.len())
        } else {
            index + self.size(index)
        };
        let mut entries = Vec::new();
        let mut key = index + 1;
        while key < end {
            entries.push((key, key + 1));
            key += 1 + self.size(key + 1);
        }
        entries
    }

    /// The array items of the closed array at `index`.
    pub(super) fn items(&self, index: u32) -> Vec<u32> {
        let end = index + self.size(index);
        let mut items = Vec::new();
        let mut next = index + 1;
        while next < end {
            items.push(next);
            next += self.size(next);
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
            let end = value + self.size(value);
            kept.extend_from_slice(&self.nodes[value as usize..end as usize]);
        }
        self.meter.spend(kept.len() as u64, self.node_span(object));
        self.nodes.truncate(object as usize + 1);
        self.nodes.append(&mut kept);
        self.hold();
    }

    /// The innermost open array or object.
    pub(super) fn innermost(&self) -> Option<(u32, NodeKind)> {
        self.open.last().map(|&index| (index, self.kind(index)))
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn finish(mut self) -> Built {
        let mut allows = Vec::new();
        if self.allows.get() && self.open.is_empty() {
            self.meter.spend(self.nodes.len() as u64, self.node_span(0));
            allows = allow::take(self.file, self.source, &self.texts, &mut self.nodes);
        }
        self.hold();
        Built {
            texts: self.texts,
            nodes: self.nodes,
            allows,
            held: self.held,
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
        if keys.iter().any(|(key, _)| *key == ALLOW) {
            self.allows.set(true);
        }
        if keys.len() <= FEW {
            let twice = |(i, (key, _)): (usize, &(&str, u32))| {
                keys[..i].iter().any(|(other, _)| other == key)
            };
            if !keys.iter().enumerate().any(twice) {
                return;
            }
        }
        // By text, then in document order: the later one is the duplicate.
        let place = self.node_span(object);
        keys.sort_unstable_by(|a, b| {
            self.meter.spend(1, place);
            a.cmp(b)
        });
        for pair in keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let (first, second) = (self.node_span(pair[0].1), self.node_span(pair[1].1));
            findings.push(duplicate_key::found(pair[1].0, second, first));
        }
    }
}
