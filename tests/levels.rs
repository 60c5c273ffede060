//! Levels, exceptions and policies of operators: what may be lowered, and what comes of
//! trying the rest.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use common::{run, tree_of};
use flux_apim::bundle::INVENTORY;
use flux_apim::diag::{Class, Findings, Report, Rule, sarif};
use flux_apim::levels::{Asked, Baseline, Policy, settings_of_json};
use flux_apim::pipeline::{Options, Outcome};
use flux_apim::rules::REGISTRY;
use flux_apim::tree::{FileId, Limits};
use serde_json::{Value as Json, json};
use std::sync::Arc;

const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"a","version":"1"},"paths":{"/x":{"get":{"operationId":"x","responses":{"200":{"description":"ok"}}}}}}"#;
const INFORMATION: &str =
    r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["https"]}}"#;
/// Has a property that no version knows.
const UNKNOWN: &str =
    r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["https"], "color": "red"}}"#;
/// Names a backend that is nowhere.
const DANGLING: &str = "<policies>\n  <inbound>\n    <set-backend-service backend-id=\"gone\" />\n  </inbound>\n</policies>\n";
const POLICY: &str = "apis/a/policy.xml";
const API: &str = "apis/a/apiInformation.json";
const DEFINITION: &str = "apis/a/specification.json";

/// A sound project with `more` files, which stand over those of it.
fn project(more: &[(&str, &str)]) -> flux_apim::tree::SourceTree {
    // Backends that may be meant by those that policies name: what is near is an error.
    let near = ["gone", "one", "two", "new"].map(|name| {
        let path = format!("backends/{name}s/backendInformation.json");
        (
            path,
            r#"{"properties":{"url":"https://b.example","protocol":"http"}}"#,
        )
    });
    let near = near.each_ref().map(|(path, text)| (path.as_str(), *text));
    let sound = [(API, INFORMATION), (DEFINITION, SPEC)];
    let own = sound
        .iter()
        .filter(|(path, _)| more.iter().all(|(other, _)| other != path));
    let files: Vec<_> = own.chain(more).chain(&near).copied().collect();
    tree_of(&files)
}

/// One target, so that nothing is said of what another cannot carry.
fn arm() -> Options {
    Options {
        targets: Some(vec![flux_apim::render::Target::ARM]),
        ..Options::default()
    }
}

fn rendered(more: &[(&str, &str)]) -> Outcome {
    run(&project(more), &arm())
}

fn asked(asked: Asked) -> Options {
    Options {
        levels: asked,
        ..arm()
    }
}

fn policy(text: &str) -> Arc<Policy> {
    let mut findings = Findings::from(Vec::new());
    let policy = Policy::read(
        REGISTRY,
        FileId(0),
        text.to_owned(),
        &Limits::default(),
        &mut findings,
    );
    let told: Vec<_> = findings
        .listed()
        .iter()
        .map(|f| f.message.clone())
        .collect();
    Arc::new(policy.unwrap_or_else(|| panic!("{text}: {told:?}")))
}

fn under(policies: &[&str]) -> Options {
    asked(Asked {
        policies: policies.iter().map(|text| policy(text)).collect(),
        today: "2026-11-29".parse().ok(),
        ..Asked::default()
    })
}

/// Codes of findings that count, with their levels.
fn codes(report: &Report) -> Vec<String> {
    let mut codes: Vec<String> = report
        .in_force()
        .map(|f| format!("{} {}", f.rule.code.0, f.severity))
        .collect();
    codes.sort();
    codes
}

fn inventory(outcome: &Outcome) -> Json {
    serde_json::from_slice(&common::files(outcome)[INVENTORY]).unwrap()
}

/// That nothing came of trying: an error of its own, and no bundle.
#[track_caller]
fn refused(outcome: &Outcome, what: &str) {
    let shown = common::shown(outcome);
    let told = outcome
        .report
        .in_force()
        .any(|f| f.rule.name == "level-refused" && f.severity == flux_apim::diag::Severity::Error);
    assert!(told && outcome.bundle.is_none(), "{what}: {shown:#?}");
}

