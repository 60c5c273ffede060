//! Reads a definition, unless an earlier run read the same bytes.

use super::Options;
use super::packed::Content;
use crate::diag::{Diagnostic, Findings, rules};
use crate::openapi::{self, Compiled};
use crate::reuse::Reuse;
use crate::tree::{Digest, FileId, ReadError, SourceTree};
use std::collections::BTreeSet;
use std::sync::Arc;

/// APIM imports at most 4 MB inline (import restrictions).
const MAX_DEFINITION: usize = 4 * 1024 * 1024;

/// A definition about which there was nothing to say. Its files are those of
/// the tree that it was read from; `files` names them for other trees, the
/// definition's own file first.
#[derive(Debug)]
struct Kept {
    compiled: Compiled,
    content: Content,
    files: Vec<(FileId, String, Digest)>,
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
    tree: &SourceTree,
    file: FileId,
    named: bool,
    options: &Options<'_>,
    findings: &mut Findings,
) -> Result<Definition, ReadError> {
    let Some(reuse) = options.reuse else {
        return compile(tree, file, named, options, findings);
    };
    let digest = Digest::of(&tree.read(file)?);
    let path = tree.path(file).as_str();
    let key = format!("{:?}", ("definition", path, digest, named, options.limits));
    let key = Digest::of(key.as_bytes());
    if let Some(kept) = reuse.get::<Kept>(&key)
        && let Some((compiled, content)) = kept.in_tree(tree, file)?
    {
        return Ok(Definition::Read(Box::new(compiled), content));
    }
    let before = findings.len();
    let made = compile(tree, file, named, options, findings)?;
    if let Definition::Read(compiled, content) = &made
        && findings.len() == before
    {
        keep(reuse, key, tree, (file, digest), compiled, content)?;
    }
    Ok(made)
}

fn keep(
    reuse: &Reuse,
    key: Digest,
    tree: &SourceTree,
    (file, digest): (FileId, Digest),
    compiled: &Compiled,
    content: &Content,
) -> Result<(), ReadError> {
    let mut files = vec![(file, tree.path(file).to_string(), digest)];
    for &used in &compiled.used {
        let digest = Digest::of(&tree.read(used)?);
        files.push((used, tree.path(used).to_string(), digest));
    }
    let kept = Kept {
        compiled: compiled.clone(),
        content: content.clone(),
        files,
    };
    let bytes = kept.bytes();
    reuse.put(key, &Arc::new(kept), bytes);
    Ok(())
}

impl Kept {
    fn bytes(&self) -> usize {
        let operation = |o: &openapi::Operation| 200 + o.name.len() + o.path.len();
        let operations: usize = self.compiled.operations.iter().map(operation).sum();
        let files: usize = self.files.iter().map(|(_, path, _)| 100 + path.len()).sum();
        self.content.held() + operations + files
    }

    /// The same, read from `file` of `tree`; `None` when a file that it refers
    /// to is another one there.
    fn in_tree(
        &self,
        tree: &SourceTree,
        file: FileId,
    ) -> Result<Option<(Compiled, Content)>, ReadError> {
        let mut files = vec![file];
        for (_, path, digest) in &self.files[1..] {
            let Some(used) = tree.find(path) else {
                return Ok(None);
            };
            if Digest::of(&tree.read(used)?) != *digest {
                return Ok(None);
            }
            files.push(used);
        }
        let mut compiled = self.compiled.clone();
        compiled.used = files[1..].iter().copied().collect::<BTreeSet<_>>();
        for operation in &mut compiled.operations {
            let then = operation.span.file;
            let now = self.files.iter().zip(&files);
            if let Some((_, now)) = now.into_iter().find(|((file, ..), _)| *file == then) {
                operation.span.file = *now;
            }
        }
        Ok(Some((compiled, self.content.clone())))
    }
}

fn compile(
    tree: &SourceTree,
    file: FileId,
    named: bool,
    options: &Options<'_>,
    findings: &mut Findings,
) -> Result<Definition, ReadError> {
    let compiled = openapi::compile(tree, file, options.limits, findings)?;
    let Some(mut compiled) = compiled else {
        return Ok(Definition::Refused(BTreeSet::new()));
    };
    if !fits(tree, file, compiled.text.len(), findings) {
        return Ok(Definition::Refused(compiled.used));
    }
    // Packed here, so that texts are never all in memory.
    let text = std::mem::take(&mut compiled.text);
    if !named {
        compiled.operations = Vec::new();
    }
    Ok(Definition::Read(Box::new(compiled), Content::new(text)))
}

fn fits(tree: &SourceTree, file: FileId, size: usize, findings: &mut Findings) -> bool {
    if size <= MAX_DEFINITION {
        return true;
    }
    findings.push(
        Diagnostic::new(
            &rules::DEFINITION_TOO_LARGE,
            file,
            format!(
                "`{}` has {size} bytes minified, but APIM imports at most {MAX_DEFINITION}",
                tree.path(file)
            ),
        )
        .help("split the API, or remove examples and descriptions"),
    );
    false
}
