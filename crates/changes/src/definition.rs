//! API definitions, summarised by their operations.

use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings};
use flux_apim_syntax::{self as syntax, Document, Format, NodeRef};
use std::collections::BTreeMap;

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// What differs between two OpenAPI definitions. Operations are
/// `GET /orders/{id}`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// New ones.
    pub added: Vec<String>,
    /// Gone ones.
    pub removed: Vec<String>,
    /// Those whose own text differs.
    pub changed: Vec<String>,
    /// Whether something outside of operations differs: schemas, servers,
    /// descriptions.
    pub elsewhere: bool,
}

/// What differs, when both are OpenAPI documents.
pub(super) fn compare(old: &str, new: &str, budget: &Budget) -> Option<Operations> {
    let old = Definition::read(old, budget)?;
    let new = Definition::read(new, budget)?;
    let mut found = Operations {
        elsewhere: old.rest != new.rest,
        ..Operations::default()
    };
    for (name, text) in &old.operations {
        match new.operations.get(name) {
            None => found.removed.push(name.clone()),
            Some(now) if now != text => found.changed.push(name.clone()),
            Some(_) => {}
        }
    }
    let is_new = |name: &&String| !old.operations.contains_key(*name);
    found.added = new.operations.keys().filter(is_new).cloned().collect();
    Some(found)
}

/// The operations of a definition with their text, and all that is left.
struct Definition {
    operations: BTreeMap<String, String>,
    rest: String,
}

impl Definition {
    fn read(text: &str, budget: &Budget) -> Option<Self> {
        // We wrote it within the caps of its source, which may be higher.
        let limits = Limits {
            max_depth: 1000,
            max_nodes: u64::MAX,
            ..Limits::default()
        };
        let options = syntax::Options {
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let mut findings = Findings::new(budget, &limits);
        let text_of = text.to_owned();
        let document = syntax::parse(FileId(0), text_of, Format::Json, options, &mut findings)?;
        Some(Self::of(&document, text))
    }

    fn of(document: &Document, text: &str) -> Self {
        let mut operations = BTreeMap::new();
        let mut rest = String::new();
        let mut at = 0;
        let paths = document.root().get("paths");
        for (path, item) in paths.into_iter().flat_map(NodeRef::entries) {
            for (method, operation) in item.entries() {
                let method = method.as_str().unwrap_or("");
                if !METHODS.contains(&method) {
                    continue;
                }
                let path = path.as_str().unwrap_or("");
                let span = operation.span();
                let (start, end) = (span.start as usize, span.end as usize);
                let own = text.get(start..end).unwrap_or("").to_owned();
                operations.insert(format!("{} {path}", method.to_ascii_uppercase()), own);
                rest.push_str(text.get(at..start).unwrap_or(""));
                at = end;
            }
        }
        rest.push_str(text.get(at..).unwrap_or(""));
        Self { operations, rest }
    }
}
