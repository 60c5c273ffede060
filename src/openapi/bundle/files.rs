//! The files of a definition, each reference in them checked.

use super::super::Kind;
use super::super::documents::Documents;
use super::super::reference::{self, Target};
use super::references::references_of;
use crate::diag::{Diagnostic, Findings, Meter, Span, excerpt, rules};
use crate::syntax::{Document, NodeRef};
use crate::tree::{FileId, ReadError};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The documents that a definition consists of.
pub(super) struct Files<'t> {
    pub(super) shared: &'t Documents<'t>,
    pub(super) meter: &'t Meter,
    pub(super) root: FileId,
    pub(super) documents: HashMap<FileId, Arc<Document>>,
    failed: BTreeSet<FileId>,
    /// Whether nothing was found in the documents of other files.
    pub(super) sound: bool,
}

impl<'t> Files<'t> {
    pub(super) fn new(shared: &'t Documents<'t>, root: Document, meter: &'t Meter) -> Self {
        Self {
            shared,
            meter,
            root: root.file(),
            documents: HashMap::from([(root.file(), Arc::new(root))]),
            failed: BTreeSet::new(),
            sound: true,
        }
    }

    /// Other files than the root's that are documents.
    pub(super) fn used(&self) -> BTreeSet<FileId> {
        let files = self.documents.keys().copied();
        files.filter(|file| *file != self.root).collect()
    }

    /// Reads every file that is reachable by references and checks that each
    /// reference points at something.
    pub(super) fn load_all(
        &mut self,
        kind: Kind,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let mut queue = vec![self.root];
        while let Some(file) = queue.pop() {
            let Some(document) = self.documents.get(&file).map(Arc::clone) else {
                continue;
            };
            let mut checked = HashSet::new();
            for (reference, span) in references_of(&document, self.meter) {
                let path = self.shared.tree().path(file).as_str();
                let steps = 1 + (reference.len() + path.len()) / 32;
                self.meter.spend(steps as u64, span);
                if !checked.contains(reference)
                    && self.reference(file, reference, span, kind, &mut queue, findings)?
                {
                    checked.insert(reference);
                }
            }
        }
        Ok(())
    }

    /// Whether `reference` needs no second look.
    fn reference(
        &mut self,
        file: FileId,
        reference: &str,
        span: Span,
        kind: Kind,
        queue: &mut Vec<FileId>,
        findings: &mut Findings,
    ) -> Result<bool, ReadError> {
        let tree = self.shared.tree();
        let shown = || excerpt(reference, 120);
        let (target, pointer) = match reference::parse(reference, tree.path(file)) {
            Target::Local(pointer) => (file, pointer),
            Target::Anchor if kind == Kind::OpenApi31 => return Ok(true),
            Target::Anchor => {
                findings.push(unresolved(
                    span,
                    format!("`{}` is no JSON pointer", shown()),
                ));
                return Ok(false);
            }
            Target::Remote => {
                findings.push(
                    Diagnostic::new(
                        &rules::REMOTE_REFERENCE,
                        span,
                        format!(
                            "`{}` is outside the source, and nothing is fetched",
                            shown()
                        ),
                    )
                    .help("bring the document into the tree and refer to it by a relative path"),
                );
                return Ok(false);
            }
            Target::Outside => {
                findings.push(unresolved(span, format!("`{}` leaves the source", shown())));
                return Ok(false);
            }
            Target::File { path, pointer } => match tree.find(&path) {
                Some(target) => (target, pointer),
                None => {
                    let path = excerpt(&path, 200);
                    findings.push(unresolved(
                        span,
                        format!("`{}` points at `{path}`, which does not exist", shown()),
                    ));
                    return Ok(false);
                }
            },
        };
        if self.failed.contains(&target) {
            return Ok(true);
        }
        if !self.documents.contains_key(&target) {
            let parsed = self.shared.get(target, findings)?;
            self.sound &= parsed.sound;
            let Some(document) = parsed.document else {
                self.failed.insert(target);
                return Ok(true);
            };
            self.documents.insert(target, document);
            queue.push(target);
        }
        if self.leads_somewhere(target, &pointer) {
            return Ok(true);
        }
        findings.push(unresolved(
            span,
            format!("`{}` points at nothing in `{}`", shown(), tree.path(target)),
        ));
        Ok(false)
    }

    /// Whether there is something at `pointer`, or a `$ref` on the way: places behind
    /// another reference are found once all files are read.
    fn leads_somewhere(&self, file: FileId, pointer: &str) -> bool {
        let Some(document) = self.documents.get(&file) else {
            return false;
        };
        if pointer.is_empty() {
            return true;
        }
        let Some(tokens) = pointer.strip_prefix('/') else {
            return false;
        };
        let mut node = document.root();
        let mut passed = false;
        for (n, token) in tokens.split('/').enumerate() {
            passed |= n > 0 && node.get("$ref").is_some();
            let Some(next) = node.token(token) else {
                return passed;
            };
            node = next;
        }
        true
    }

    /// The outermost value of `file`.
    pub(super) fn root_of(&self, file: FileId) -> Option<NodeRef<'_>> {
        Some(self.documents.get(&file)?.root())
    }
}

fn unresolved(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, span, message)
        .help("correct the reference, or add what it names")
}
