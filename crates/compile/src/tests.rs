//! Policies that stand in other documents.

use crate::{Options, compile};
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Findings, Place, Registry};
use std::collections::BTreeMap;

const API: &str = r#"{"properties": {"displayName": "A", "path": "a", "protocols": ["https"]}}"#;
const DEFINITION: &str =
    r#"{"openapi": "3.0.1", "info": {"title": "A", "version": "1"}, "paths": {}}"#;

/// Rule, file and text of each finding in policies of the tree, for the environment `prod`.
fn found(files: &[(&str, &str)]) -> Vec<(&'static str, String, String)> {
    let files: BTreeMap<_, _> = files
        .iter()
        .map(|(path, text)| {
            (
                ArtifactPath::parse(path).expect("a path"),
                text.as_bytes().to_vec(),
            )
        })
        .collect();
    let tree = SourceTree::in_memory(files);
    let mut findings = Findings::from(Vec::new());
    let discover = flux_apim_discover::Options {
        environment: Some("prod".to_owned()),
        ..flux_apim_discover::Options::default()
    };
    let registry = Registry::new(flux_apim_policy::rules::ALL);
    let project = flux_apim_discover::discover(&tree, &discover, registry, &mut findings);
    let mut project = project.expect("a tree in memory").expect("a project");
    let limits = Limits::default();
    let options = Options {
        limits: &limits,
        reuse: None,
    };
    compile(&tree, &mut project, &options, &mut findings).expect("a tree in memory");
    let listed = findings.listed().iter();
    let policies = listed.filter(|finding| finding.rule.code.0 / 1000 == 3);
    let shown = policies.map(|finding| {
        let Place::Span(span) = finding.place else {
            panic!("no span: {}", finding.message)
        };
        let bytes = tree.read(span.file).expect("a tree in memory");
        let text = std::str::from_utf8(&bytes).expect("text");
        let at = text[span.start as usize..span.end as usize].to_owned();
        (finding.rule.name, tree.path(span.file).to_string(), at)
    });
    shown.collect()
}

/// C# in an encoded attribute in a string of an information or environment file.
#[test]
fn places_in_policies_of_other_documents() {
    let environment = "apis:
  - name: a
    policies:
      - name: policy
        properties:
          format: xml
          value: |
            <policies>
              <inboud />
              <inbound>
                <set-variable name=\"a\" value=\"@(&quot;é&quot; + context.Reqest)\" />
              </inbound>
            </policies>
";
    let all = found(&[
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", DEFINITION),
        ("apis/a/policy.xml", "<policies />"),
        ("configuration.prod.yaml", environment),
    ]);
    let file = "configuration.prod.yaml".to_owned();
    assert_eq!(
        all,
        [
            ("unknown-policy-element", file.clone(), "inboud".to_owned()),
            ("expression-name", file, "Reqest".to_owned()),
        ]
    );
    let information = r#"{"properties": {"format": "rawxml", "value": "\u003cpolicies>\r\n\t<inbound><set-variable name=\"a\" value=\"@(\"\\\"é\" + context.Reqest)\" /></inbound></policies>"}}"#;
    let all = found(&[
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", DEFINITION),
        (
            "policyFragments/f/policyFragmentInformation.json",
            information,
        ),
    ]);
    let file = "policyFragments/f/policyFragmentInformation.json".to_owned();
    assert_eq!(
        all,
        [
            ("wrong-policy-root", file.clone(), "policies".to_owned()),
            ("expression-name", file, "Reqest".to_owned()),
        ]
    );
}
