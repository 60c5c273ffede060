//! Trees that nobody writes by hand, and trees of before: bounded, and one finding each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::diag::Severity;
use flux_apim::pipeline::{Options, Outcome};
use flux_apim::render::Target;
use flux_apim::tree::{ArtifactPath, SourceTree};

const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"operationId":"x","responses":{"200":{"description":"ok"}}}}}}"#;
const API: &str = r#"{"properties":{"path":"a","displayName":"A"}}"#;

type Files = Vec<(String, String)>;

/// An API `a`, and more.
fn tree(more: Files) -> SourceTree {
    let own = [
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", SPEC),
    ];
    let own = own.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let all = own.into_iter().chain(more);
    let all = all.map(|(path, text)| (ArtifactPath::parse(&path).unwrap(), text.into_bytes()));
    SourceTree::in_memory(all.collect())
}

/// Checks what ARM alone would get: one target is enough to go through every step.
fn checked(tree: &SourceTree) -> Outcome {
    let options = Options {
        targets: Some(vec![Target::ARM]),
        check: true,
        ..Options::default()
    };
    common::run(tree, &options)
}

/// How many findings of each rule there are, listed or counted.
fn counts(outcome: &Outcome) -> Vec<(String, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for finding in &outcome.report.diagnostics {
        *counts.entry(finding.rule.code.to_string()).or_default() += finding.count;
    }
    counts.into_iter().collect()
}

/// As many as are asked for in `make soak`, else a twentieth.
fn many(whole: usize) -> usize {
    match std::env::var_os("FLUX_APIM_SOAK") {
        Some(_) => whole,
        None => whole / 20,
    }
}

#[test]
fn links_to_one_product() {
    let n = many(100_000);
    let names: Vec<String> = (0..n)
        .map(|i| format!("{{\"name\":\"gone-{i}\"}}"))
        .collect();
    let product = r#"{"properties":{"displayName":"P"}}"#;
    let file = |path: &str, text: &str| (format!("products/p/{path}"), text.to_owned());
    let gone = tree(vec![
        file("productInformation.json", product),
        file("apis.json", &format!("[{}]", names.join(","))),
    ]);
    let outcome = checked(&gone);
    let missing = counts(&outcome);
    let missing = missing.iter().find(|(code, _)| code == "APIM4006");
    assert_eq!(missing.unwrap().1, n as u64);
    assert!(
        outcome.report.diagnostics.len() <= 1_100,
        "listed up to the cap"
    );
    // The same link as often is one.
    let same = format!("[{}]", vec!["{\"name\":\"a\"}"; n].join(","));
    let same = tree(vec![
        file("productInformation.json", product),
        file("apis.json", &same),
    ]);
    assert_eq!(counts(&checked(&same)), []);
}

#[test]
fn a_chain_of_revisions() {
    let n = many(10_000);
    let revisions = (2..n).map(|i| {
        let text = API.replace("\"A\"", &format!("\"A\",\"apiRevision\":\"{i}\""));
        (format!("apis/a;rev={i}/apiInformation.json"), text)
    });
    let outcome = checked(&tree(revisions.collect()));
    assert!(outcome.report.looked_at.unwrap().resources >= n as u64 - 1);
    assert_eq!(
        outcome.report.summary().error,
        0,
        "{:#?}",
        common::shown(&outcome)
    );
}

#[test]
fn named_values_in_circles() {
    let value = |name: &str, asked: &str| {
        let text = format!(
            "{{\"properties\":{{\"displayName\":\"{name}\",\"value\":\"x {{{{{asked}}}}}\"}}}}"
        );
        (
            format!("namedValues/{name}/namedValueInformation.json"),
            text,
        )
    };
    let backend = r#"{"properties":{"url":"https://{{b}}","protocol":"http"}}"#;
    let outcome = checked(&tree(vec![
        value("a", "b"),
        value("b", "a"),
        value("itself", "itself"),
        (
            "backends/b/backendInformation.json".to_owned(),
            backend.to_owned(),
        ),
    ]));
    // One finding for each named value, and nothing waits for itself.
    assert_eq!(counts(&outcome), [("APIM4015".to_owned(), 3)]);
    let all = many(20_000);
    let circle = (0..all).map(|i| value(&format!("v{i}"), &format!("v{}", (i + 1) % all)));
    let outcome = checked(&tree(circle.collect()));
    let asked = counts(&outcome);
    assert_eq!(asked[0], ("APIM4015".to_owned(), all as u64));
}

#[test]
fn names_that_differ_in_case_alone() {
    let files: Files = ["Gold", "gold"]
        .map(|name| {
            let text = format!("{{\"properties\":{{\"displayName\":\"{name}\"}}}}");
            (format!("products/{name}/productInformation.json"), text)
        })
        .into();
    // A folder or archive with both is refused before (`tests/sources.rs`).
    let outcome = checked(&tree(files));
    let errors = outcome.report.diagnostics.iter();
    let errors: Vec<_> = errors.filter(|d| d.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{:#?}", common::shown(&outcome));
    assert!(errors[0].message.to_lowercase().contains("gold"));
}

#[test]
fn a_tree_of_apiops_v0_is_one_finding() {
    let outcome = checked(&tree(vec![
        (
            "apis/Echo API/Original/1/apiInformation.json".to_owned(),
            API.to_owned(),
        ),
        (
            "apis/Echo API/Original/1/specification.yaml".to_owned(),
            SPEC.to_owned(),
        ),
        (
            "apis/Colors/v2/3/apiInformation.json".to_owned(),
            API.to_owned(),
        ),
        (
            "apis/Colors/v2/3/specification.yaml".to_owned(),
            SPEC.to_owned(),
        ),
    ]));
    let shown = common::shown(&outcome);
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert!(shown[0].contains("APIOps v0"), "{shown:#?}");
}

#[test]
fn a_workspace_without_its_file_is_one_that_the_service_has() {
    let tree = tree(vec![
        (
            "workspaces/w/apis/b/apiInformation.json".to_owned(),
            API.replace("\"a\"", "\"b\""),
        ),
        (
            "workspaces/w/apis/b/specification.json".to_owned(),
            SPEC.to_owned(),
        ),
    ]);
    let outcome = common::run(&tree, &Options::default());
    let shown = common::shown(&outcome);
    let warned: Vec<_> = shown
        .iter()
        .filter(|s| s.starts_with("APIM4006 "))
        .collect();
    assert_eq!(warned.len(), 1, "{shown:#?}");
    assert!(warned[0].contains("workspace `w`"), "{warned:?}");
    let needs = &outcome.report.prerequisites;
    assert!(
        needs
            .iter()
            .any(|need| need.kind == "workspace" && need.name == "w")
    );
    assert!(outcome.bundle.is_some(), "{shown:#?}");
    let files = common::files(&outcome);
    let template = String::from_utf8_lossy(&files["arm/main.json"]).into_owned();
    assert!(template.contains("Microsoft.ApiManagement/service/workspaces/apis"));
}
