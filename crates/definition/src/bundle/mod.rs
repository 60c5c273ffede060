//! One document out of many files, without changing what it means.
//!
//! A schema of another file becomes a component of the root document (under
//! the name it already has there, when a component is nothing but a reference
//! to it); everything else that lies in another file (path items, parameters,
//! responses, ...) is put in its place. References inside the root document
//! stay. A document without references to files is written as it stands.
//!
//! Each step takes time in proportion to what it reads and writes: a reference
//! is followed once, a file is parsed once, and what is written has a cap.

mod chain;
mod components;
mod files;
mod name;
mod out;
mod paths;
mod resolve;
#[cfg(test)]
mod tests;
mod writer;

use super::documents::Documents;
use super::shape::{Is, Version};
use super::{Compiled, DefinitionKind, check, links, operations, title};
pub(crate) use files::Files;
use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::{FileId, Limits, ReadError};
use flux_apim_diag::{Diagnostic, Findings, Meter};
use flux_apim_syntax::{Document, NodeRef, write_node_while};
use out::Out;
pub(crate) use resolve::Resolver;
use std::sync::Arc;
use writer::Writer;

pub(super) fn bundle(
    shared: &Documents<'_>,
    document: Arc<Document>,
    kind: DefinitionKind,
    meter: &Meter,
    findings: &mut Findings,
) -> Result<Option<Compiled>, ReadError> {
    let files = Files::new(shared, document, meter, findings);
    let shape = Version::of(kind);
    let (Some(root), Some(shape)) = (files.root_of(files.root), shape) else {
        return Ok(None);
    };
    let mut resolver = Resolver::new(&files, shape.0);
    let links = links::follow(&mut resolver, shape, root, findings);
    let sound = files.sound()? && links.sound;
    check::check(&mut resolver, shape, findings);
    let one = !files.are_several() && !links.own_name;
    let compiled = sound.then(|| compiled(resolver, kind, (shape, root), one, findings));
    let used = files.used().into_iter();
    shared.release(files.root, used.filter_map(|file| files.held(file)));
    Ok(compiled.flatten())
}

/// The text of the definition, when it has `one` file that refers to no other, or when
/// it is made of several.
fn compiled<'f>(
    mut resolver: Resolver<'f>,
    kind: DefinitionKind,
    (shape, root): ((Version, Is), NodeRef<'f>),
    one: bool,
    findings: &mut Findings,
) -> Option<Compiled> {
    let files = resolver.files();
    let limits = files.shared.limits();
    let mut operations = paths::operations(&mut resolver, root);
    operations::name_all(&mut operations, files.meter);
    let expected = root.document().source_len();
    let mut out = Out::new(files.root, expected, limits.max_bundled_bytes, files.meter);
    let text = if one {
        as_it_stands(&mut out, root).then(|| out.into_text())
    } else {
        let text = Writer::new(&mut resolver, shape, out, findings).write(root)?;
        Some(text)
    };
    let fits = |text: &String| text.len() as u64 <= limits.max_bundled_bytes;
    let Some(text) = text.filter(fits) else {
        findings.push(too_large(files.root, limits));
        return None;
    };
    Some(Compiled {
        kind,
        text,
        operation_count: operations.len(),
        operations,
        title: title(root),
        ports: None,
        used: files.used(),
        absent: files.absent(),
    })
}

/// Whether there was room for all of it.
fn as_it_stands(out: &mut Out<'_>, root: NodeRef<'_>) -> bool {
    let mut text = std::mem::take(out.raw());
    let written = write_node_while(&mut text, root, |text| out.check_len(text.len()).is_ok());
    *out.raw() = text;
    written
}

fn too_large(root: FileId, limits: &Limits) -> Diagnostic {
    document_limit::bundled_file(root, limits.max_bundled_bytes)
}
