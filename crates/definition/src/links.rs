//! What a document refers to, each reference in it checked.

use super::documents::{Dialect, Documents, Links};
use super::ids::Ids;
use super::reference::{self, Target};
use super::references::references_of;
use crate::rules::{remote_reference, unresolved_reference};
use flux_apim_diag::tree::{FileId, ReadError};
use flux_apim_diag::{Findings, Meter, Span, excerpt};
use flux_apim_syntax::Document;
use std::collections::{BTreeSet, HashSet};

/// Reads the files that `document` refers to, and checks that each reference points at
/// something.
pub(super) fn find(
    documents: &Documents<'_>,
    document: &Document,
    dialect: Dialect,
    meter: &Meter,
    findings: &mut Findings,
) -> Result<Links, ReadError> {
    let file = document.file();
    let before = findings.len();
    let mut search = Search {
        documents,
        document,
        dialect,
        files: BTreeSet::new(),
        ids: None,
        meter,
        sound: true,
    };
    let path = documents.tree().path(file).as_str();
    let mut checked = HashSet::new();
    let references = references_of(document, meter);
    let bytes = references.len() * 2 * size_of::<(&str, Span)>();
    let _held = meter.budget().hold(bytes, file);
    for (reference, span) in references {
        let steps = 1 + (reference.len() + path.len()) / 32;
        meter.spend(steps as u64, span);
        if !checked.contains(reference) && search.look(reference, span, findings)? {
            checked.insert(reference);
        }
    }
    Ok(Links {
        files: search.files.into_iter().collect(),
        sound: search.sound && findings.len() == before,
    })
}

struct Search<'d> {
    documents: &'d Documents<'d>,
    document: &'d Document,
    dialect: Dialect,
    files: BTreeSet<FileId>,
    /// Looked for when a reference leads nowhere.
    ids: Option<Ids<'d>>,
    meter: &'d Meter,
    sound: bool,
}

impl<'d> Search<'d> {
    /// Whether `reference` names a schema of the document by its `$id`.
    fn is_id(&mut self, reference: &str) -> bool {
        let (document, meter) = (self.document, self.meter);
        let ids = || Ids::of(document, meter);
        self.dialect == Dialect::Anchors && self.ids.get_or_insert_with(ids).has(reference)
    }

    /// Looks at `reference`: whether that needs not be done again.
    fn look(
        &mut self,
        reference: &str,
        span: Span,
        findings: &mut Findings,
    ) -> Result<bool, ReadError> {
        let tree = self.documents.tree();
        let file = self.document.file();
        let shown = || excerpt(reference, 120);
        let (target, pointer) = match reference::parse(reference, tree.path(file)) {
            Target::Local(pointer) => (file, pointer),
            Target::Anchor if self.dialect == Dialect::Anchors => return Ok(true),
            Target::Anchor => {
                findings.push(unresolved_reference::no_pointer(span, &shown()));
                return Ok(false);
            }
            Target::Remote if self.is_id(reference) => return Ok(true),
            Target::Remote => {
                findings.push(remote_reference::found(span, &shown()));
                return Ok(false);
            }
            Target::Outside => {
                findings.push(unresolved_reference::leaves_source(span, &shown()));
                return Ok(false);
            }
            Target::File { path, pointer } => match tree.find(&path) {
                Some(target) => (target, pointer),
                None if self.is_id(reference) => return Ok(true),
                None => {
                    let path = excerpt(&path, 200);
                    findings.push(unresolved_reference::no_file(span, &shown(), &path));
                    return Ok(false);
                }
            },
        };
        let shared;
        let document = if target == file {
            self.document
        } else {
            let parsed = self.documents.get(target, findings)?;
            self.sound &= parsed.sound;
            let Some(document) = parsed.document else {
                return Ok(true);
            };
            self.files.insert(target);
            shared = document;
            &shared
        };
        if leads_somewhere(document, &pointer) {
            return Ok(true);
        }
        let path = tree.path(target);
        findings.push(unresolved_reference::nothing_there(span, &shown(), path));
        // Said once, however often it is written.
        Ok(true)
    }
}

/// Whether there is something at `pointer`, or a `$ref` on the way: places behind
/// another reference are found once all files are read.
fn leads_somewhere(document: &Document, pointer: &str) -> bool {
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
