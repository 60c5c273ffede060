//! What is found in policies taken together, and what is let through.

mod bounded;
mod effects;
mod properties;
mod variables;

use crate::tests::project::found;
use flux_apim_diag::{Findings, Place, Severity};

const GLOBAL: &str = "<policies><inbound /><backend><forward-request /></backend><outbound />\
                      <on-error /></policies>";

/// A document whose sections have `<base />`, and more in some.
fn document(inbound: &str, outbound: &str, on_error: &str) -> String {
    format!(
        "<policies><inbound>{inbound}</inbound><backend><base /></backend>\
         <outbound>{outbound}</outbound><on-error>{on_error}</on-error></policies>"
    )
}

/// `rule@text` of each finding of this module's rules, in the order in which they are found.
fn said(files: &[(&str, String)]) -> Vec<String> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let mut findings = Findings::from(Vec::new());
    found(&files, &mut findings);
    let listed = findings.listed().iter();
    let own = listed.filter(|finding| finding.rule.code.0 >= 3024);
    let said = own.map(|finding| {
        let Place::Span(span) = finding.place else {
            panic!("no span: {}", finding.message)
        };
        let (path, text) = files[span.file.0 as usize];
        let at = &text[span.start as usize..span.end as usize];
        let path = path.trim_end_matches("policy.xml").trim_end_matches('/');
        format!("{} {path} {at}", finding.rule.name)
    });
    said.collect()
}

/// What is found in an API whose sections have these.
fn api(inbound: &str, outbound: &str) -> Vec<String> {
    said(&[
        ("policy.xml", GLOBAL.to_owned()),
        ("apis/a/policy.xml", document(inbound, outbound, "<base />")),
    ])
}

const READ: &str =
    "<trace source=\"s\"><message>@((string)context.Variables[\"v\"])</message></trace>";
const SET: &str = "<set-variable name=\"v\" value=\"x\" />";

#[test]
fn only_what_azure_refuses_is_an_error() {
    let own = crate::rules::ALL.iter().filter(|rule| rule.code.0 >= 3024);
    let errors = own.filter(|rule| rule.severity == Severity::Error);
    let names: Vec<_> = errors.map(|rule| rule.name).collect();
    assert_eq!(names, ["fragment-cycle"]);
}
