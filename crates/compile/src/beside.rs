//! Definitions beside the one that is read: whether they say the same.

use crate::rules::{several_definitions, unread_definition};
use flux_apim_definition::{self as definition, Compiled, Documents};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree};
use flux_apim_model::Key;
use std::collections::BTreeSet;

/// The definition that is read.
pub(super) struct Read<'a> {
    pub(super) key: &'a Key,
    pub(super) file: FileId,
    pub(super) compiled: &'a Compiled,
}

/// Says of each of `others` that it is not read, or how it differs.
pub(super) fn compare(
    tree: &SourceTree,
    limits: &Limits,
    read: &Read<'_>,
    others: &[FileId],
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let path = tree.path(read.file);
    let kind = read.compiled.kind;
    for &other in others {
        if let Some(kind) = kind.api_type() {
            let why = format!("the API is of type {kind}");
            findings.push(unread_definition::found(
                other,
                tree.path(other),
                path,
                &why,
            ));
            continue;
        }
        let difference = difference(tree, limits, read, other, findings)?;
        findings.push(match difference {
            None => {
                let why = format!("it has the same operations as `{}`", path.name());
                unread_definition::found(other, tree.path(other), path, &why)
            }
            Some(difference) => {
                several_definitions::found(read.key, other, (read.file, path), &difference)
            }
        });
    }
    Ok(())
}

/// What only one of the two declares.
fn difference(
    tree: &SourceTree,
    limits: &Limits,
    read: &Read<'_>,
    other: FileId,
    findings: &Findings,
) -> Result<Option<String>, ReadError> {
    // What is wrong with a file that is not read is nobody's concern.
    let mut unheard = findings.part();
    let documents = Documents::new(tree, limits);
    let meter = findings.budget().meter();
    let compiled = definition::compile_with(&documents, other, &meter, &mut unheard)?;
    let Some(compiled) = compiled.filter(|compiled| compiled.kind.is_openapi()) else {
        return Ok(Some(
            "the second is no OpenAPI document that can be read".to_owned(),
        ));
    };
    let declared = |compiled: &Compiled| -> BTreeSet<String> {
        let operations = compiled.operations.iter();
        operations
            .map(|o| format!("{} {}", o.method, o.path))
            .collect()
    };
    let (ours, theirs) = (declared(read.compiled), declared(&compiled));
    let only = |of: &BTreeSet<String>, not: &BTreeSet<String>, file: FileId| {
        let first = of.difference(not).next()?;
        let count = of.difference(not).count();
        let more = match count {
            1 => String::new(),
            more => format!(" and {} more", more - 1),
        };
        Some(format!(
            "only `{}` has `{first}`{more}",
            tree.path(file).name()
        ))
    };
    let differences = [only(&ours, &theirs, read.file), only(&theirs, &ours, other)];
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    Ok((!differences.is_empty()).then(|| differences.join("; ")))
}
