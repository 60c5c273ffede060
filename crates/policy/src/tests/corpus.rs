//! What is found in published policies: errors are explained in `docs/corpus.md`.

use super::project::found;
use super::published;
use crate::{Expressions, Root, Setting, check, check_with, parse, sniff};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings, Place, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of errors by file, as the table names it, and code.
type Errors = BTreeMap<(String, String), BTreeSet<usize>>;

fn errors() -> Errors {
    let mut errors = Errors::new();
    for (path, text) in published() {
        let shown = path.to_string_lossy();
        let Some(at) = shown
            .find("/policies/")
            .or_else(|| shown.find("/apiops-trees/"))
        else {
            continue;
        };
        let name = shown[at + 1..].to_owned();
        let Some(root) = sniff(&text) else {
            panic!("{name} is no policy");
        };
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), &text, root, 256, &mut findings);
        check(&document, Setting::default(), &mut findings);
        for finding in findings.listed() {
            let Place::Span(span) = finding.place else {
                panic!("{name}: {} has no span", finding.message);
            };
            let at = text.get(..span.start as usize);
            let line = at.expect("a place in the text").matches('\n').count() + 1;
            if finding.rule.severity == Severity::Error {
                let key = (name.clone(), finding.rule.code.to_string());
                errors.entry(key).or_default().insert(line);
            }
        }
    }
    errors
}

/// The rows of the table: file, code, lines.
fn explained() -> Errors {
    let table = include_str!("../../../../docs/corpus.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| {
        let mut fields = row.split('|').map(|field| field.trim().trim_matches('`'));
        let mut field = || fields.next().unwrap_or("").to_owned();
        let key = (field(), field());
        let lines = field();
        let lines = lines.split(", ").filter_map(|line| line.parse().ok());
        (key, lines.collect())
    });
    rows.collect()
}

#[test]
fn each_error_in_published_policies_is_explained() {
    let found = errors();
    let explained = explained();
    let there: BTreeSet<&str> = found.keys().map(|(file, _)| file.as_str()).collect();
    let corpus = there.iter().any(|file| file.contains("snippets"));
    for (key, lines) in &found {
        let known = explained.get(key);
        assert_eq!(
            known,
            Some(lines),
            "{key:?} is not explained so in docs/corpus.md"
        );
    }
    if corpus {
        for key in explained.keys() {
            assert!(found.contains_key(key), "{key:?} is not found any more");
        }
    }
}

/// Published policies that read a variable which a document beside them sets, or none: data
/// of tests, and operations whose API is another sample.
const UNSET: [&str; 5] = [
    "Test.Decompiling/TestData/managed-identity-find-replace.xml",
    "Test.Decompiling/TestData/managed-identity-fragment.xml",
    "Test.Decompiling/TestData/rate-limit-by-key-retry.xml",
    "authX/apim-policies/hr_get.xml",
    "authX/apim-policies/hr_post.xml",
];

#[test]
fn published_policies_read_what_they_set() {
    let service = "<policies><inbound /><backend><forward-request /></backend><outbound />\
                   <on-error /></policies>";
    for (path, text) in published() {
        if sniff(&text) != Some(Root::Policies) || !path.to_string_lossy().contains("/policies/") {
            continue;
        }
        let files = [
            ("policy.xml", service),
            ("apis/a/policy.xml", text.as_str()),
        ];
        let mut findings = Findings::from(Vec::new());
        found(&files, &mut findings);
        let about_variables = |code: u16| (3034..=3036).contains(&code);
        let met = findings.rules().any(|rule| about_variables(rule.code.0));
        let shown = path.to_string_lossy();
        let known = UNSET.iter().any(|name| shown.ends_with(name));
        assert_eq!(met, known, "{shown}: {:?}", findings.listed());
    }
}

/// What is found in a text, its facts, and the work that it took.
fn all_of(text: &str, expressions: Option<&Expressions>) -> (String, u64) {
    let root = sniff(text).expect("a policy");
    let budget = Budget::default();
    let mut findings = Findings::new(&budget, &Limits::default());
    let document = parse(FileId(0), text, root, 256, &mut findings);
    let setting = Setting::default();
    let facts = match expressions {
        Some(known) => check_with(&document, setting, &mut known.worker(), &mut findings),
        None => check(&document, setting, &mut findings),
    };
    (format!("{:?} {facts:?}", findings.listed()), budget.spent())
}

#[test]
fn expressions_that_are_known_change_nothing() {
    let texts: Vec<String> = published().into_iter().map(|(_, text)| text).collect();
    let texts = || texts.iter().filter(|text| sniff(text).is_some());
    let alone: Vec<_> = texts().map(|text| all_of(text, None)).collect();
    let known = Expressions::new(&Budget::default());
    for _ in 0..2 {
        let pairs: Vec<_> = texts().zip(&alone).collect();
        for (text, alone) in pairs.into_iter().rev() {
            assert_eq!(all_of(text, Some(&known)), *alone, "{text}");
        }
    }
}
