//! Reads a definition, unless an earlier run read the same bytes.

use crate::Options;
use crate::packed::Content;
use crate::rules::definition_too_large;
use flux_apim_definition::{self as definition, Compiled, Documents, Done};
use flux_apim_diag::tree::{ArtifactPath, Digest, FileId, ReadError};
use flux_apim_diag::{Diagnostic, Findings, Meter};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// APIM imports at most 4 MB inline (import restrictions).
const MAX_DEFINITION: usize = 4 * 1024 * 1024;

/// A definition as an earlier run made it, with what it found. Its files are those of the
/// tree that it was read from; `files` names them for other trees, the definition's own
/// file first. Steps are counted as if it were made again: whether a source is within
/// its budget does not depend on what ran before.
#[derive(Debug)]
struct Kept {
    compiled: Compiled,
    content: Content,
    files: Vec<Part>,
    /// Steps and findings that are its own.
    steps: u64,
    found: Vec<Diagnostic>,
}

/// A file that a definition is made of.
#[derive(Debug)]
struct Part {
    file: FileId,
    path: String,
    digest: Digest,
    /// What is done once for all definitions that refer to it.
    done: Done,
}

/// What became of a definition.
pub(super) enum Definition {
    Read(Box<Compiled>, Content),
    /// It has findings; it refers to these files.
    Refused(BTreeSet<FileId>),
}

/// The definition in `file`, its text apart; operations only where they are
/// `named` by others.
pub(super) fn read(
    documents: &Documents<'_>,
    file: FileId,
    named: bool,
    options: &Options<'_>,
    findings: &mut Findings,
) -> Result<Definition, ReadError> {
    let meter = findings.budget().meter();
    let Some(reuse) = options.reuse else {
        return compile(documents, file, named, &meter, findings);
    };
    let digest = documents.digest(file, meter.budget())?;
    let path = documents.tree().path(file).as_str();
    let key = format!("{:?}", ("definition", path, digest, named, options.limits));
    let key = Digest::of(key.as_bytes());
    if let Some(kept) = reuse.get::<Kept>(&key)
        && let Some(found) = kept.in_tree(documents, file, &meter, findings)?
    {
        return Ok(found);
    }
    // Its findings apart, so that they are kept with it.
    let mut found = findings.part();
    let made = compile(documents, file, named, &meter, &mut found)?;
    if let Some(kept) = keep(documents, (file, digest), &made, &found, &meter)? {
        let bytes = kept.bytes();
        reuse.put(key, &Arc::new(kept), bytes);
    }
    findings.append(found);
    Ok(made)
}

/// What is kept of a definition; nothing when it is not known which files it depends on,
/// or when more was found than is listed.
fn keep(
    documents: &Documents<'_>,
    (file, digest): (FileId, Digest),
    made: &Definition,
    found: &Findings,
    meter: &Meter,
) -> Result<Option<Kept>, ReadError> {
    let Definition::Read(compiled, content) = made else {
        return Ok(None);
    };
    if found.len() > found.listed().len() {
        return Ok(None);
    }
    let mut files = Vec::new();
    for used in std::iter::once(file).chain(compiled.used.iter().copied()) {
        let digest = match used == file {
            true => digest,
            false => documents.digest(used, meter.budget())?,
        };
        let Some(done) = documents.done(used) else {
            return Ok(None);
        };
        files.push(Part {
            file: used,
            path: documents.tree().path(used).to_string(),
            digest,
            done,
        });
    }
    Ok(Some(Kept {
        compiled: compiled.as_ref().clone(),
        content: content.of_no_run(),
        files,
        steps: meter.spent(),
        found: found.listed().to_vec(),
    }))
}

impl Kept {
    fn bytes(&self) -> usize {
        let files = self.files.iter();
        let files = files.map(|part| 100 + part.path.len() + part.done.bytes());
        let found = self.found.iter().map(Diagnostic::bytes);
        let made = self.content.held() + operations(&self.compiled);
        made + files.sum::<usize>() + found.sum::<usize>()
    }

    /// The same, read from `file` of another tree; `None` when a file that it refers
    /// to is another one there.
    fn in_tree(
        &self,
        documents: &Documents<'_>,
        file: FileId,
        meter: &Meter,
        findings: &mut Findings,
    ) -> Result<Option<Definition>, ReadError> {
        let mut files = vec![file];
        for part in &self.files[1..] {
            let Some(used) = documents.tree().find(&part.path) else {
                return Ok(None);
            };
            if documents.digest(used, meter.budget())? != part.digest {
                return Ok(None);
            }
            files.push(used);
        }
        let mut absent = self.compiled.absent.iter();
        if absent.any(|path| documents.tree().find(path).is_some()) {
            return Ok(None);
        }
        let now: BTreeMap<_, _> = self.files.iter().map(|part| part.file).zip(files).collect();
        let now = |file: FileId| now.get(&file).copied();
        let found = self.found.iter().map(|finding| finding.moved(&now));
        let Some(found) = found.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        for part in &self.files {
            if let Some(used) = now(part.file) {
                documents.repeat(used, &part.done, &now, findings);
            }
        }
        meter.spend(self.steps, file);
        findings.extend(found);
        let mut compiled = self.compiled.clone();
        compiled.used = compiled.used.iter().filter_map(|file| now(*file)).collect();
        for operation in &mut compiled.operations {
            if let Some(file) = now(operation.span.file) {
                operation.span.file = file;
            }
        }
        if let Some(ports) = &mut compiled.ports {
            ports.move_to(file);
        }
        let content = self.content.clone();
        let content = content.held_in(file, operations(&compiled), meter);
        Ok(Some(Definition::Read(Box::new(compiled), content)))
    }
}

/// Bytes of the operations and ports of a definition.
fn operations(compiled: &Compiled) -> usize {
    let operations = compiled.operations.iter();
    let operations: usize = operations.map(definition::Operation::bytes).sum();
    let ports = compiled.ports.as_ref();
    operations + ports.map_or(0, definition::Ports::bytes)
}

fn compile(
    documents: &Documents<'_>,
    file: FileId,
    named: bool,
    meter: &Meter,
    findings: &mut Findings,
) -> Result<Definition, ReadError> {
    let compiled = definition::compile_with(documents, file, meter, findings)?;
    let Some(mut compiled) = compiled else {
        return Ok(Definition::Refused(BTreeSet::new()));
    };
    let path = documents.tree().path(file);
    if !fits(path, file, compiled.text.len(), findings) {
        return Ok(Definition::Refused(compiled.used));
    }
    // Packed here, so that texts are never all in memory.
    let text = std::mem::take(&mut compiled.text);
    if !named {
        compiled.operations = Vec::new();
    }
    let content = Content::new(text, file, meter);
    let content = content.held_in(file, operations(&compiled), meter);
    Ok(Definition::Read(Box::new(compiled), content))
}

fn fits(path: &ArtifactPath, file: FileId, size: usize, findings: &mut Findings) -> bool {
    if size <= MAX_DEFINITION {
        return true;
    }
    findings.push(definition_too_large::found(
        file,
        path,
        size,
        MAX_DEFINITION,
    ));
    false
}
