//! Findings as the protocol has them.

use crate::text::Lines;
use crate::uri;
use flux_apim_diag::tree::SourceTree;
use flux_apim_diag::{Located, Report, Severity};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Diagnostics by path. Files of `open` are shown with their byte order mark, if any.
pub(crate) fn by_path(
    report: &Report,
    tree: &SourceTree,
    open: &BTreeSet<String>,
    root: &str,
) -> BTreeMap<String, Vec<Value>> {
    let mut places = Places {
        tree,
        open,
        known: BTreeMap::new(),
    };
    let mut by_path: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for finding in report.in_force() {
        if tree.find(&finding.path).is_some() {
            let one = diagnostic(finding, &mut places, root);
            by_path.entry(finding.path.clone()).or_default().push(one);
        }
    }
    by_path
}

/// What is found of no file: of the folder as a whole, or of what is not read.
pub(crate) fn of_no_file(report: &Report, tree: &SourceTree) -> Vec<String> {
    let others = report.in_force();
    let others = others.filter(|finding| tree.find(&finding.path).is_none());
    let shown = others.map(|finding| {
        let at = match finding.path.as_str() {
            "" => String::new(),
            path => format!(" ({path})"),
        };
        format!("{}: {}{at}", finding.rule.code, finding.message)
    });
    shown.collect()
}

struct Places<'t> {
    tree: &'t SourceTree,
    open: &'t BTreeSet<String>,
    known: BTreeMap<String, (Lines, u32)>,
}

impl Places<'_> {
    fn range(&mut self, path: &str, range: Option<flux_apim_diag::Range>) -> Value {
        let nothing =
            || json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
        let Some(range) = range else {
            return nothing();
        };
        if !self.known.contains_key(path) {
            let bytes = self
                .tree
                .find(path)
                .and_then(|file| self.tree.read(file).ok());
            let Some(bytes) = bytes else {
                return nothing();
            };
            let lines = match self.open.contains(path) {
                true => (Lines::new(bytes.into_owned()), 0),
                false => Lines::of_file(bytes.into_owned()),
            };
            self.known.insert(path.to_owned(), lines);
        }
        self.known.get(path).map_or_else(nothing, |(lines, mark)| {
            let at = |offset: u32| offset.saturating_sub(*mark);
            lines.range(at(range.start.offset), at(range.end.offset))
        })
    }
}

fn diagnostic(finding: &Located, places: &mut Places<'_>, root: &str) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let mut one = json!({
        "range": places.range(&finding.path, finding.range),
        "severity": match finding.severity {
            Severity::Error => 1,
            Severity::Warning => 2,
            Severity::Info => 3,
        },
        "code": finding.rule.code.to_string(),
        "codeDescription": {"href": finding.rule.url()},
        "source": "flux-apim",
        "message": message,
    });
    let related = finding.related.iter();
    let related = related.filter(|(path, ..)| places.tree.find(path).is_some());
    let related: Vec<_> = related.cloned().collect();
    if !related.is_empty() {
        let related = related.into_iter().map(|(path, range, message)| {
            let location =
                json!({"uri": uri::join(root, &path), "range": places.range(&path, range)});
            json!({"location": location, "message": message})
        });
        one["relatedInformation"] = related.collect();
    }
    one
}
