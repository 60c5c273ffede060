//! The findings of a run, as they are made.

use super::lines::apart;
use super::prerequisite::Needs;
use super::{Budget, Code, Diagnostic, Place, Rule, Span, excerpt};
use crate::tree::{FileId, Limits};
use std::collections::BTreeMap;

/// Findings that are offered a hint; the rest has the same message without.
const MAX_HINTS: u32 = 100;
/// Steps that a finding counts as: its texts, its place, its lines in reports.
const STEPS: u64 = 50;
/// Characters that are kept of the name of a need.
const MAX_NAME: usize = 200;

/// Collects findings. What is listed is bounded: of one rule in one file, and
/// in all; the rest is counted, by rule and file.
#[derive(Debug)]
pub struct Findings {
    budget: Budget,
    listed: Vec<Diagnostic>,
    /// By rule and file (none for what is no file): how many are listed.
    counts: BTreeMap<(Code, Option<FileId>), u64>,
    unlisted: BTreeMap<(Code, Option<FileId>), Unlisted>,
    pushed: usize,
    hints: u32,
    pub(super) needs: Needs,
    max_listed: u64,
    max_listed_per_file: u64,
    /// Bytes that no report shows, by file.
    hidden: BTreeMap<FileId, Vec<(u32, u32)>>,
}

/// Findings of one rule that are only counted.
#[derive(Debug, Clone, Copy)]
pub struct Unlisted {
    /// What it is a finding of.
    pub rule: &'static Rule,
    /// How many.
    pub count: u64,
    /// The cap that they were over: its flag and value.
    pub cap: (&'static str, u64),
}

impl Findings {
    /// Of a run that spends from `budget`, listed up to the caps of `limits`.
    pub fn new(budget: &Budget, limits: &Limits) -> Self {
        Self::with_caps(budget, limits.max_findings, limits.max_findings_per_file)
    }

    /// An empty collection with the same budget and caps, for a part of the run
    /// that works on its own. [`Findings::append`] brings it back.
    pub fn part(&self) -> Self {
        Self::with_caps(&self.budget, self.max_listed, self.max_listed_per_file)
    }

    fn with_caps(budget: &Budget, max_listed: u64, max_listed_per_file: u64) -> Self {
        Self {
            budget: budget.clone(),
            listed: Vec::new(),
            counts: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            pushed: 0,
            hints: 0,
            needs: Needs::default(),
            max_listed,
            max_listed_per_file,
            hidden: BTreeMap::new(),
        }
    }

    /// Keeps `span` out of what reports show of the source, whatever is found there.
    pub fn hide(&mut self, span: Span) {
        let hidden = self.hidden.entry(span.file).or_default();
        hidden.push((span.start, span.end));
    }

    /// What is hidden of each file, in order and apart from each other: what was said to be,
    /// and what findings are about that show nothing of it.
    pub(super) fn hidden(&self) -> BTreeMap<FileId, Vec<(u32, u32)>> {
        let mut hidden = self.hidden.clone();
        for finding in self.listed.iter().filter(|f| !f.rule.shows_source) {
            if let Place::Span(span) = &finding.place {
                let of_file = hidden.entry(span.file).or_default();
                of_file.push((span.start, span.end));
            }
        }
        hidden.values_mut().for_each(apart);
        hidden
    }

    /// What the run spends from.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.budget.spend(STEPS, Place::Source);
        self.add(finding);
    }

    fn add(&mut self, finding: Diagnostic) {
        self.pushed += 1;
        let (rule, file) = (finding.rule, finding.place.file());
        let count = self.counts.entry((rule.code, file)).or_default();
        // What the cap on all leaves out is one number for each rule.
        let (file, cap) = if self.listed.len() as u64 >= self.max_listed {
            (None, ("max-findings", self.max_listed))
        } else if *count >= self.max_listed_per_file {
            (file, ("max-findings-per-file", self.max_listed_per_file))
        } else {
            *count += 1;
            return self.listed.push(finding);
        };
        self.count(
            file,
            Unlisted {
                rule,
                count: 1,
                cap,
            },
        );
    }

    /// Adds to what is only counted.
    fn count(&mut self, file: Option<FileId>, more: Unlisted) {
        let key = (more.rule.code, file);
        match self.unlisted.get_mut(&key) {
            Some(unlisted) => unlisted.count += more.count,
            None => {
                self.unlisted.insert(key, more);
            }
        }
    }

    /// Adds the findings of `part`, after those that are here.
    pub fn append(&mut self, part: Self) {
        self.needs.append(part.needs);
        self.pushed += part.pushed - part.listed.len();
        for (file, spans) in part.hidden {
            self.hidden.entry(file).or_default().extend(spans);
        }
        for finding in part.listed {
            self.add(finding);
        }
        for ((_, file), unlisted) in part.unlisted {
            self.count(file, unlisted);
        }
    }

    /// Says that the target must have the `kind` of this `name`: `place` asks for it, and
    /// nothing here brings it.
    pub fn need(&mut self, kind: &str, name: &str, place: &Place) {
        self.budget.spend(STEPS, Place::Source);
        self.needs.add(kind, &excerpt(name, MAX_NAME), None, place);
    }

