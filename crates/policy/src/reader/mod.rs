//! A total reader: one pass, no recursion, expressions read as a whole. What is wrong is
//! a finding; the text around it is read on.

mod attributes;
mod expressions;
mod tags;
mod texts;

use crate::Root;
use crate::document::{
    Attribute, Document, Element, ElementId, Extent, MARK, Node, NodeId, NodeKind, Piece,
};
use crate::rules::{malformed_policy, policy_doctype, wrong_policy_root};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Meter, Span};
use std::collections::HashSet;

/// Reads the policy `text` of `file`. There is a document for any text.
pub fn parse<'t>(
    file: FileId,
    text: &'t str,
    root: Root,
    max_depth: u64,
    findings: &mut Findings,
) -> Document<'t> {
    let mut reader = Reader {
        file,
        text,
        at: 0,
        document: Document {
            file,
            text,
            nodes: Vec::new(),
            elements: Vec::new(),
            attributes: Vec::new(),
            pieces: Vec::new(),
            notes: Vec::new(),
            top: Vec::new(),
            held: findings.budget().hold(text.len(), file),
        },
        open: Vec::new(),
        max_depth,
        too_deep: 0,
        roots: 0,
        text_outside: false,
        cut: false,
        endless: 0,
        endless_brackets: HashSet::new(),
        extra: 0,
        meter: findings.budget().meter(),
        findings,
    };
    reader.document();
    reader.characters();
    reader.check_root(root);
    reader.document
}

struct Reader<'t, 'f> {
    file: FileId,
    text: &'t str,
    at: usize,
    document: Document<'t>,
    /// The elements that are open.
    open: Vec<NodeId>,
    max_depth: u64,
    /// Elements that are open below the deepest level.
    too_deep: usize,
    roots: usize,
    /// Text outside of the root element was found.
    text_outside: bool,
    /// The text ends inside something that has a finding of its own.
    cut: bool,
    /// Expressions that did not end.
    endless: usize,
    /// Brackets inside of them that did not end either.
    endless_brackets: HashSet<usize>,
    /// Bytes held beside the tree.
    extra: usize,
    meter: Meter,
    findings: &'f mut Findings,
}

