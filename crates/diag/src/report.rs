//! Findings with lines and columns, sorted, counted, with levels applied.

use super::credential::{credentials, without_credentials};
use super::fix::{LocatedFix, Replacement};
use super::lines::{LineIndex, Range, Snippet};
use super::{Findings, Judge, Lowered, Place, Prerequisite, Rule, Severity, Unlisted, Verdict};
use crate::tree::{FileId, ReadError, SourceTree};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A finding at lines and columns.
#[derive(Debug, Clone)]
pub struct Located {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The severity in force (`flux-apim.yaml` may change it).
    pub severity: Severity,
    /// What lowered it below the severity of its rule.
    pub lowered: Option<Lowered>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The same as a change of the source.
    pub fix: Option<LocatedFix>,
    /// File, folder or entry; empty for the source as a whole.
    pub path: String,
    /// Where in the file.
    pub range: Option<Range>,
    /// The line that the finding begins in, where it may be shown.
    pub snippet: Option<Snippet>,
    /// Other places.
    pub related: Vec<(String, Option<Range>, String)>,
    /// How many findings it stands for: one, unless it counts those that are not
    /// listed.
    pub count: u64,
    /// The source that `path` is relative to, where a report has several.
    pub source: Option<Arc<str>>,
}

impl Located {
    /// Whether it counts no longer: it is listed for machines only.
    pub fn is_suppressed(&self) -> bool {
        matches!(&self.lowered, Some(lowered) if lowered.to.is_none())
    }

    /// By path, place and code; equal findings are one.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |d: &'_ Self| (d.range, d.rule.code);
        self.source
            .cmp(&other.source)
            .then_with(|| self.path.cmp(&other.path))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.message.cmp(&other.message))
    }
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Infos.
    pub info: u64,
    /// Findings of any severity that count no longer.
    pub suppressed: u64,
}

/// How much a run looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LookedAt {
    /// Resources of the project.
    pub resources: u64,
    /// API definitions.
    pub definitions: u64,
    /// Policy documents.
    pub policies: u64,
}

/// All findings of one run, sorted by path, place and code. Serialises as diagnostics
/// in JSON, version 1 (contract section 3).
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Findings with their places, in the order of files and lines.
    pub diagnostics: Vec<Located>,
    /// What the target must have and the source does not bring, by kind and name.
    pub prerequisites: Vec<Prerequisite>,
    /// How much was looked at, where that is known.
    pub looked_at: Option<LookedAt>,
}

impl Report {
    /// Gives every finding its line and column. Each file with findings is
    /// read once. `judge` decides what is in force of each.
    ///
    /// # Errors
    /// A file with findings cannot be read again.
    pub fn resolve(
        findings: &Findings,
        tree: &SourceTree,
        judge: &impl Judge,
    ) -> Result<Self, ReadError> {
        let mut files: BTreeMap<FileId, Option<LineIndex>> = BTreeMap::new();
        for d in findings.listed() {
            for place in std::iter::once(&d.place).chain(d.related.iter().map(|(place, _)| place)) {
                if let Place::Span(span) = place {
                    files.insert(span.file, None);
                }
            }
            let edits = d.fix.iter().flat_map(|fix| &fix.edits);
            files.extend(edits.map(|edit| (edit.span.file, None)));
        }
        for (file, index) in &mut files {
            *index = Some(LineIndex::new(tree.read(*file)?.into_owned()));
        }
        let locate = |place: &Place| match place {
            Place::Span(span) => {
                let index = files.get(&span.file).and_then(Option::as_ref);
                let range = index.map(|index| index.range(span.start, span.end));
                (tree.path(span.file).to_string(), range)
            }
            Place::File(file) => (tree.path(*file).to_string(), None),
            Place::Path(path) => (path.clone(), None),
            Place::Source => (String::new(), None),
        };
        let hidden = findings.hidden();
        let mut located: Vec<Located> = findings
            .listed()
            .iter()
            .filter_map(|d| {
                let Verdict { severity, lowered } = judge.judge(d, tree)?;
                let (path, range) = locate(&d.place);
                let snippet = match &d.place {
                    Place::Span(span) if d.rule.shows_source => files
                        .get(&span.file)
                        .and_then(Option::as_ref)
                        .and_then(|index| {
                            let hidden = hidden.get(&span.file).map_or(&[][..], Vec::as_slice);
                            index.snippet(span.start, span.end, hidden)
                        }),
                    _ => None,
                };
                let related = d
                    .related
                    .iter()
                    .map(|(place, text)| {
                        let (path, range) = locate(place);
                        (path, range, without_credentials(text).into_owned())
                    })
                    .collect();
                let fix = d.fix.as_ref().and_then(|fix| {
                    let edits = fix.edits.iter().map(|edit| {
                        let index = files.get(&edit.span.file)?.as_ref()?;
                        edit.located(tree.path(edit.span.file).as_str(), index)
                    });
                    let edits: Vec<Replacement> = edits.collect::<Option<_>>()?;
                    // A report shows what a fix writes.
                    let shows = |text: &str| !credentials(text).is_empty();
                    if shows(&fix.title) || edits.iter().any(|edit| shows(&edit.text)) {
                        return None;
                    }
                    Some(LocatedFix {
                        title: fix.title.clone(),
                        is_safe: fix.is_safe,
                        edits,
                    })
                });
                let help = d.help.as_deref().map(without_credentials);
                Some(Located {
                    rule: d.rule,
                    severity,
                    lowered,
                    message: without_credentials(&d.message).into_owned(),
                    help: help.map(Cow::into_owned),
                    fix,
                    path,
                    range,
                    snippet,
                    related,
                    count: 1,
                    source: None,
                })
            })
            .collect();
        let rest = findings.unlisted();
        located.extend(rest.filter_map(|(file, rest)| {
            let path = file.map(|file| tree.path(file).as_str());
            let verdict = judge.judge_counted(rest.rule, path)?;
            Some(not_listed(path, rest, verdict))
        }));
        located.sort_by(Located::order);
        located.dedup_by(|a, b| a.order(b).is_eq());
        Ok(Self {
            diagnostics: located,
            prerequisites: findings.needs.resolve(tree),
            looked_at: None,
        })
    }