    /// As [`Findings::need`], of what `external` in `flux-apim.yaml` calls `id`.
    pub fn need_external(&mut self, kind: &str, name: &str, id: &str, place: &Place) {
        self.budget.spend(STEPS, Place::Source);
        // A shortened id is another one.
        let id = (id.chars().count() <= MAX_NAME && !id.contains(char::is_control)).then_some(id);
        self.needs.add(kind, &excerpt(name, MAX_NAME), id, place);
    }

    /// How many were added, listed or not.
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// Those that are listed, in the order in which they were added.
    pub fn listed(&self) -> &[Diagnostic] {
        &self.listed
    }

    /// Those that are listed, to be changed. The file of a place must stay.
    pub fn listed_mut(&mut self) -> &mut [Diagnostic] {
        &mut self.listed
    }

    /// Takes off those that `keep` does not keep.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        let before = self.listed.len();
        self.listed.retain(keep);
        self.pushed -= before - self.listed.len();
    }

    /// What is only counted: rule and, unless it is the rest of all, file.
    pub fn unlisted(&self) -> impl Iterator<Item = (Option<FileId>, &Unlisted)> {
        self.unlisted
            .iter()
            .map(|((_, file), unlisted)| (*file, unlisted))
    }

    /// The rules that found something.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        let listed = self.listed.iter().map(|finding| finding.rule);
        listed.chain(self.unlisted.values().map(|unlisted| unlisted.rule))
    }

    /// A hint, such as the nearest name: looked for the first hundred times only.
    pub fn hint<T>(&mut self, look: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.hints >= MAX_HINTS {
            return None;
        }
        self.hints += 1;
        look()
    }
}

impl Extend<Diagnostic> for Findings {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

impl From<Vec<Diagnostic>> for Findings {
    /// Findings of no run in particular, with the default caps.
    fn from(findings: Vec<Diagnostic>) -> Self {
        let mut all = Self::new(&Budget::default(), &Limits::default());
        all.extend(findings);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::SourceTree;
    use crate::{Class, Evidence, Report, Severity};

    const fn rule(code: u16, severity: Severity) -> Rule {
        Rule {
            code: Code(code),
            name: "sample",
            former_names: &[],
            class: Class::Lint,
            severity,
            evidence: Evidence::Documented,
            since: "0.1",
            summary: "a sample",
            shows_source: true,
            page: "",
        }
    }

    static FIRST: Rule = rule(1, Severity::Info);
    static SECOND: Rule = rule(2, Severity::Error);
    static THIRD: Rule = rule(3, Severity::Info);
    static FOURTH: Rule = rule(4, Severity::Warning);

    fn small() -> Findings {
        let limits = Limits {
            max_findings: 5,
            max_findings_per_file: 2,
            ..Limits::default()
        };
        Findings::new(&Budget::default(), &limits)
    }

    fn of(rule: &'static Rule, file: u32, n: usize) -> Vec<Diagnostic> {
        vec![Diagnostic::new(rule, FileId(file), "x"); n]
    }

    #[test]
    fn what_is_not_listed_is_counted_to_the_last_one() {
        let mut findings = small();
        findings.extend(of(&FIRST, 0, 10));
        findings.extend(of(&SECOND, 0, 10));
        assert_eq!((findings.listed().len(), findings.len()), (4, 20));
        // Of another file one more is listed; then the cap on all counts.
        findings.extend(of(&FIRST, 1, 10));
        assert_eq!((findings.listed().len(), findings.len()), (5, 30));
        let rest: Vec<_> = findings
            .unlisted()
            .map(|(file, rest)| (rest.rule.code.0, file.map(|file| file.0), rest.count))
            .collect();
        let (first, second) = (FIRST.code.0, SECOND.code.0);
        let mut expected = vec![(first, None, 9), (first, Some(0), 8), (second, Some(0), 8)];
        expected.sort_unstable();
        assert_eq!(rest, expected);
    }

    #[test]
    fn parts_come_together_as_if_there_were_one() {
        let (mut whole, mut parts) = (small(), small());
        for (rule, file) in [(&FIRST, 0), (&SECOND, 1)] {
            whole.extend(of(rule, file, 7));
            let mut part = parts.part();
            part.extend(of(rule, file, 7));
            parts.append(part);
        }
        let counts = |all: &Findings| {
            let rest = all.unlisted().map(|(file, rest)| (file, rest.count));
            (all.len(), all.listed().len(), rest.collect::<Vec<_>>())
        };
        assert_eq!(counts(&whole), counts(&parts));
    }

    #[test]
    fn an_error_among_those_that_are_only_counted_is_an_error() {
        let tree = SourceTree::in_memory(BTreeMap::new());
        let mut findings = small();
        for rule in [&THIRD, &FIRST, &FOURTH] {
            findings.extend((0..3).map(|n| Diagnostic::new(rule, Place::Source, format!("{n}"))));
        }
        findings.push(Diagnostic::new(&SECOND, Place::Source, "x"));
        assert!(
            findings
                .rules()
                .any(|rule| rule.severity == Severity::Error)
        );
        let report = Report::resolve(&findings, &tree, &BTreeMap::new()).unwrap();
        let summary = report.summary();
        assert_eq!((summary.error, summary.warning, summary.info), (1, 3, 6));
    }

    #[test]
    fn hints_are_looked_for_a_hundred_times() {
        let mut findings = small();
        let found = (0..1000).filter(|_| findings.hint(|| Some(())).is_some());
        assert_eq!(found.count(), 100);
    }
}
