//! Files that are not the project's: `.sourceignore`, as source-controller reads it, and
//! `ignore` in `flux-apim.yaml`. Both are patterns of `.gitignore`, relative to their folder.

use super::config::{NAMES, read_yaml};
use super::{Options, rules};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::{FileId, ReadError, SourceTree, relative_to};
use flux_apim_syntax::{Data, Value};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;

/// The file that Flux reads patterns from.
const SOURCE_IGNORE: &str = ".sourceignore";
/// Bytes of such a file that are read, and patterns in all.
const MAX_BYTES: u64 = 1 << 20;
const MAX_PATTERNS: usize = 10_000;

/// `tree` without the files that it says are not to be read. `None` when it says nothing.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn without_ignored(
    tree: &SourceTree,
    options: &Options,
    findings: &mut Findings,
) -> Result<Option<SourceTree>, ReadError> {
    let mut builders: BTreeMap<String, GitignoreBuilder> = BTreeMap::new();
    let mut count = 0;
    let meter = findings.budget().meter();
    for (file, path) in tree.files() {
        meter.spend(1, file);
        let is_list = path.name() == SOURCE_IGNORE;
        if !is_list && !NAMES.contains(&path.name()) || tree.size(file) > MAX_BYTES {
            continue;
        }
        meter.spend(1 + tree.size(file) / 16, file);
        let patterns = match is_list {
            true => lines(tree, file)?,
            false => configured(tree, file, options)?,
        };
        let builder = builders
            .entry(path.parent().to_owned())
            .or_insert_with(|| GitignoreBuilder::new(""));
        for pattern in patterns {
            count += 1;
            if count > MAX_PATTERNS || builder.add_line(None, &pattern).is_err() {
                findings.push(rules::malformed_ignore::found(
                    file,
                    &pattern,
                    count > MAX_PATTERNS,
                ));
                if count > MAX_PATTERNS {
                    return Ok(None);
                }
            }
        }
    }
    // The deepest first: it stands over those above.
    let lists: Vec<(String, Gitignore)> = builders
        .into_iter()
        .rev()
        .filter_map(|(folder, builder)| Some((folder, builder.build().ok()?)))
        .filter(|(_, list)| !list.is_empty())
        .collect();
    if lists.is_empty() {
        return Ok(None);
    }
    let kept = tree.only(|path| {
        meter.spend(1 + lists.len() as u64, flux_apim_diag::Place::Source);
        for (folder, list) in &lists {
            let Some(relative) = relative_to(path.as_str(), folder) else {
                continue;
            };
            match list.matched_path_or_any_parents(relative, false) {
                Match::Ignore(_) => return false,
                Match::Whitelist(_) => return true,
                Match::None => {}
            }
        }
        true
    });
    Ok(Some(kept))
}

fn lines(tree: &SourceTree, file: FileId) -> Result<Vec<String>, ReadError> {
    let bytes = tree.read(file)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::to_owned).collect())
}

/// `ignore` of a `flux-apim.yaml`. What is wrong with the file is said where it is read as
/// the project's.
fn configured(
    tree: &SourceTree,
    file: FileId,
    options: &Options,
) -> Result<Vec<String>, ReadError> {
    let mut unheard = Findings::from(Vec::new());
    let value = read_yaml(tree, file, options, &mut unheard)?;
    let patterns = value.as_ref().and_then(|value| value.get("ignore"));
    Ok(match patterns.map(|patterns| &patterns.data) {
        Some(Data::Array(items)) => {
            let items = items.iter().filter_map(Value::as_str);
            items.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    })
}
