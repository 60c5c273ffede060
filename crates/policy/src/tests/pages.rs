//! The examples in the pages of the rules.

use crate::rules::ALL;
use crate::{Root, Scope, Setting, check, parse};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;

/// Names of the rules that the policy in `part` of a page meets.
fn met(part: &str) -> Vec<&'static str> {
    let (_, block) = part.split_once("```xml\n").expect("a policy");
    let (text, _) = block.split_once("```").expect("its end");
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, Root::Policies, 256, &mut findings);
    let setting = Setting {
        scope: Some(Scope::Api),
        ..Setting::default()
    };
    check(&document, setting, &mut findings);
    findings.rules().map(|rule| rule.name).collect()
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
        assert_eq!(found, [rule.name]);
        assert_eq!(met(passes), [""; 0], "{}", rule.name);
    }
}
