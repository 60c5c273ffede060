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
    /// What `external` in `flux-apim.yaml` would call it; none of what that cannot name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

/// How many files are named that ask for one thing.
const MOST: usize = 10;

/// Needs as they are found, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    listed: BTreeMap<(String, String), Need>,
    left_out: u64,
}

#[derive(Debug, Clone, Default)]
struct Need {
    places: BTreeSet<Place>,
    external: Option<String>,
}

/// How many are listed.
const LISTED: usize = 10_000;

impl Needs {
    pub(super) fn add(&mut self, kind: &str, name: &str, external: Option<&str>, place: &Place) {
        let key = (kind.to_owned(), name.to_owned());
        if self.listed.len() >= LISTED && !self.listed.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let need = self.listed.entry(key).or_default();
        if need.places.len() < MOST {
            need.places.insert(place.clone());
        }
        if need.external.is_none() {
            need.external = external.map(str::to_owned);
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.left_out += other.left_out;
        for ((kind, name), need) in other.listed {
            for place in need.places {
                self.add(&kind, &name, need.external.as_deref(), &place);
            }
        }
    }

    /// By kind and name, with the paths of `tree` that ask.
    pub(super) fn resolve(&self, tree: &SourceTree) -> Vec<Prerequisite> {
        let each = self.listed.iter().map(|((kind, name), need)| {
            let files = need.places.iter().filter_map(Place::file);
            let paths: BTreeSet<_> = files.map(|file| tree.path(file).to_string()).collect();
            Prerequisite {
                kind: kind.clone(),
                name: name.clone(),
                by: paths.into_iter().collect(),
                external: need.external.clone(),
            }
        });
        let rest = (self.left_out > 0).then(|| Prerequisite {
            kind: "not listed".to_owned(),
            name: format!("{} more", self.left_out),
            by: Vec::new(),
            external: None,
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
            needs.add("user", &n.to_string(), None, &Place::Source);
            needs.add("user", "0", Some("users/0"), &Place::Source);
        }
        let mut other = Needs::default();
        other.add("user", "0", None, &Place::Source);
        other.add("user", "new", None, &Place::File(FileId(0)));
        needs.append(other);
        let listed = needs.resolve(&tree);
        assert_eq!(listed.len(), LISTED + 1);
        assert_eq!(listed.last().map(|n| n.name.as_str()), Some("6 more"));
        let first = listed.first().and_then(|n| n.external.as_deref());
        assert_eq!(first, Some("users/0"));
    }
}
