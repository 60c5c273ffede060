//! What a document refers to, each reference in it checked.

use super::documents::{Dialect, Documents, Links};
use super::ids::Ids;
use super::reference::{self, Target};
use super::references::{Reference, references_of};
use crate::rules::{remote_reference, unknown_mapping, unresolved_reference};
use flux_apim_diag::tree::{FileId, ReadError};
use flux_apim_diag::{Diagnostic, Findings, Meter, excerpt};
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
        mappings: 0,
        sound: true,
    };
    let path = documents.tree().path(file).as_str();
    let mut checked = HashSet::new();
    let references = references_of(document, meter);
    let bytes = references.len() * 2 * size_of::<Reference<'_>>();
    let _held = meter.budget().hold(bytes, file);
    for reference in references {
        let steps = 1 + (reference.text.len() + path.len()) / 32;
        meter.spend(steps as u64, reference.span);
        let key = (reference.text, reference.mapping);
        if !checked.contains(&key) && search.look(reference, findings)? {
            checked.insert(key);
        }
    }
    Ok(Links {
        files: search.files.into_iter().collect(),
        sound: search.sound && findings.len() == before + search.mappings,
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
    /// Findings about mappings, which leave the rest sound.
    mappings: usize,
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
        reference: Reference<'_>,
        findings: &mut Findings,
    ) -> Result<bool, ReadError> {
        let Err((finding, once)) = self.follow(reference, findings)? else {
            return Ok(true);
        };
        if reference.mapping {
            // A value of a mapping is text to Azure: it stays as it is written.
            self.mappings += 1;
            let shown = excerpt(reference.text, 120);
            findings.push(unknown_mapping::found(reference.span, &shown));
        } else {
            findings.push(finding);
        }
        Ok(once)
    }

    /// Where `reference` leads; else what there is to say, and whether once is enough.
    fn follow(
        &mut self,
        reference: Reference<'_>,
        findings: &Findings,
    ) -> Result<Result<(), (Diagnostic, bool)>, ReadError> {
        let Reference {
            text: reference,
            span,
            ..
        } = reference;
        let tree = self.documents.tree();
        let file = self.document.file();
        let shown = || excerpt(reference, 120);
        let (target, pointer) = match reference::parse(reference, tree.path(file)) {
            Target::Local(pointer) => (file, pointer),
            Target::Anchor if self.dialect == Dialect::Anchors => return Ok(Ok(())),
            Target::Anchor => {
                return Ok(Err((
                    unresolved_reference::no_pointer(span, &shown()),
                    false,
                )));
            }
            Target::Remote if self.is_id(reference) => return Ok(Ok(())),
            Target::Remote => return Ok(Err((remote_reference::found(span, &shown()), false))),
            Target::Outside => {
                return Ok(Err((
                    unresolved_reference::leaves_source(span, &shown()),
                    false,
                )));
            }
            Target::File { path, pointer } => match tree.find(&path) {
                Some(target) => (target, pointer),
                None if self.is_id(reference) => return Ok(Ok(())),
                None => {
                    let path = excerpt(&path, 200);
                    let finding = unresolved_reference::no_file(span, &shown(), &path);
                    return Ok(Err((finding, false)));
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
                return Ok(Ok(()));
            };
            self.files.insert(target);
            shared = document;
            &shared
        };
        if leads_somewhere(document, &pointer) {
            return Ok(Ok(()));
        }
        // Said once, however often it is written.
        let finding = unresolved_reference::nothing_there(span, &shown(), tree.path(target));
        Ok(Err((finding, true)))
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
