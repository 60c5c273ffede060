//! Git submodules of which the source has nothing.

use crate::diag::Diagnostic;
use crate::rules::submodule_missing;
use crate::tree::{ArtifactPath, SourceTree};

/// Where Git lists them.
const LIST: &str = ".gitmodules";
/// More of them, and more text, than people have.
const MAX: usize = 100;
const MAX_BYTES: u64 = 64 << 10;

/// A finding for each submodule below which there is no file.
pub(super) fn missing(tree: &SourceTree) -> Vec<Diagnostic> {
    let Some(list) = tree.find(LIST).filter(|list| tree.size(*list) <= MAX_BYTES) else {
        return Vec::new();
    };
    // Whoever reads it for real is told that it cannot be read.
    let Ok(text) = tree.read(list) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&text);
    let paths = text.lines().filter_map(path).take(MAX);
    paths
        .filter(|path| tree.below(path).next().is_none())
        .map(|path| submodule_missing::found(&path))
        .collect()
}

/// The path that a line of the list names.
fn path(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    if key.trim() != "path" {
        return None;
    }
    let parsed = ArtifactPath::parse(value.trim().trim_matches('"')).ok()?;
    Some(parsed.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn submodules_without_files_are_found() {
        let list = "[submodule \"a\"]\n\tpath = libs/a\n\turl = ../a\n[submodule \"b\"]\n\tpath=b\n[x]\n path = ../c\n";
        let files = [(LIST, list), ("b/x", "1"), ("libs/ab", "2")];
        let files = files
            .map(|(path, text)| (ArtifactPath::parse(path).unwrap(), text.as_bytes().to_vec()));
        let tree = SourceTree::in_memory(BTreeMap::from(files));
        let found = missing(&tree);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].message.contains("`libs/a`"),
            "{}",
            found[0].message
        );
        assert!(missing(&SourceTree::in_memory(BTreeMap::new())).is_empty());
    }
}