fn integrity() -> impl Iterator<Item = &'static Rule> {
    REGISTRY
        .all()
        .iter()
        .copied()
        .filter(|rule| rule.class == Class::Integrity)
}

#[test]
fn nobody_lowers_integrity() {
    assert!(integrity().count() > 25);
    for rule in integrity() {
        let (code, name) = (rule.code.to_string(), rule.name);
        let levels = [
            format!("{code}: off"),
            format!("{name}: warning"),
            format!("{name}: info"),
            format!("{name}: {{level: off, reason: because}}"),
            format!("{code}: {{level: info, reason: because, until: 2099-01-01}}"),
            format!("{name}: {{level: off, reason: because, paths: ['**']}}"),
            format!("{name}: [error, {{level: warning, reason: because, paths: [apis/none/**]}}]"),
        ];
        for level in &levels {
            let config = format!("rules:\n  {level}\n");
            refused(&rendered(&[("flux-apim.yaml", &config)]), &config);
            // The policy of an operator is none then.
            let text = format!("version: 1\nlevels:\n  {level}\n");
            let mut findings = Findings::from(Vec::new());
            let read = Policy::read(REGISTRY, FileId(0), text, &Limits::default(), &mut findings);
            assert!(read.is_none() && !findings.is_empty(), "{level}");
        }
        for from in ["the option `rules`", "spec.validation.rules"] {
            for level in [json!("off"), json!({"level": "warning", "reason": "x"})] {
                let settings = settings_of_json(REGISTRY, &json!({name: level}), from).unwrap();
                let options = asked(Asked {
                    settings,
                    ..Asked::default()
                });
                refused(&run(&project(&[]), &options), name);
            }
        }
        let xml = format!("<policies>\n<!-- flux-apim: allow {name} -- because -->\n</policies>");
        let yaml = format!("# flux-apim: allow {code} -- because\nservice: contoso\n");
        let key = format!("{{\"x-flux-apim-allow\": {{\"{name}\": \"because\"}}, ");
        let own = INFORMATION.replacen('{', &key, 1);
        let definition = SPEC.replacen('{', &key, 1);
        let object = format!("service: contoso\nx-flux-apim-allow: {{{name}: because}}\n");
        for file in [
            (POLICY, &xml),
            ("flux-apim.yaml", &yaml),
            ("flux-apim.yaml", &object),
            (API, &own),
            (DEFINITION, &definition),
            (
                "proto/a.proto",
                &format!("// flux-apim: allow {name} -- because\n"),
            ),
            (
                "a.graphql",
                &format!("# flux-apim: allow {name} -- because\n"),
            ),
        ] {
            refused(&rendered(&[(file.0, file.1)]), file.1);
        }
        let baseline = json!({"version": 1, "findings": [
            {"code": code, "path": "", "message": "x", "count": 1},
        ]});
        let options = Options {
            check: true,
            baseline: Some(Baseline::read(&baseline.to_string()).unwrap()),
            ..arm()
        };
        refused(&run(&project(&[]), &options), name);
    }
}