impl<'t> Reader<'t, '_> {
    /// The first character that XML has not, if there is one (XML 1.0, section 2.2).
    fn characters(&mut self) {
        let is_wrong = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
        if let Some(at) = self.text.as_bytes().iter().position(is_wrong) {
            let number = self.text.as_bytes()[at];
            self.fail(at, at + 1, format!("XML has no character U+{number:04X}"));
        }
    }

    fn document(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = 3;
            self.node(NodeKind::Mark, 0, 3);
        }
        let mut counted = 0;
        while self.at < self.text.len() {
            let steps = 1 + (self.at - counted) / 64;
            self.meter.spend(steps as u64, self.span(self.at, self.at));
            counted = self.at;
            let start = self.at;
            let rest = &self.text[start..];
            if let Some(inside) = rest.strip_prefix("<!--") {
                self.skip_past("<!--", "-->", "the comment is not closed");
                if inside.trim_start().starts_with(MARK) {
                    let note = self.span(start, self.at);
                    self.document.notes.push(note);
                }
                self.node(NodeKind::Comment, start, self.at);
            } else if rest.starts_with("<![CDATA[") {
                let closed = self.skip_past("<![CDATA[", "]]>", "the CDATA section is not closed");
                self.data(start, closed);
            } else if rest.starts_with("<!") {
                self.declaration();
            } else if rest.starts_with("<?") {
                self.skip_past("<?", "?>", "the processing instruction is not closed");
                self.node(NodeKind::Instruction, start, self.at);
            } else if rest.starts_with("</") {
                self.close();
            } else if rest.starts_with('<') && self.opens_element() {
                self.element();
            } else {
                self.text();
            }
        }
        let end = self.text.len();
        if let Some(&id) = self.open.last()
            && !self.cut
            && let Some(element) = self.document.element(id)
        {
            let finding =
                malformed_policy::not_closed(self.span(end, end), element.name, element.span);
            self.findings.push(finding);
        }
        while let Some(id) = self.open.pop() {
            self.document.nodes[id.index()].extent.end = u32::try_from(end).unwrap_or(u32::MAX);
        }
    }

    fn check_root(&mut self, root: Root) {
        let finding = match self.document.elements.first() {
            None => malformed_policy::empty(self.span(0, 0), root.names()[0]),
            Some(element) if !root.names().contains(&element.name) => {
                wrong_policy_root::found(element.span, element.name, root.names()[0])
            }
            Some(_) => return,
        };
        // A document that cannot be read at all has one finding already.
        if !self.document.elements.is_empty() || !self.text_outside {
            self.findings.push(finding);
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn malformed(&self, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        malformed_policy::found(self.span(start, end), message.into())
    }

    fn fail(&mut self, start: usize, end: usize, message: impl Into<String>) {
        let finding = self.malformed(start, end, message);
        self.findings.push(finding);
    }

    /// Skips from `begin`, which is at the cursor, to behind `end`. The two
    /// share no character: `<!-->` opens a comment, and does not close it.
    /// What does not end goes up to the end of the text.
    fn skip_past(&mut self, begin: &str, end: &str, message: &str) -> bool {
        let inside = self.at + begin.len();
        let rest = &self.text.as_bytes()[inside..];
        if let Some(found) = memchr::memmem::find(rest, end.as_bytes()) {
            self.at = inside + found + end.len();
            return true;
        }
        self.fail(self.at, self.at + 2, message);
        self.cut = true;
        self.at = self.text.len();
        false
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at += blank;
        if self
            .text
            .as_bytes()
            .get(self.at)
            .is_some_and(|b| *b >= 0x80)
        {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start().len();
        }
    }

    /// The name at the cursor, which goes behind it.
    fn name(&mut self) -> Option<&'t str> {
        let rest = &self.text[self.at..];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let starts_well = rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
        if end == 0 || !starts_well {
            return None;
        }
        self.at += end;
        Some(&rest[..end])
    }

    /// `<! ... >`: the declarations of a document type may stand in `[ ]` inside.
    fn declaration(&mut self) {
        let start = self.at;
        let finding = policy_doctype::declaration(self.span(start, start + 2));
        self.findings.push(finding);
        let bytes = self.text.as_bytes();
        let mut at = start + 2;
        let mut inside = false;
        loop {
            match memchr::memchr3(b'>', b'[', b']', &bytes[at..]) {
                None => {
                    self.at = bytes.len();
                    self.cut = true;
                    break;
                }
                Some(found) => {
                    at += found + 1;
                    match bytes[at - 1] {
                        b'[' => inside = true,
                        b']' => inside = false,
                        _ if inside => {}
                        _ => {
                            self.at = at;
                            break;
                        }
                    }
                }
            }
        }
        self.node(NodeKind::Declaration, start, self.at);
    }

    /// Adds a node below what is open.
    fn node(&mut self, kind: NodeKind, start: usize, end: usize) -> NodeId {
        let parent = self.open.last().copied();
        self.node_in(parent, kind, start, end)
    }

    fn node_in(
        &mut self,
        parent: Option<NodeId>,
        kind: NodeKind,
        start: usize,
        end: usize,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX));
        match parent {
            None => self.document.top.push(id),
            Some(parent) => {
                let around = &mut self.document.nodes[parent.index()];
                let before = around.last.replace(id);
                if around.first.is_none() {
                    around.first = Some(id);
                }
                if let Some(before) = before {
                    self.document.nodes[before.index()].next = Some(id);
                }
            }
        }
        self.document.nodes.push(Node {
            kind,
            parent,
            extent: Extent::new(start, end),
            first: None,
            last: None,
            next: None,
        });
        if self.document.nodes.len().is_multiple_of(64) {
            self.hold(0);
        }
        id
    }

    /// The id of the element that is added next.
    fn next_element(&self) -> ElementId {
        ElementId(u32::try_from(self.document.elements.len()).unwrap_or(u32::MAX))
    }

    /// Holds what the tree has, and `more` bytes beside it. A vector has room for up to
    /// twice what is in it.
    fn hold(&mut self, more: usize) {
        self.extra += more;
        let document = &mut self.document;
        let bytes = document.nodes.len() * size_of::<Node>()
            + document.elements.len() * size_of::<Element<'_>>()
            + document.attributes.len() * size_of::<Attribute<'_>>()
            + document.pieces.len() * size_of::<Piece>()
            + document.top.len() * size_of::<NodeId>()
            + document.notes.len() * size_of::<Span>();
        let bytes = self.text.len() + 2 * (bytes + self.extra);
        document.held.grow(bytes, self.file);
    }
}
