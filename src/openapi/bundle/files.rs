//! The files of a definition, and what its references point at.

use super::super::Kind;
use super::super::reference::{self, Target};
use super::place::{holds_names, is_data};
use crate::diag::{Diagnostic, Findings, Meter, Span, excerpt, rules};
use crate::syntax::{self, Document, Format, Kind as Node, NodeRef};
use crate::tree::{FileId, Limits, ReadError, SourceTree};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// References that may lie on the way of one another: bounds recursion.
const MAX_HOPS: usize = 16;

/// The documents that a definition consists of.
pub(super) struct Files<'t> {
    pub(super) tree: &'t SourceTree,
    pub(super) limits: &'t Limits,
    pub(super) root: FileId,
    pub(super) documents: HashMap<FileId, Document>,
    pub(super) failed: HashSet<FileId>,
    /// References that were found to resolve.
    pub(super) checked: HashSet<(FileId, String)>,
    pub(super) targets: RefCell<Targets>,
    pub(super) meter: Meter,
}

/// What each reference of each file points at: none while it is being looked for, so
/// that a circle ends, and for what leads nowhere. Each is looked for once: the tokens
/// of a pointer may each lead through another reference, whose tokens may, too.
pub(super) type Targets = HashMap<FileId, HashMap<String, Option<(FileId, u32)>>>;

impl Files<'_> {
    /// Reads every file that is reachable by references and checks that each
    /// reference points at something.
    pub(super) fn load_all(
        &mut self,
        kind: Kind,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let mut queue = vec![self.root];
        while let Some(file) = queue.pop() {
            let mut references = Vec::new();
            if let Some(document) = self.documents.get(&file) {
                references_of(document, &mut references);
            }
            for (reference, span) in references {
                self.meter.spend(1 + reference.len() as u64 / 16, span);
                self.reference(file, &reference, span, kind, &mut queue, findings)?;
            }
        }
        Ok(())
    }

    fn reference(
        &mut self,
        file: FileId,
        reference: &str,
        span: Span,
        kind: Kind,
        queue: &mut Vec<FileId>,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        if self.checked.contains(&(file, reference.to_owned())) {
            return Ok(());
        }
        let shown = excerpt(reference, 120);
        let (target, pointer) = match reference::parse(reference, self.tree.path(file)) {
            Target::Local(pointer) => (file, pointer),
            Target::Anchor if kind == Kind::OpenApi31 => return Ok(()),
            Target::Anchor => {
                findings.push(unresolved(span, format!("`{shown}` is no JSON pointer")));
                return Ok(());
            }
            Target::Remote => {
                findings.push(
                    Diagnostic::new(
                        &rules::REMOTE_REFERENCE,
                        span,
                        format!("`{shown}` is outside the source, and nothing is fetched"),
                    )
                    .help("bring the document into the tree and refer to it by a relative path"),
                );
                return Ok(());
            }
            Target::Outside => {
                findings.push(unresolved(span, format!("`{shown}` leaves the source")));
                return Ok(());
            }
            Target::File { path, pointer } => match self.tree.find(&path) {
                Some(target) => (target, pointer),
                None => {
                    findings.push(unresolved(
                        span,
                        format!("`{shown}` points at `{path}`, which does not exist"),
                    ));
                    return Ok(());
                }
            },
        };
        if self.failed.contains(&target) {
            return Ok(());
        }
        if !self.documents.contains_key(&target) {
            match self.load(target, findings)? {
                Some(document) => {
                    self.documents.insert(target, document);
                    queue.push(target);
                }
                None => {
                    self.failed.insert(target);
                    return Ok(());
                }
            }
        }
        // Places behind another reference are found once all files are read.
        if self.locate(target, &pointer).is_none() && !self.passes_reference(target, &pointer) {
            findings.push(unresolved(
                span,
                format!(
                    "`{shown}` points at nothing in `{}`",
                    self.tree.path(target)
                ),
            ));
        }
        self.checked.insert((file, reference.to_owned()));
        Ok(())
    }

    fn load(&self, file: FileId, findings: &mut Findings) -> Result<Option<Document>, ReadError> {
        let text = match syntax::utf8(file, self.tree.read(file)?.into_owned()) {
            Ok(text) => text,
            Err(finding) => {
                findings.push(*finding);
                return Ok(None);
            }
        };
        let options = syntax::Options {
            malformed: &rules::MALFORMED_DEFINITION,
            limits: self.limits,
        };
        let format = Format::of(self.tree.path(file).name(), &text);
        Ok(syntax::parse(file, text, format, options, findings))
    }

    fn locate(&self, file: FileId, pointer: &str) -> Option<NodeRef<'_>> {
        self.documents.get(&file)?.root().pointer(pointer)
    }

    /// Whether the way along `pointer` goes through a `$ref`.
    fn passes_reference(&self, file: FileId, pointer: &str) -> bool {
        let root = self.documents.get(&file).map(Document::root);
        let Some((mut node, tokens)) = root.zip(pointer.strip_prefix('/')) else {
            return false;
        };
        // The last token need not be there.
        let way = tokens.rsplit_once('/').map(|(way, _)| way);
        for token in way.into_iter().flat_map(|way| way.split('/')) {
            let Some(next) = node.token(token) else {
                return false;
            };
            if next.get("$ref").is_some() {
                return true;
            }
            node = next;
        }
        false
    }

    /// The node at `pointer` of `file`, following references on the way.
    fn resolve(&self, file: FileId, pointer: &str, hops: usize) -> Option<NodeRef<'_>> {
        let mut node = self.documents.get(&file)?.root();
        if pointer.is_empty() {
            return Some(node);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            self.meter.spend(1, node.span());
            node = match node.token(token) {
                Some(next) => next,
                None if hops > 0 => {
                    let reference = node.get("$ref")?.as_str()?;
                    let target = self.target_within(node.span().file, reference, hops - 1)?;
                    target.token(token)?
                }
                None => return None,
            };
        }
        Some(node)
    }

    /// What `reference` of `file` points at.
    pub(super) fn target(&self, file: FileId, reference: &str) -> Option<NodeRef<'_>> {
        self.target_within(file, reference, MAX_HOPS)
    }

    fn target_within(&self, file: FileId, reference: &str, hops: usize) -> Option<NodeRef<'_>> {
        let known = self
            .targets
            .borrow()
            .get(&file)
            .and_then(|of| of.get(reference).copied());
        let found = match known {
            Some(found) => found,
            None => {
                let keep = |found| {
                    let mut targets = self.targets.borrow_mut();
                    targets
                        .entry(file)
                        .or_default()
                        .insert(reference.to_owned(), found);
                };
                keep(None);
                let node = match reference::parse(reference, self.tree.path(file)) {
                    Target::Local(pointer) => self.resolve(file, &pointer, hops),
                    Target::File { path, pointer } => {
                        let file = self.tree.find(&path);
                        file.and_then(|file| self.resolve(file, &pointer, hops))
                    }
                    _ => None,
                };
                let found = node.map(|node| (node.span().file, node.index()));
                keep(found);
                found
            }
        };
        let (file, index) = found?;
        Some(self.documents.get(&file)?.node(index))
    }
}