/// The finding itself stays an error, whatever is said beside it.
#[test]
fn a_finding_of_integrity_stays() {
    let twice = r#"{"properties": {"path": "a", "path": "b"}, "x-flux-apim-allow": {"duplicate-key": "because"}}"#;
    let config = "rules: {duplicate-key: {level: off, reason: because}}\n";
    let outcome = rendered(&[(API, twice), ("flux-apim.yaml", config)]);
    let codes = codes(&outcome.report);
    assert!(codes.contains(&"1005 error".to_owned()), "{codes:?}");
    refused(&outcome, "both");
    let check = |baseline, write_baseline| Options {
        check: true,
        baseline,
        write_baseline,
        ..arm()
    };
    let tree = project(&[(API, r#"{"properties": {"path": "a", "path": "b"}}"#)]);
    let outcome = run(&tree, &check(None, true));
    let written = outcome.baseline.unwrap();
    assert!(outcome.report.summary().error > 0);
    assert!(
        !written.to_json().contains("APIM1005"),
        "{}",
        written.to_json()
    );
    assert!(
        run(&tree, &check(Some(written), false))
            .report
            .summary()
            .error
            > 0
    );
}

#[test]
fn a_refusal_is_lowered_with_a_reason() {
    let lowered = |level: &str| {
        let config = format!("rules:\n  dangling-policy-reference: {level}\n");
        rendered(&[(POLICY, DANGLING), ("flux-apim.yaml", &config)])
    };
    for level in [
        "warning",
        "off",
        "{level: info}",
        "{level: off, reason: ' '}",
    ] {
        let outcome = lowered(level);
        assert!(outcome.bundle.is_none());
        let codes = codes(&outcome.report);
        // Beside the one that was to be lowered, unless nothing was linked.
        assert!(
            codes.contains(&"1031 error".to_owned()),
            "{level} {codes:?}"
        );
        assert!(
            codes.contains(&"4002 error".to_owned()),
            "{level} {codes:?}"
        );
    }
    let outcome = lowered("{level: warning, reason: it is made by hand, until: 2099-01-31}");
    assert_eq!(codes(&outcome.report), ["4002 warning"]);
    let entry = json!({
        "code": "APIM4002", "path": POLICY, "level": "warning",
        "reason": "it is made by hand", "until": "2099-01-31",
    });
    assert_eq!(inventory(&outcome)["exceptions"], json!([entry]));
    // Raising needs none.
    assert_eq!(codes(&lowered("error").report), ["4002 error"]);
}

#[test]
fn the_inventory_of_a_plain_project_has_nothing_new() {
    let inventory = inventory(&rendered(&[]));
    let keys: Vec<_> = inventory.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "apiVersion",
            "diagnostics",
            "environment",
            "files",
            "parts",
            "renderer",
            "resources",
            "source",
            "targets",
        ]
    );
}

#[test]
fn levels_are_for_paths_and_the_last_counts() {
    let other = (
        "apis/b/apiInformation.json",
        &UNKNOWN.replace("\"a\"", "\"b\"") as &str,
    );
    let at = |rules: &str, folder: &str| {
        let config = format!("rules: {{unknown-property: {rules}}}\n");
        let files = [
            (API, UNKNOWN),
            other,
            ("apis/b/specification.json", SPEC),
            (DEFINITION, SPEC),
        ];
        let moved: Vec<_> = files
            .iter()
            .map(|(path, text)| (format!("{folder}{path}"), *text))
            .collect();
        let mut all: Vec<(&str, &str)> = moved
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let place = format!("{folder}flux-apim.yaml");
        all.push((&place, &config));
        let outcome = run(&tree_of(&all), &arm());
        let mut shown: Vec<String> = outcome
            .report
            .diagnostics
            .iter()
            .map(|f| {
                format!(
                    "{} {}{}",
                    f.path.trim_start_matches(folder),
                    f.severity,
                    if f.is_suppressed() { " suppressed" } else { "" }
                )
            })
            .collect();
        shown.sort();
        shown
    };
    for folder in ["", "deep/apimartifacts/"] {
        assert_eq!(
            at("{level: info, paths: apis/b/**}", folder),
            [
                "apis/a/apiInformation.json warning",
                "apis/b/apiInformation.json info"
            ]
        );
        assert_eq!(
            at(
                "[error, {level: off, reason: x, paths: ['**/a/*']}]",
                folder
            ),
            [
                "apis/a/apiInformation.json warning suppressed",
                "apis/b/apiInformation.json error"
            ]
        );
        assert_eq!(
            at("[{level: off, paths: ['**/a/*']}, info]", folder),
            [
                "apis/a/apiInformation.json info",
                "apis/b/apiInformation.json info"
            ]
        );
        assert_eq!(at("off", folder), [""; 0]);
    }
}

#[test]
fn dates_end_what_they_end() {
    let config = "rules:\n  unknown-property: {level: off, reason: x, until: 2026-11-28}\n";
    let policy = "<policies>\n<inbound>\n  <!-- flux-apim: allow dangling-policy-reference -- x (until 2026-11-28) -->\n  <set-backend-service backend-id=\"gone\" />\n</inbound>\n</policies>\n";
    let tree = project(&[(API, UNKNOWN), (POLICY, policy), ("flux-apim.yaml", config)]);
    let on = |day: &str| {
        let today = day.parse().ok();
        run(
            &tree,
            &asked(Asked {
                today,
                ..Asked::default()
            }),
        )
    };
    for day in ["2026-11-28", "2000-01-01", "no clock"] {
        let outcome = on(day);
        assert_eq!(codes(&outcome.report), [""; 0], "{day}");
        assert_eq!(outcome.report.summary().suppressed, 2);
        assert!(outcome.bundle.is_some());
    }
    let outcome = on("2026-11-29");
    assert_eq!(
        codes(&outcome.report),
        ["1013 warning", "1035 warning", "1035 warning", "4002 error"]
    );
}

#[test]
fn an_allowance_is_for_its_lines() {
    let two = "<policies>\n<inbound>\n<!-- flux-apim: allow dangling-policy-reference -- made by hand -->\n<set-backend-service backend-id=\"one\" />\n<choose><when condition=\"@(true)\"><set-backend-service backend-id=\"two\" /></when></choose>\n</inbound>\n</policies>\n";
    let outcome = rendered(&[(POLICY, two)]);
    assert_eq!(codes(&outcome.report), ["4002 error"]);
    let left: Vec<_> = outcome
        .report
        .in_force()
        .map(|f| f.range.unwrap().start.line)
        .collect();
    assert_eq!(left, [5]);
    // Nothing that is rendered has it.
    let one = two.replace("<choose><when condition=\"@(true)\"><set-backend-service backend-id=\"two\" /></when></choose>\n", "");
    let outcome = rendered(&[(POLICY, &one)]);
    assert_eq!(codes(&outcome.report), [""; 0]);
    let key = INFORMATION.replacen(
        '{',
        r#"{"x-flux-apim-allow": {"unknown-property": "b"}, "#,
        1,
    );
    let key = key.replace("\"path\"", "\"color\": 1, \"path\"");
    let spec = SPEC.replacen('{', r#"{"x-flux-apim-allow": {"unclaimed-file": "b"}, "#, 1);
    let outcome = rendered(&[(POLICY, &one), (API, &key), (DEFINITION, &spec)]);
    for (path, bytes) in common::files(&outcome) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("flux-apim: allow"), "{path}");
        let reports = path.starts_with("reports/") || path == INVENTORY;
        assert!(reports || !text.contains("x-flux-apim-allow"), "{path}");
    }
    assert_eq!(
        inventory(&outcome)["exceptions"][0]["reason"],
        "made by hand"
    );
    // The one in the definition allows nothing.
    assert_eq!(codes(&outcome.report), ["1033 warning"]);
}

