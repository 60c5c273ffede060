//! What a target must have before a bundle is deployed.

use super::Place;
use super::tree::SourceTree;
use std::collections::{BTreeMap, BTreeSet};

/// Something that the target must have already: the bundle asks for it and does not bring
/// it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Prerequisite {
    /// What it is, as people say it: `authorization server`, `Key Vault`, `secret value`.
    pub kind: String,
    /// What it is called there.
    pub name: String,
    /// Files that ask for it, the first ten.
    pub by: Vec<String>,
}

/// How many files are named that ask for one thing.
const MOST: usize = 10;

/// Needs as they are found, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    listed: BTreeMap<(String, String), BTreeSet<Place>>,
    left_out: u64,
}

/// How many are listed.
const LISTED: usize = 10_000;

impl Needs {
    pub(super) fn add(&mut self, kind: &str, name: &str, place: &Place) {
        let key = (kind.to_owned(), name.to_owned());
        if self.listed.len() >= LISTED && !self.listed.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let places = self.listed.entry(key).or_default();
        if places.len() < MOST {
            places.insert(place.clone());
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.left_out += other.left_out;
        for ((kind, name), places) in other.listed {
            for place in places {
                self.add(&kind, &name, &place);
            }
        }
    }

    /// By kind and name, with the paths of `tree` that ask.
    pub(super) fn resolve(&self, tree: &SourceTree) -> Vec<Prerequisite> {
        let each = self.listed.iter().map(|((kind, name), places)| {
            let files = places.iter().filter_map(Place::file);
            let paths: BTreeSet<_> = files.map(|file| tree.path(file).to_string()).collect();
            Prerequisite {
                kind: kind.clone(),
                name: name.clone(),
                by: paths.into_iter().collect(),
            }
        });
        let rest = (self.left_out > 0).then(|| Prerequisite {
            kind: "not listed".to_owned(),
            name: format!("{} more", self.left_out),
            by: Vec::new(),
        });
        each.chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::FileId;

    #[test]
    fn each_is_listed_once_and_the_rest_is_counted() {
        let tree = SourceTree::in_memory(BTreeMap::new());
        let mut needs = Needs::default();
        for n in 0..LISTED + 5 {
            needs.add("user", &n.to_string(), &Place::Source);
            needs.add("user", "0", &Place::Source);
        }
        let mut other = Needs::default();
        other.add("user", "0", &Place::Source);
        other.add("user", "new", &Place::File(FileId(0)));
        needs.append(other);
        let listed = needs.resolve(&tree);
        assert_eq!(listed.len(), LISTED + 1);
        assert_eq!(listed.last().map(|n| n.name.as_str()), Some("6 more"));
    }
}
