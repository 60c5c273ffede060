//! Reads a definition, unless an earlier run read the same bytes.

use crate::Options;
use crate::packed::Content;
use crate::rules::definition_too_large;
use flux_apim_definition::{self as definition, Compiled, Documents, Steps};
use flux_apim_diag::tree::{ArtifactPath, Digest, FileId, ReadError};
use flux_apim_diag::{Findings, Meter};
use flux_apim_reuse::Reuse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// APIM imports at most 4 MB inline (import restrictions).
const MAX_DEFINITION: usize = 4 * 1024 * 1024;

/// A definition about which there was nothing to say. Its files are those of
/// the tree that it was read from; `files` names them for other trees, the
/// definition's own file first. Steps are counted as if it were made again: whether
/// a source is within its budget does not depend on what ran before.
#[derive(Debug)]
struct Kept {
    compiled: Compiled,
    content: Content,
    files: Vec<Part>,
    /// Steps that are its own.
    steps: u64,
}

/// A file that a definition is made of.
#[derive(Debug)]
struct Part {
    file: FileId,
    path: String,
    digest: Digest,
    /// Steps that it takes once for all definitions that refer to it.
    steps: Steps,
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
        && let Some(found) = kept.in_tree(documents, file, &meter)?
    {
        return Ok(found);
    }
    let before = findings.len();
    let made = compile(documents, file, named, &meter, findings)?;
    if let Definition::Read(compiled, content) = &made
        && findings.len() == before
    {
        let own = (file, digest);
        keep(reuse, key, documents, own, compiled, content, &meter)?;
    }
    Ok(made)
}

fn keep(
    reuse: &Reuse,
    key: Digest,
    documents: &Documents<'_>,
    (file, digest): (FileId, Digest),
    compiled: &Compiled,
    content: &Content,
    meter: &Meter,
) -> Result<(), ReadError> {
    let dialect = compiled.kind.dialect();
    let part = |file, digest| Part {
        file,
        path: documents.tree().path(file).to_string(),
        digest,
        steps: documents.steps(file, dialect),
    };
    let mut files = vec![part(file, digest)];
    for &file in &compiled.used {
        files.push(part(file, documents.digest(file, meter.budget())?));
    }
    let kept = Kept {
        compiled: compiled.clone(),
        content: content.of_no_run(),
        files,
        steps: meter.spent(),
    };
    let bytes = kept.bytes();
    reuse.put(key, &Arc::new(kept), bytes);
    Ok(())
}

impl Kept {
    fn bytes(&self) -> usize {
        let files = self.files.iter().map(|part| 100 + part.path.len());
        self.content.held() + operations(&self.compiled) + files.sum::<usize>()
    }

    /// The same, read from `file` of another tree; `None` when a file that it refers
    /// to is another one there.
    fn in_tree(
        &self,
        documents: &Documents<'_>,
        file: FileId,
        meter: &Meter,
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
        let dialect = self.compiled.kind.dialect();
        for (part, used) in self.files.iter().zip(&files) {
            documents.count(*used, dialect, part.steps, meter.budget());
        }
        meter.spend(self.steps, file);
        let mut compiled = self.compiled.clone();
        compiled.used = files[1..].iter().copied().collect::<BTreeSet<_>>();
        let now: BTreeMap<_, _> = self.files.iter().map(|part| part.file).zip(files).collect();
        for operation in &mut compiled.operations {
            if let Some(now) = now.get(&operation.span.file) {
                operation.span.file = *now;
            }
        }
        let content = self.content.clone();
        let content = content.held_in(file, operations(&compiled), meter);
        Ok(Some(Definition::Read(Box::new(compiled), content)))
    }
}

/// Bytes of the operations of a definition.
fn operations(compiled: &Compiled) -> usize {
    let operations = compiled.operations.iter();
    operations.map(definition::Operation::bytes).sum()
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