#[test]
fn allowances_that_are_none() {
    for (policy, code) in [
        (
            "<!-- flux-apim: allow dangling-policy-reference -->",
            "1032 error",
        ),
        (
            "<!-- flux-apim: allow dangling-policy-references -- x -->",
            "1034 warning",
        ),
        (
            "<set-body><![CDATA[<!-- flux-apim: allow dangling-policy-reference -- x -->]]></set-body>",
            "",
        ),
        (
            "<set-body>@(\"<!-- flux-apim: allow dangling-policy-reference -- x -->\")</set-body>",
            "",
        ),
    ] {
        let policy = DANGLING.replace("    <set", &format!("    {policy}\n    <set"));
        let outcome = rendered(&[(POLICY, &policy)]);
        let codes = codes(&outcome.report);
        assert!(
            codes.contains(&"4002 error".to_owned()),
            "{policy}: {codes:?}"
        );
        assert!(
            code.is_empty() || codes.contains(&code.to_owned()),
            "{policy}: {codes:?}"
        );
        assert_eq!(outcome.report.summary().suppressed, 0);
    }
    let unused = DANGLING
        .replace(
            "<policies>",
            "<policies>\n<!-- flux-apim: allow no-apis -- x -->",
        )
        .replace("<set-backend-service backend-id=\"gone\" />", "<base />");
    assert_eq!(
        codes(&rendered(&[(POLICY, &unused)]).report),
        ["1033 warning"]
    );
    // A policy in a string has no lines.
    let embedded = json!({"properties": {"format": "rawxml", "value": "<policies><!-- flux-apim: allow no-apis -- x --></policies>"}});
    let outcome = rendered(&[
        ("apis/a/policyInformation.json", &embedded.to_string()),
        ("policy.xml", "<policies />"),
    ]);
    let shown = common::shown(&outcome);
    assert!(outcome.report.summary().suppressed == 0, "{shown:?}");
}

