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
pub(super) struct Needs(BTreeMap<(String, String), BTreeSet<Place>>);

impl Needs {
    pub(super) fn add(&mut self, kind: &str, name: &str, place: &Place) {
        let places = self
            .0
            .entry((kind.to_owned(), name.to_owned()))
            .or_default();
        if places.len() < MOST {
            places.insert(place.clone());
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for ((kind, name), places) in other.0 {
            for place in places {
                self.add(&kind, &name, &place);
            }
        }
    }

    /// By kind and name, with the paths of `tree` that ask.
    pub(super) fn resolve(&self, tree: &SourceTree) -> Vec<Prerequisite> {
        let each = self.0.iter().map(|((kind, name), places)| {
            let files = places.iter().filter_map(Place::file);
            let paths: BTreeSet<_> = files.map(|file| tree.path(file).to_string()).collect();
            Prerequisite {
                kind: kind.clone(),
                name: name.clone(),
                by: paths.into_iter().collect(),
            }
        });
        each.collect()
    }
}
