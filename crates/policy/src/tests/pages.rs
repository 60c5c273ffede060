//! The examples in the pages of the rules.

use super::project::{blocks, found};
use crate::rules::ALL;
use flux_apim_diag::{Class, Findings, Rule, Severity};

/// The rules that the policies in `part` of a page meet.
fn met(part: &str) -> Vec<&'static Rule> {
    let mut findings = Findings::from(Vec::new());
    found(&blocks(part), &mut findings);
    findings.rules().collect()
}

#[test]
fn examples_fail_and_pass() {
    for rule in ALL {
        let (_, examples) = rule.page.split_once("## Fails").expect("an example");
        if examples.contains("Shown by") {
            continue;
        }
        let (fails, passes) = examples.split_once("## Passes").expect("two examples");
        let found = met(fails);
        let names: Vec<_> = found.iter().map(|rule| rule.name).collect();
        assert!(names.contains(&rule.name), "{}: {names:?}", rule.name);
        // What a lint shows may be more than one thing.
        let others = found.iter().filter(|found| found.code != rule.code);
        for other in others {
            assert_ne!(other.severity, Severity::Error, "{}", rule.name);
            assert_eq!(rule.class, Class::Lint, "{}: {names:?}", rule.name);
        }
        let passed = met(passes);
        let names: Vec<_> = passed.iter().map(|rule| rule.name).collect();
        assert_eq!(names, [""; 0], "{}", rule.name);
    }
}