#[test]
fn suppressed_findings_are_for_machines() {
    let config = "rules: {unknown-property: {level: off, reason: by hand, until: 2099-01-01}}\n";
    let outcome = rendered(&[(API, UNKNOWN), ("flux-apim.yaml", config)]);
    let report = serde_json::to_value(&outcome.report).unwrap();
    assert_eq!(
        report["diagnostics"][0]["suppressed"],
        json!({"kind": "level", "reason": "by hand", "until": "2099-01-01"})
    );
    assert_eq!(
        report["summary"],
        json!({"error": 0, "warning": 0, "info": 0, "suppressed": 1})
    );
    let read = Report::from_json(&report, &project(&[]), REGISTRY).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), report);
    let sarif = serde_json::to_value(sarif::to_sarif(&outcome.report, "0")).unwrap();
    assert_eq!(
        sarif["runs"][0]["results"][0]["suppressions"],
        json!([{"kind": "external", "status": "accepted", "justification": "by hand"}])
    );
    assert_eq!(
        inventory(&outcome)["exceptions"],
        Json::Null,
        "a lint is none"
    );
}

#[test]
fn what_an_operator_holds_nobody_lowers() {
    let held = "version: 1\nlevels: {unknown-property: warning, dangling-policy-reference: error, no-apis: info}\n";
    let in_apis = "version: 1\nlevels: {unknown-property: {level: error, paths: ['apis/**']}}\n";
    let no_allowances = "version: 1\nexceptions: {allowances: false}\n";
    let no_levels = "version: 1\nexceptions: {levels: [no-apis]}\n";
    let no_baseline = "version: 1\nexceptions: {baseline: false}\n";
    let key = |name: &str| {
        UNKNOWN.replacen(
            '{',
            &format!("{{\"x-flux-apim-allow\": {{\"{name}\": \"because\"}}, "),
            1,
        )
    };
    let xml = |name: &str| {
        DANGLING.replace(
            "    <set",
            &format!("    <!-- flux-apim: allow {name} -- because -->\n    <set"),
        )
    };
    let config = |level: &str| format!("rules: {{{level}}}\n");
    let (unknown, dangling) = (key("unknown-property"), xml("dangling-policy-reference"));
    let by_code = key("APIM1013");
    type Way<'w> = (&'w str, Vec<(&'w str, String)>, Json);
    let ways: Vec<Way<'_>> = vec![
        (
            held,
            vec![("flux-apim.yaml", config("unknown-property: off"))],
            json!({}),
        ),
        (
            held,
            vec![("flux-apim.yaml", config("APIM1013: info"))],
            json!({}),
        ),
        (
            held,
            vec![(
                "flux-apim.yaml",
                config("unknown-property: {level: off, reason: x}"),
            )],
            json!({}),
        ),
        (
            held,
            vec![(
                "flux-apim.yaml",
                config("unknown-property: {level: off, reason: x, paths: ['**']}"),
            )],
            json!({}),
        ),
        (
            held,
            vec![("flux-apim.yaml", config("no-apis: off"))],
            json!({}),
        ),
        (
            held,
            vec![("flux-apim.yaml", config("unknown-property: [error, info]"))],
            json!({}),
        ),
        (
            held,
            vec![(
                "flux-apim.yaml",
                config("dangling-policy-reference: {level: warning, reason: x}"),
            )],
            json!({}),
        ),
        (held, vec![(API, unknown.clone())], json!({})),
        (held, vec![(API, by_code)], json!({})),
        (held, vec![(POLICY, dangling.clone())], json!({})),
        (
            held,
            vec![("a.yaml", "# flux-apim: allow no-apis -- x\n".to_owned())],
            json!({}),
        ),
        (held, vec![], json!({"unknown-property": "off"})),
        (
            held,
            vec![],
            json!({"APIM4002": {"level": "off", "reason": "x"}}),
        ),
        (
            in_apis,
            vec![
                (API, UNKNOWN.to_owned()),
                ("flux-apim.yaml", config("unknown-property: off")),
            ],
            json!({}),
        ),
        (in_apis, vec![(API, unknown.clone())], json!({})),
        (
            in_apis,
            vec![(API, UNKNOWN.to_owned())],
            json!({"unknown-property": {"level": "info", "paths": ["**/a/*"]}}),
        ),
        (no_allowances, vec![(API, unknown)], json!({})),
        (no_allowances, vec![(POLICY, dangling)], json!({})),
        (
            no_levels,
            vec![("flux-apim.yaml", config("unknown-property: info"))],
            json!({}),
        ),
        (
            no_levels,
            vec![],
            json!({"unknown-property": {"level": "off", "reason": "x"}}),
        ),
    ];
    assert_eq!(ways.len(), 20);
    for (policy, files, rules) in ways {
        let mut options = under(&[policy]);
        options.levels.settings = settings_of_json(REGISTRY, &rules, "the option `rules`").unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        refused(
            &run(&project(&files), &options),
            &format!("{policy} {files:?} {rules}"),
        );
    }
    // Baselines: not at all, and not what is held.
    let tree = project(&[(API, UNKNOWN)]);
    let mut check = Options {
        check: true,
        write_baseline: true,
        ..arm()
    };
    let all = run(&tree, &check).baseline.unwrap();
    assert_eq!(all.len(), 1);
    for policy in [no_baseline, held, in_apis] {
        let options = Options {
            check: true,
            baseline: Some(all.clone()),
            ..under(&[policy])
        };
        refused(&run(&tree, &options), policy);
    }
    // One that is written under a policy leaves out what is held.
    check.levels = under(&[held]).levels;
    let outcome = run(&tree, &check);
    assert!(outcome.baseline.unwrap().is_empty());
    assert_eq!(codes(&outcome.report), ["1013 warning"]);
}

