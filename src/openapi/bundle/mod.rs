//! One document out of many files, without changing what it means.
//!
//! A schema of another file becomes a component of the root document (under
//! the name it already has there, when a component is nothing but a reference
//! to it); everything else that lies in another file (path items, parameters,
//! responses, ...) is put in its place. References inside the root document
//! stay. A document without references to files is written as it stands.

mod files;
mod name;
mod place;
mod writer;

use super::{Compiled, Kind, operations, title};
use crate::diag::{Diagnostic, Findings, rules};
use crate::syntax::{Document, write_node};
use crate::tree::{FileId, Limits, ReadError, SourceTree};
use files::Files;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use writer::Writer;

pub(super) fn bundle(
    tree: &SourceTree,
    mut document: Document,
    kind: Kind,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Option<Compiled>, ReadError> {
    // Plain YAML scalars such as `version: 1.0` are meant as text.
    for pointer in ["/openapi", "/swagger", "/info/version", "/info/title"] {
        document.number_to_string(pointer);
    }
    let before = findings.len();
    let root = document.file();
    let mut files = Files {
        tree,
        limits,
        root,
        documents: HashMap::from([(root, document)]),
        failed: HashSet::new(),
        checked: HashSet::new(),
        targets: RefCell::default(),
        meter: findings.budget().meter(),
    };
    files.load_all(kind, findings)?;
    if findings.len() > before {
        return Ok(None);
    }
    let document = &files.documents[&root];
    let mut writer = Writer::new(&files, kind);
    let mut operations = writer.operations(document.root());
    operations::name_all(&mut operations);
    let mut text = String::with_capacity(document.source_len());
    if files.documents.len() == 1 {
        write_node(&mut text, document.root());
    } else {
        writer.root(document.root(), &mut text);
    }
    if text.len() > writer.cap {
        writer.findings.push(too_large(root, limits));
    }
    findings.extend(std::mem::take(&mut writer.findings));
    if findings.len() > before {
        return Ok(None);
    }
    let used = files
        .documents
        .keys()
        .copied()
        .filter(|&f| f != root)
        .collect::<BTreeSet<_>>();
    Ok(Some(Compiled {
        kind,
        text,
        operations,
        title: title(document.root()),
        selector: None,
        used,
    }))
}

fn too_large(root: FileId, limits: &Limits) -> Diagnostic {
    Diagnostic::new(
        &rules::DOCUMENT_LIMIT,
        root,
        format!(
            "the bundled definition is larger than {} bytes",
            limits.max_bundled_bytes
        ),
    )
    .help("raise the cap with --max-bundled-bytes")
}
