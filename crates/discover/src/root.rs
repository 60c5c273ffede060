//! Where the project is: found by what folders hold, not by their names.

use flux_apim_diag::Findings;
use flux_apim_diag::tree::{FileId, SourceTree, relative_to};
use flux_apim_model::kinds::{Kind, Role};
use std::collections::BTreeSet;

/// Folders below `within` that hold APIOps files. More than one is for the
/// user to decide.
pub(super) fn candidates(tree: &SourceTree, within: &str) -> Vec<String> {
    let mut roots = BTreeSet::new();
    for (_, path) in tree.files() {
        if relative_to(path.as_str(), within).is_none() {
            continue;
        }
        let segments: Vec<&str> = path.as_str().split('/').collect();
        if let Some(depth) = root_depth(&segments) {
            let root = segments[..depth].join("/");
            if within.is_empty() || relative_to(&format!("{root}/"), within).is_some() {
                roots.insert(root);
            }
        }
    }
    roots.into_iter().collect()
}

/// How many leading segments of `path` are the root, when the rest is a file
/// that a layout knows. The longest pattern decides: in
/// `apis/a/tags/t/tagInformation.json` the tag is not a tag of `apis/a`.
fn root_depth(path: &[&str]) -> Option<usize> {
    let longest = Kind::files()
        .iter()
        // `policy.xml` alone says nothing: any folder may have one.
        .filter(|file| file.pattern.len() > 1 && file.role != Role::Wiki)
        .filter(|file| {
            path.len()
                .checked_sub(file.pattern.len())
                .is_some_and(|from| file.pattern.matches(&path[from..]).is_some())
        })
        .map(|file| file.pattern.len())
        .max()?;
    let depth = path.len() - longest;
    match &path[..depth] {
        [root @ .., "workspaces", _] => Some(root.len()),
        root => Some(root.len()),
    }
}

/// A file below `root` as APIOps v0 wrote it, `apis/NAME/VERSION/REVISION/apiInformation.json`,
/// and its folder: names of APIs are display names there.
pub(super) fn of_first_versions<'t>(
    tree: &'t SourceTree,
    root: &'t str,
    findings: &Findings,
) -> Option<(FileId, &'t str)> {
    let meter = findings.budget().meter();
    tree.below(root).find_map(|(file, _)| {
        meter.spend(1, file);
        let path = tree.path(file);
        let mut segments = path.as_str().rsplit('/');
        let mut next = || segments.next().unwrap_or_default();
        let [name, revision, _, _, apis] = [next(), next(), next(), next(), next()];
        let is_number = !revision.is_empty() && revision.bytes().all(|b| b.is_ascii_digit());
        let is_api = name.eq_ignore_ascii_case("apiInformation.json") && is_number;
        (is_api && apis.eq_ignore_ascii_case("apis")).then(|| (file, path.parent()))
    })
}
