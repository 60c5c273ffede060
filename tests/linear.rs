//! Work follows what there is: a source of twice the size takes about twice the
//! steps. Steps are the same on every machine; no clock is read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::diag::Budget;
use flux_apim::pipeline::{Options, Outcome};
use flux_apim::tree::Limits;
use std::fmt::Write;

const API: &str = r#"{"properties":{"path":"a","displayName":"A"}}"#;
const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"operationId":"x","responses":{"200":{"description":"ok"}}}}}}"#;
const POLICY: &str = "<policies><inbound/></policies>";

type Files = Vec<(String, String)>;
/// What it has many of, its files, and how many there are at first.
type Shape = (&'static str, fn(usize) -> Files, usize);

fn project() -> Files {
    vec![
        ("apis/a/apiInformation.json".into(), API.into()),
        ("apis/a/specification.json".into(), SPEC.into()),
    ]
}

fn with(files: impl IntoIterator<Item = (String, String)>) -> Files {
    let mut all = project();
    all.extend(files);
    all
}

fn list(n: usize, name: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..n)
        .map(|i| format!(r#"{{"name":"{}"}}"#, name(i)))
        .collect();
    format!("[{}]", items.join(","))
}

fn product(name: &str) -> (String, String) {
    (
        format!("products/{name}/productInformation.json"),
        format!(r#"{{"properties":{{"displayName":"{name}"}}}}"#),
    )
}

fn named_value(name: &str) -> (String, String) {
    (
        format!("namedValues/{name}/namedValueInformation.json"),
        format!(r#"{{"properties":{{"displayName":"{name}","value":"v"}}}}"#),
    )
}

/// Links to APIs that are not there.
fn strict() -> (String, String) {
    ("flux-apim.yaml".into(), "strict: true\n".into())
}

fn dangling(n: usize) -> Files {
    let apis = (
        "products/p/apis.json".into(),
        list(n, |i| format!("missing{i}")),
    );
    with([product("p"), apis, strict()])
}

/// The same, with as many names of what is managed elsewhere.
fn external(n: usize) -> Files {
    let mut config = "strict: true\nexternal:\n".to_owned();
    for i in 0..n {
        let _ = writeln!(config, "- groups/other{i}");
    }
    let mut files = dangling(n);
    files.retain(|(path, _)| path != "flux-apim.yaml");
    files.push(("flux-apim.yaml".into(), config));
    files
}

fn unknown_properties(n: usize) -> Files {
    let more: String = (0..n).map(|i| format!(r#","unknown{i}":1"#)).collect();
    let text = API.replace(r#""path":"a""#, &format!(r#""path":"a"{more}"#));
    let mut files = project();
    files[0].1 = text;
    files
}

/// Names that policies use and nothing has.
fn unknown_named_values(n: usize) -> Files {
    let uses: String = (0..n)
        .map(|i| format!("<a b=\"{{{{miss{i}}}}}\"/>"))
        .collect();
    let policy = format!("<policies><inbound>{uses}</inbound></policies>");
    let mut files = with((0..n).map(|i| named_value(&format!("known{i}"))));
    files.push(("apis/a/policy.xml".into(), policy));
    files
}

fn unmatched_overrides(n: usize) -> Files {
    let mut text = "apis:\n".to_owned();
    for i in 0..n {
        let _ = writeln!(text, "- name: missing{i}\n  properties: {{path: x}}");
    }
    with([("configuration.prod.yaml".into(), text)])
}

fn overrides_without_properties(n: usize) -> Files {
    let mut text = "namedValues:\n".to_owned();
    for i in 0..n {
        let _ = writeln!(text, "- name: missing{i}");
    }
    let mut files = with((0..n).map(|i| named_value(&format!("known{i}"))));
    files.push(("configuration.prod.yaml".into(), text));
    files
}

/// Each fragment includes the one before, and the first one.
fn fragments(n: usize) -> Files {
    let fragment = |i: usize| {
        let includes = match i {
            0 => String::new(),
            i => format!(
                "<include-fragment fragment-id=\"f{}\"/><include-fragment fragment-id=\"f0\"/>",
                i - 1
            ),
        };
        let policy = format!("<fragment>{includes}</fragment>");
        (format!("policyFragments/f{i}/policy.xml"), policy)
    };
    with((0..n).map(fragment))
}

/// Ten products with all of n APIs each.
fn links(n: usize) -> Files {
    let mut files = Files::new();
    for i in 0..n {
        let info = API
            .replace("\"a\"", &format!("\"a{i}\""))
            .replace("\"A\"", &format!("\"A{i}\""));
        files.push((format!("apis/a{i}/apiInformation.json"), info));
        files.push((format!("apis/a{i}/specification.json"), SPEC.into()));
    }
    for p in 0..10 {
        let name = format!("p{p}");
        files.push(product(&name));
        let apis = list(n, |i| format!("a{i}"));
        files.push((format!("products/{name}/apis.json"), apis));
    }
    files
}

/// Folders of operations that the definition does not have.
fn unknown_operations(n: usize) -> Files {
    with((0..n).map(|i| (format!("apis/a/operations/o{i}/policy.xml"), POLICY.into())))
}

fn run(files: &Files) -> (Outcome, Budget) {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let mut options = Options {
        budget: Budget::new(&Limits::default()),
        ..Options::default()
    };
    if files
        .iter()
        .any(|(path, _)| path.starts_with("configuration."))
    {
        options.discover.environment = Some("prod".to_owned());
    }
    let outcome = common::run(&common::tree_of(&files), &options);
    (outcome, options.budget)
}

#[test]
fn twice_the_source_takes_twice_the_steps() {
    let shapes: [Shape; 10] = [
        ("dangling", dangling, 1500),
        ("external", external, 1500),
        ("unknown properties", unknown_properties, 1500),
        ("unknown named values", unknown_named_values, 300),
        ("unmatched overrides", unmatched_overrides, 1000),
        (
            "overrides without properties",
            overrides_without_properties,
            500,
        ),
        ("fragments", fragments, 3000),
        ("links", links, 60),
        ("unknown operations", unknown_operations, 300),
        (
            "named values",
            |n| with((0..n).map(|i| named_value(&format!("n{i}")))),
            300,
        ),
    ];
    for (name, shape, n) in shapes {
        let spent = |n: usize| {
            let (_, budget) = run(&shape(n));
            (budget.spent(), budget.peak())
        };
        let ((steps, held), (twice, held_twice)) = (spent(n), spent(2 * n));
        assert!(
            steps > 10 * n as u64,
            "{name}: {steps} steps are no account"
        );
        assert!(
            twice * 10 <= steps * 23,
            "{name}: {steps} and {twice} steps"
        );
        assert!(held > 0, "{name}: nothing is held");
        assert!(
            held_twice * 10 <= held * 23,
            "{name}: {held} and {held_twice} bytes"
        );
    }
}

#[test]
fn a_rendered_bundle_counts_as_held_until_it_is_dropped() {
    let (outcome, budget) = run(&links(20));
    let bundle = outcome.bundle.unwrap();
    let own: usize = bundle.files.iter().map(|file| bundle.len_of(file)).sum();
    assert!(
        budget.held() as usize > own / 2,
        "{} of {own}",
        budget.held()
    );
    let before = budget.spent();
    let archive = bundle.archive_within(&budget);
    assert!(budget.spent() > before);
    assert_eq!(archive.digest(), bundle.archive().digest());
    drop((bundle, archive));
    assert_eq!(budget.held(), 0);
}

#[test]
fn findings_beyond_the_cap_are_counted() {
    let (outcome, _) = run(&dangling(2500));
    let errors = outcome.report.summary().error;
    assert_eq!(errors, 2500);
    assert!(outcome.bundle.is_none());
}

#[test]
fn an_error_that_is_not_listed_is_an_error() {
    let files = unmatched_overrides(30);
    let mut files = files;
    files.extend([
        product("p"),
        ("products/p/apis.json".into(), list(1, |_| "missing".into())),
        strict(),
    ]);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    options.discover.limits.max_findings = 10;
    let outcome = common::run(&common::tree_of(&files), &options);
    let listed = outcome.report.diagnostics.iter();
    assert_eq!(
        listed
            .filter(|finding| finding.count == 1 && finding.range.is_some())
            .count(),
        10
    );
    assert_eq!(outcome.report.summary().warning, 30);
    assert_eq!(outcome.report.summary().error, 1);
    assert!(outcome.bundle.is_none());
}

#[test]
fn a_run_that_takes_more_than_its_budget_is_one_finding() {
    let files = links(20);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    for (flag, cap) in [
        ("max-steps", 20_000),
        ("max-memory-bytes", 100_000),
        ("max-resources", 100),
    ] {
        let mut options = Options::default();
        assert!(options.discover.limits.set(flag, cap));
        options.budget = Budget::new(&options.discover.limits);
        let outcome = common::run(&common::tree_of(&files), &options);
        let shown = common::shown(&outcome);
        assert!(
            matches!(&shown[..], [one] if one.starts_with("APIM1017")),
            "{shown:?}"
        );
        assert!(outcome.bundle.is_none());
        assert_eq!(options.budget.held(), 0);
    }
}