#[test]
fn what_a_policy_leaves_free_stays_free() {
    let text = "version: 1\nlevels: {unknown-property: warning}\nexceptions: {levels: [dangling-policy-reference, unknown-property]}\n";
    let config =
        "rules: {unknown-property: error, dangling-policy-reference: {level: info, reason: x}}\n";
    let tree = project(&[
        (API, UNKNOWN),
        (POLICY, DANGLING),
        ("flux-apim.yaml", config),
    ]);
    let outcome = run(&tree, &under(&[text]));
    assert_eq!(codes(&outcome.report), ["1013 error", "4002 info"]);
    let tree = project(&[
        (POLICY, DANGLING),
        ("flux-apim.yaml", &config.replace("error", "warning")),
    ]);
    let outcome = run(&tree, &under(&[text]));
    assert_eq!(
        inventory(&outcome)["policies"],
        json!([policy(text).digest().to_string()])
    );
}

#[test]
fn of_two_policies_the_stricter_counts() {
    let tree = project(&[(API, UNKNOWN)]);
    for (one, other, codes_of) in [
        (
            "levels: {unknown-property: info}",
            "levels: {unknown-property: error}",
            "1013 error",
        ),
        (
            "levels: {unknown-property: off}",
            "levels: {unknown-property: info}",
            "1013 info",
        ),
        (
            "levels: {unknown-property: info}",
            "levels: {no-apis: error}",
            "1013 info",
        ),
        (
            "levels: {unknown-property: {level: error, paths: ['apis/a/*']}}",
            "levels: {unknown-property: info}",
            "1013 error",
        ),
    ] {
        let (one, other) = (
            format!("version: 1\n{one}\n"),
            format!("version: 1\n{other}\n"),
        );
        for order in [[one.as_str(), &other], [&other, &one]] {
            assert_eq!(
                codes(&run(&tree, &under(&order)).report),
                [codes_of],
                "{order:?}"
            );
        }
    }
    let allowed = UNKNOWN.replacen(
        '{',
        r#"{"x-flux-apim-allow": {"unknown-property": "x"}, "#,
        1,
    );
    let tree = project(&[(API, &allowed)]);
    let (free, strict) = (
        "version: 1\n",
        "version: 1\nexceptions: {allowances: false}\n",
    );
    assert_eq!(codes(&run(&tree, &under(&[free])).report), [""; 0]);
    refused(
        &run(&tree, &under(&[free, strict])),
        "one of two takes none",
    );
    let levels = "rules: {unknown-property: info}\n";
    let tree = project(&[("flux-apim.yaml", levels)]);
    let (one, other) = (
        "version: 1\nexceptions: {levels: [unknown-property]}\n",
        "version: 1\nexceptions: {levels: [no-apis]}\n",
    );
    assert!(run(&tree, &under(&[one])).bundle.is_some());
    refused(
        &run(&tree, &under(&[one, other])),
        "each takes what the other does not",
    );
}

