//! The resources of a template, by all the names that other places give them.

use std::collections::HashMap;

use crate::id;

/// A resource that a template declares.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) id: String,
    /// Fully qualified type.
    pub(crate) kind: String,
    /// Full name, with those of its parents.
    pub(crate) name: String,
    pub(crate) api_version: String,
    /// Whether it is deployed: neither `existing` nor under a false condition.
    pub(crate) deployed: bool,
}

/// What a name means.
#[derive(Debug)]
pub(crate) enum Target<'s> {
    One(&'s Declared),
    /// All of a copy loop, or resources that share a name.
    Many(Vec<&'s Declared>),
    /// The id of a resource that the template does not have.
    Outside(String),
    Unknown,
}

/// All declared resources of a template.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    all: Vec<Declared>,
    by_symbol: HashMap<String, Vec<usize>>,
    by_id: HashMap<String, usize>,
    by_provider_part: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    by_loop: HashMap<String, Vec<usize>>,
    /// Loops without an iteration.
    empty: std::collections::HashSet<String>,
}

impl Symbols {
    /// Adds a resource. `symbol` and `copy` are as they are declared; with both, the symbol
    /// of an iteration is `symbol[index]`.
    pub(crate) fn add(
        &mut self,
        declared: Declared,
        symbol: Option<&str>,
        copy: Option<(&str, i64)>,
    ) {
        let at = self.all.len();
        if let Some(symbol) = symbol {
            let symbol = symbol.to_lowercase();
            if let Some((_, index)) = copy {
                self.by_symbol
                    .entry(format!("{symbol}[{index}]"))
                    .or_default()
                    .push(at);
            }
            self.by_symbol.entry(symbol).or_default().push(at);
        }
        if let Some((name, _)) = copy {
            self.by_loop
                .entry(name.to_lowercase())
                .or_default()
                .push(at);
        }
        self.by_id.entry(id::key(&declared.id)).or_insert(at);
        self.by_provider_part
            .entry(id::key(id::provider_part(&declared.id)))
            .or_insert(at);
        self.by_name
            .entry(declared.name.to_lowercase())
            .or_default()
            .push(at);
        self.all.push(declared);
    }

    /// Adds a loop that has no iteration, so that it can still be waited for.
    pub(crate) fn add_empty(&mut self, names: impl IntoIterator<Item = String>) {
        self.empty
            .extend(names.into_iter().map(|name| name.to_lowercase()));
    }

    /// What `name` means: a symbol, an id, type and name, a name, a loop.
    pub(crate) fn find(&self, name: &str) -> Target<'_> {
        let lower = id::key(name);
        if let Some(places) = self.by_symbol.get(&lower) {
            return self.those(places);
        }
        if name.starts_with('/') {
            return match self.by_id.get(&lower) {
                Some(at) => self.those(&[*at]),
                None => Target::Outside(name.to_owned()),
            };
        }
        if let Some(at) = self.by_provider_part.get(&lower) {
            return self.those(&[*at]);
        }
        match self
            .by_name
            .get(&lower)
            .or_else(|| self.by_loop.get(&lower))
        {
            Some(places) => self.those(places),
            None if self.empty.contains(&lower) => Target::Many(Vec::new()),
            None => Target::Unknown,
        }
    }

    fn those(&self, places: &[usize]) -> Target<'_> {
        let mut found: Vec<&Declared> = places.iter().filter_map(|at| self.all.get(*at)).collect();
        match (found.len(), found.pop()) {
            (1, Some(one)) => Target::One(one),
            (_, last) => {
                found.extend(last);
                Target::Many(found)
            }
        }
    }
}