fn unresolved(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, span, message)
        .help("correct the reference, or add what it names")
}

/// Every `$ref` and discriminator mapping of a document, without recursion.
fn references_of(document: &Document, references: &mut Vec<(String, Span)>) {
    let mut stack = vec![(document.root(), false)];
    while let Some((node, names)) = stack.pop() {
        match node.kind() {
            Node::Object => {
                for (key, value) in node.entries() {
                    let key_text = key.as_str().unwrap_or("");
                    if key_text == "$ref"
                        && let Some(reference) = value.as_str()
                    {
                        references.push((reference.to_owned(), value.span()));
                    } else if !names && key_text == "examples" && node.get("type").is_none() {
                        // `examples` of a media type: only `$ref`s of the
                        // entries themselves are references.
                        for (_, example) in value.entries() {
                            if let Some(reference) = example.get("$ref")
                                && let Some(text) = reference.as_str()
                            {
                                references.push((text.to_owned(), reference.span()));
                            }
                        }
                    } else if names || !is_data(key_text) {
                        let holds_names = !names && holds_names(key_text);
                        stack.push((value, holds_names));
                    }
                }
                if let Some(mapping) = node.get("discriminator").and_then(|d| d.get("mapping")) {
                    for (_, value) in mapping.entries() {
                        if let Some(text) = value.as_str()
                            && is_mapping_reference(text)
                        {
                            references.push((text.to_owned(), value.span()));
                        }
                    }
                }
            }
            Node::Array => stack.extend(node.items().map(|item| (item, false))),
            _ => {}
        }
    }
}

/// A discriminator mapping is a schema name or a reference.
pub(super) fn is_mapping_reference(text: &str) -> bool {
    text.starts_with('#') || text.contains('/') && text.contains('.')
}