#[test]
fn policies_are_for_namespaces() {
    let text = "version: 1\nnamespaces:\n- selector: {matchNames: ['team-*']}\n  spec: {levels: {unknown-property: error}}\n- selector: {matchLabels: {tier: gold}}\n  spec: {exceptions: {allowances: false}}\n";
    let policy = policy(text);
    assert!(policy.asks_for_labels());
    let tree = project(&[(API, UNKNOWN)]);
    let labels = |all: &[(&str, &str)]| {
        all.iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    for (namespace, code) in [("team-a", "1013 error"), ("other", "1013 warning")] {
        let options = asked(Asked {
            policies: vec![Arc::new(policy.within(namespace, &labels(&[])))],
            ..Asked::default()
        });
        assert_eq!(codes(&run(&tree, &options).report), [code], "{namespace}");
    }
    let allowed = UNKNOWN.replacen(
        '{',
        r#"{"x-flux-apim-allow": {"unknown-property": "x"}, "#,
        1,
    );
    let options = asked(Asked {
        policies: vec![Arc::new(
            policy.within("other", &labels(&[("tier", "gold"), ("a", "b")])),
        )],
        ..Asked::default()
    });
    refused(&run(&project(&[(API, &allowed)]), &options), "labels");
}

#[test]
fn rule_sets_are_pinned_by_version() {
    for version in ["\"0.1\"", "0.1"] {
        let config = format!("ruleset: {version}\n");
        assert!(rendered(&[("flux-apim.yaml", &config)]).bundle.is_some());
    }
    for version in ["\"0.3\"", "9", "latest", "[0.1]", "null"] {
        let config = format!("ruleset: {version}\n");
        let outcome = rendered(&[("flux-apim.yaml", &config)]);
        let finding = outcome.report.in_force().next().unwrap();
        assert_eq!(finding.rule.code.0, 1024, "{version}");
        assert!(finding.help.as_deref().unwrap().contains("knows 0.1"));
        assert!(outcome.bundle.is_none());
    }
}

#[test]
fn a_baseline_covers_what_was_there() {
    let check = |baseline, write_baseline| Options {
        check: true,
        baseline,
        write_baseline,
        ..arm()
    };
    let tree = project(&[(API, UNKNOWN), (POLICY, DANGLING)]);
    let outcome = run(&tree, &check(None, true));
    assert_eq!(codes(&outcome.report), [""; 0]);
    let baseline = outcome.baseline.unwrap();
    assert_eq!(baseline.len(), 2);
    // Lines move, one more comes, one goes.
    let more = DANGLING.replace("<inbound>", "<inbound>\n\n\n").replace(
        "  </inbound>",
        "    <choose><when condition=\"@(true)\"><set-backend-service backend-id=\"new\" /></when></choose>\n  </inbound>",
    );
    let outcome = run(&project(&[(POLICY, &more)]), &check(Some(baseline), false));
    assert_eq!(codes(&outcome.report), ["1036 info", "4002 error"]);
    assert_eq!(outcome.report.summary().suppressed, 1);
    let report = serde_json::to_value(&outcome.report).unwrap();
    let kinds: Vec<_> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["suppressed"]["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["baseline"]);
}

/// Ten thousand globs in a configuration: a run takes them, and twice as many take at most
/// twice the steps.
#[test]
fn ten_thousand_globs_in_a_configuration() {
    let steps = |globs: usize| {
        let paths: Vec<String> = (0..globs).map(|n| format!("apis/x{n}/**")).collect();
        let config = json!({"rules": {"unknown-property": {"level": "off", "paths": paths}}});
        let config = config.to_string();
        let tree = project(&[(API, UNKNOWN), ("flux-apim.yaml", &config)]);
        let options = arm();
        let outcome = run(&tree, &options);
        assert_eq!(codes(&outcome.report), ["1013 warning"]);
        options.budget.spent()
    };
    let (half, whole) = (steps(5_000), steps(10_000));
    assert!(whole <= half * 21 / 10, "{half} {whole}");
}

/// The examples of `docs/levels.md`, each over the project that the page speaks of.
#[test]
fn the_examples_of_the_page_do_what_it_says() {
    let page = std::fs::read_to_string(common::repository("docs/levels.md")).unwrap();
    let mut examples = 0;
    for example in page.split("<!-- expect: ").skip(1) {
        let (expected, rest) = example.split_once(" -->\n```").unwrap();
        let (head, rest) = rest.split_once('\n').unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let path = head.split_once(' ').unwrap().1;
        let mut files = vec![(API, UNKNOWN), (POLICY, DANGLING)];
        let mut options = arm();
        if path == "policy.yaml" {
            options = under(&[text]);
        } else {
            files.retain(|(other, _)| *other != path);
            files.push((path, text));
        }
        let outcome = run(&project(&files), &options);
        let expected: Vec<&str> = expected.split(", ").collect();
        assert_eq!(codes(&outcome.report), expected, "{text}");
        examples += 1;
    }
    assert_eq!(examples, 7);
}

#[test]
fn presets_name_rules_and_lower_none() {
    for preset in &flux_apim::levels::PRESETS {
        for (name, level) in preset.levels {
            let rule = REGISTRY.get(name);
            let rule = rule.unwrap_or_else(|| panic!("{}: there is no {name}", preset.name));
            assert!(
                rule.severity <= *level || rule.class == Class::Convention,
                "{name}"
            );
        }
    }
}