    /// Adds the findings of `other`, in their places.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.diagnostics.extend(other.diagnostics);
        self.diagnostics.sort_by(Located::order);
        self.diagnostics.dedup_by(|a, b| a.order(b).is_eq());
        self.prerequisites.extend(other.prerequisites);
        self.prerequisites.sort();
        self.prerequisites.dedup();
        self.looked_at = match (self.looked_at, other.looked_at) {
            (Some(own), Some(more)) => Some(LookedAt {
                resources: own.resources + more.resources,
                definitions: own.definitions + more.definitions,
                policies: own.policies + more.policies,
            }),
            (own, more) => own.or(more),
        };
        self
    }

    /// The same findings, said to be of `source`.
    #[must_use]
    pub fn of_source(mut self, source: &str) -> Self {
        let source: Arc<str> = source.into();
        for finding in &mut self.diagnostics {
            finding.source = Some(Arc::clone(&source));
        }
        self
    }

    /// The same findings at other places: `moved` gives each path of the tree another one.
    #[must_use]
    pub fn moved(mut self, moved: impl Fn(&str) -> String) -> Self {
        for finding in &mut self.diagnostics {
            let related = finding.related.iter_mut().map(|(path, ..)| path);
            let edits = finding.fix.iter_mut().flat_map(|fix| &mut fix.edits);
            let edited = edits.map(|edit| &mut edit.path);
            let own = std::iter::once(&mut finding.path);
            for path in own.chain(related).chain(edited) {
                if !path.is_empty() {
                    *path = moved(path);
                }
            }
        }
        let asking = self.prerequisites.iter_mut().flat_map(|need| &mut need.by);
        asking.for_each(|path| *path = moved(path));
        self
    }

    /// Counts by severity.
    pub fn summary(&self) -> Summary {
        let count = |severity| {
            let listed = self.diagnostics.iter();
            let same = listed.filter(|d| d.severity == severity && !d.is_suppressed());
            same.map(|d| d.count).sum()
        };
        let suppressed = self.diagnostics.iter().filter(|d| d.is_suppressed());
        Summary {
            error: count(Severity::Error),
            warning: count(Severity::Warning),
            info: count(Severity::Info),
            suppressed: suppressed.map(|d| d.count).sum(),
        }
    }

    /// Those that count, for people.
    pub fn in_force(&self) -> impl Iterator<Item = &Located> {
        self.diagnostics.iter().filter(|d| !d.is_suppressed())
    }
}

/// What stands for findings that are only counted.
fn not_listed(path: Option<&str>, rest: &Unlisted, verdict: Verdict) -> Located {
    let at = path.map_or(String::new(), |path| format!(" in `{path}`"));
    let (flag, cap) = rest.cap;
    Located {
        rule: rest.rule,
        severity: verdict.severity,
        lowered: verdict.lowered,
        message: format!(
            "{} more findings of this rule{at} are not listed",
            rest.count
        ),
        help: Some(format!("raise the cap of {cap} with --{flag} to see them")),
        fix: None,
        path: path.unwrap_or("").to_owned(),
        range: None,
        snippet: None,
        related: Vec::new(),
        count: rest.count,
        source: None,
    }
}
