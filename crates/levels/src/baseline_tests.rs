#![allow(clippy::unwrap_used, reason = "test code")]

use super::*;
use crate::sample::{self as rules, REGISTRY};
use flux_apim_diag::tree::{ArtifactPath, FileId, SourceTree};
use flux_apim_diag::{Diagnostic, Place, Rule, Span};

fn report(findings: &[(&'static Rule, usize, &str)]) -> Report {
    let path = ArtifactPath::parse("a/b.json").unwrap();
    let text = "x\n".repeat(100).into_bytes();
    let tree = SourceTree::in_memory(BTreeMap::from([(path, text)]));
    let findings = findings.iter().map(|(rule, at, message)| {
        Diagnostic::new(
            rule,
            Place::from(Span::new(FileId(0), *at, at + 1)),
            *message,
        )
    });
    let findings: Vec<Diagnostic> = findings.collect();
    Report::resolve(&findings.into(), &tree, &BTreeMap::new()).unwrap()
}

fn everything(_: &Located) -> bool {
    true
}

#[test]
fn fingerprints_survive_moved_lines_and_other_numbers() {
    let unknown = &rules::UNKNOWN_PROPERTY;
    let before = report(&[(unknown, 0, "line 7 of `x`"), (unknown, 4, "line 9 of `x`")]);
    let baseline = Baseline::of(&before, everything);
    assert_eq!(Baseline::read(&baseline.to_json()).unwrap(), baseline);
    let mut after = report(&[
        (unknown, 20, "line 17 of `x`"),
        (unknown, 22, "line 19 of `x`"),
        (unknown, 24, "line 21 of `x`"),
    ]);
    let covered = baseline.apply(REGISTRY, &mut after, everything);
    assert_eq!((covered.covered, covered.gone), (2, 0));
    let summary = after.summary();
    assert_eq!((summary.warning, summary.suppressed), (1, 2));
    let mut fewer = report(&[(unknown, 20, "line 17 of `y`")]);
    let covered = baseline.apply(REGISTRY, &mut fewer, everything);
    assert_eq!((covered.covered, covered.gone), (0, 2));
}

#[test]
fn what_nobody_lowers_is_not_covered() {
    let broken = report(&[
        (&rules::DUPLICATE_KEY, 0, "twice"),
        (&rules::NO_APIS, 2, "none"),
    ]);
    let baseline = Baseline::of(&broken, everything);
    assert_eq!(baseline.len(), 1);
    let none = Baseline::of(&broken, |_| false);
    assert!(none.is_empty());
    // Written by hand.
    let text = baseline
        .to_json()
        .replace("APIM1014", "APIM1005")
        .replace("none", "twice");
    let baseline = Baseline::read(&text).unwrap();
    let mut after = broken.clone();
    let covered = baseline.apply(REGISTRY, &mut after, everything);
    assert_eq!((covered.covered, after.summary().error), (0, 2));
    assert!(covered.refused.contains(&Code(1005)));
    // The same of one that is not there, and of one that a policy holds.
    let mut after = report(&[]);
    assert!(
        !baseline
            .apply(REGISTRY, &mut after, everything)
            .refused
            .is_empty()
    );
    let held = Baseline::of(&broken, everything);
    let mut after = broken.clone();
    let covered = held.apply(REGISTRY, &mut after, |finding| {
        finding.rule.code != Code(1014)
    });
    assert_eq!(covered.refused, BTreeSet::from([Code(1014)]));
    assert_eq!(after.summary().error, 2);
}

#[test]
fn other_versions_are_refused_by_name() {
    for (text, told) in [
        (
            "{\"version\": 2, \"findings\": []}",
            "of version 2; this flux-apim reads version 1",
        ),
        ("{\"version\": 0, \"findings\": []}", "of version 0"),
        ("{\"version\": \"1\", \"findings\": []}", "of version \"1\""),
        ("{\"findings\": []}", "has no version"),
        ("{\"version\": 1}", "not what --write-baseline writes"),
        (
            "{\"version\": 1, \"findings\": [{\"code\": \"APIM1014\"}]}",
            "missing field",
        ),
        (
            "{\"version\": 1, \"findings\": [{\"code\": \"A\", \"path\": \"\", \"message\": \"\", \"count\": 1, \"line\": 2}]}",
            "unknown field",
        ),
        ("", "not what"),
        ("[1]", "no version"),
    ] {
        let error = Baseline::read(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
