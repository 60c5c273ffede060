//! `configuration.<env>.yaml`: what it changes, wherever it is nested, and what
//! it must not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::pipeline::{Options, Outcome};
use serde_json::Value as Json;

const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"operationId":"getX","responses":{"200":{"description":"ok"}}}}}}"#;
const POLICY: &str = "<policies><inbound><base /></inbound></policies>";
const API: &str = r#"{"properties":{"path":"a","displayName":"A","serviceUrl":"https://dev.example","apiRevision":"1","isCurrent":true,"subscriptionKeyParameterNames":{"header":"H","query":"q"}}}"#;
const NAMED: &str = r#"{"properties":{"displayName":"host","value":"dev","tags":["a","b"]}}"#;
const DIAGNOSTIC: &str = r#"{"properties":{"loggerId":"/loggers/l","verbosity":"verbose","sampling":{"samplingType":"fixed","percentage":50}}}"#;
const LOGGER: &str = r#"{"properties":{"loggerType":"azureMonitor"}}"#;
const PRODUCT: &str = r#"{"properties":{"displayName":"P"}}"#;

/// A project with every kind of nesting that an environment file knows.
fn with(environment: &str) -> Outcome {
    let mut files = vec![("configuration.prod.yaml".to_owned(), environment.to_owned())];
    for root in ["", "workspaces/w/"] {
        for (path, text) in [
            ("apis/a/apiInformation.json", API),
            ("apis/a/specification.json", SPEC),
            ("apis/a/policy.xml", POLICY),
            ("apis/a/operations/getx/policy.xml", POLICY),
            (
                "apis/a/diagnostics/applicationinsights/diagnosticInformation.json",
                DIAGNOSTIC,
            ),
            (
                "apis/a/releases/r/apiReleaseInformation.json",
                r#"{"properties":{"notes":"n"}}"#,
            ),
            ("namedValues/host/namedValueInformation.json", NAMED),
            ("loggers/l/loggerInformation.json", LOGGER),
            (
                "diagnostics/applicationinsights/diagnosticInformation.json",
                DIAGNOSTIC,
            ),
            ("products/p/productInformation.json", PRODUCT),
            ("products/p/policy.xml", POLICY),
        ] {
            files.push((format!("{root}{path}"), text.to_owned()));
        }
    }
    files.push((
        "workspaces/w/workspaceInformation.json".to_owned(),
        PRODUCT.to_owned(),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    common::run(&common::tree_of(&files), &options)
}

/// The properties of the resource whose type and name end so, parameters
/// replaced by their values.
fn properties(outcome: &Outcome, kind: &str, name: &str) -> Json {
    let files = common::files(outcome);
    let template: Json = serde_json::from_slice(&files["arm/main.json"]).unwrap();
    let values: Json = serde_json::from_slice(&files["arm/parameters.json"]).unwrap();
    let quoted: Vec<String> = name.split('/').map(|word| format!("'{word}'")).collect();
    let ending = format!("parameters('apimServiceName'), {})]", quoted.join(", "));
    let mut found = template["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| {
            resource["type"] == format!("Microsoft.ApiManagement/service/{kind}")
                && resource["name"].as_str().unwrap().ends_with(&ending)
        })
        .unwrap_or_else(|| panic!("{kind} {name}: {template:#}"))["properties"]
        .clone();
    fill(&mut found, &values);
    found
}

fn fill(value: &mut Json, values: &Json) {
    match value {
        Json::String(text) => {
            let name = text
                .strip_prefix("[parameters('")
                .and_then(|rest| rest.strip_suffix("')]"));
            if let Some(given) = name.map(|name| values["parameters"][name]["value"].clone()) {
                *value = given;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| fill(item, values)),
        Json::Object(entries) => entries.values_mut().for_each(|value| fill(value, values)),
        _ => {}
    }
}

const EVERYWHERE: &str = r#"
namedValues:
- name: HOST
  properties: { value: prod, tags: [c] }
diagnostics:
- name: applicationinsights
  properties: { verbosity: error, sampling: { percentage: 100 } }
products:
- name: p
  properties: { displayName: Prod }
  policies:
  - name: policy
    properties: { format: xml }
apis:
- name: a
  properties:
    serviceUrl: https://prod.example
    subscriptionKeyParameterNames: { header: X }
  diagnostics:
  - name: applicationinsights
    properties: { verbosity: information }
  releases:
  - name: r
    properties: { notes: prod }
  policies:
  - name: policy
    properties:
      value: <policies><inbound><set-header name="h" exists-action="override"><value>{{host}}</value></set-header></inbound></policies>
  operations:
  - name: getx
    policies:
    - name: policy
      properties: { format: xml }
"#;

#[test]
fn properties_are_merged_wherever_they_are_nested() {
    let indented: String = EVERYWHERE
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    let outcome = with(&format!(
        "apimServiceName: prod-apim\n{EVERYWHERE}\nworkspaces:\n- name: w\n  properties: {{ displayName: W }}\n{indented}"
    ));
    assert!(outcome.bundle.is_some(), "{:#?}", common::shown(&outcome));
    for (root, at) in [("", ""), ("workspaces/", "w/")] {
        let get = |kind: &str, name: &str| {
            properties(&outcome, &format!("{root}{kind}"), &format!("{at}{name}"))
        };
        let named = get("namedValues", "host");
        assert_eq!(named["value"], "prod");
        assert_eq!(
            named["tags"],
            serde_json::json!(["c"]),
            "lists are replaced"
        );
        let diagnostic = get("diagnostics", "applicationinsights");
        assert_eq!(diagnostic["verbosity"], "error");
        assert_eq!(diagnostic["sampling"]["percentage"], 100);
        assert_eq!(
            diagnostic["sampling"]["samplingType"], "fixed",
            "objects are merged"
        );
        assert_eq!(get("products", "p")["displayName"], "Prod");
        assert_eq!(get("products/policies", "p/policy")["format"], "xml");
        assert_eq!(get("products/policies", "p/policy")["value"], POLICY);
        let api = get("apis", "a");
        assert_eq!(api["serviceUrl"], "https://prod.example");
        assert_eq!(
            api["subscriptionKeyParameterNames"],
            serde_json::json!({"header": "X", "query": "q"})
        );
        assert_eq!(
            get("apis/diagnostics", "a/applicationinsights")["verbosity"],
            "information"
        );
        assert_eq!(get("apis/releases", "a/r")["notes"], "prod");
        assert_eq!(
            get("apis/operations/policies", "a/getX/policy")["format"],
            "xml"
        );
        let policy = get("apis/policies", "a/policy");
        assert!(policy["value"].as_str().unwrap().contains("{{host}}"));
    }
    assert_eq!(properties(&outcome, "workspaces", "w")["displayName"], "W");
    let values = String::from_utf8(common::files(&outcome)["arm/parameters.json"].clone()).unwrap();
    assert!(values.contains("prod-apim"));
}

#[test]
fn the_policy_of_an_environment_is_read_like_any_other() {
    let policy = |value: &str| {
        with(&format!(
            "apis:\n- name: a\n  policies:\n  - name: policy\n    properties:\n      value: {value}\n"
        ))
    };
    let found = common::shown(&policy(
        "<policies><inbound><include-fragment fragment-id=\"nope\" /></inbound></policies>",
    ));
    assert!(
        found
            .iter()
            .any(|f| f.starts_with("APIM4006 configuration.prod.yaml:6 ")),
        "{found:#?}"
    );
    let found = common::shown(&policy("<policies><inbound></policies>"));
    assert!(
        found
            .iter()
            .any(|f| f.starts_with("APIM3001 configuration.prod.yaml:6 ")),
        "{found:#?}"
    );
    // What it uses stands before it.
    let outcome = policy(
        "<policies><inbound><set-variable name=\"x\" value=\"{{host}}\" /></inbound></policies>",
    );
    let template: Json = serde_json::from_slice(&common::files(&outcome)["arm/main.json"]).unwrap();
    let resources = template["resources"].as_array().unwrap();
    let policy = resources
        .iter()
        .find(|r| r["type"] == "Microsoft.ApiManagement/service/apis/policies")
        .unwrap();
    assert!(
        policy["dependsOn"].to_string().contains("'host'"),
        "{policy:#}"
    );
}

#[test]
fn which_revision_is_current_belongs_to_the_tree() {
    let outcome = with(
        "apis:\n- name: a\n  properties: {apiRevision: '7', isCurrent: false}\nworkspaces:\n- name: w\n  apis:\n  - name: a\n    properties:\n      isCurrent: false\n",
    );
    for (kind, name) in [("apis", "a"), ("workspaces/apis", "w/a")] {
        let api = properties(&outcome, kind, name);
        assert_eq!(api["apiRevision"], "1");
        assert_eq!(api["isCurrent"], Json::Null);
    }
    let found = common::shown(&outcome);
    let protected: Vec<&String> = found.iter().filter(|f| f.starts_with("APIM1021")).collect();
    assert_eq!(protected.len(), 3, "{found:#?}");
    assert!(protected[2].starts_with("APIM1021 configuration.prod.yaml:9 "));
}

#[test]
fn what_matches_nothing_is_named_with_what_is_near() {
    let outcome = with(
        "apis:\n- name: aa\n  properties: {serviceUrl: x}\n- name: a\n  operations:\n  - name: getY\n    policies:\n    - name: policy\n      properties: {format: xml}\nnamedValues:\n- name: hots\n  properties: {value: x}\n",
    );
    let found: Vec<(u16, Option<&str>)> = outcome
        .report
        .diagnostics
        .iter()
        .filter(|d| d.rule.code.0 < 7000)
        .map(|d| (d.rule.code.0, d.help.as_deref()))
        .collect();
    assert!(
        found.contains(&(1020, Some("did you mean `a`?"))),
        "{found:?}"
    );
    assert!(
        found.contains(&(1020, Some("did you mean `host`?"))),
        "{found:?}"
    );
    assert_eq!(
        found.iter().filter(|(code, _)| *code == 1020).count(),
        3,
        "{found:?}"
    );
}

#[test]
fn tokens_that_are_left_are_shown_where_they_stand() {
    for token in ["{#HOST#}", "{#[HOST]#}"] {
        let outcome = with(&format!(
            "namedValues:\n- name: host\n  properties:\n    value: \"{token}\"\n"
        ));
        let found = common::shown(&outcome);
        assert!(outcome.bundle.is_none());
        assert!(
            found
                .iter()
                .any(|f| f.starts_with("APIM1022 configuration.prod.yaml:4 ") && f.contains(token)),
            "{found:#?}"
        );
    }
}

#[test]
fn the_extractor_filter_is_never_merged() {
    let mut options = Options::default();
    options.discover.environment = Some("extractor".to_owned());
    let tree = common::tree_of(&[
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", SPEC),
        ("configuration.extractor.yaml", "apis: [a]\n"),
    ]);
    let found = common::shown(&common::run(&tree, &options));
    assert!(
        found.iter().any(|f| f.starts_with("APIM1023")),
        "{found:#?}"
    );
}

#[test]
fn a_project_lowers_caps_and_never_raises_them() {
    let run = |limits: &str| {
        let config = format!("limits: {{ {limits} }}\n");
        common::shown(&common::run(
            &common::tree_of(&[
                ("apis/a/apiInformation.json", API),
                ("apis/a/specification.json", SPEC),
                ("flux-apim.yaml", &config),
            ]),
            &Options::default(),
        ))
    };
    assert!(
        run("max_depth: 3")
            .iter()
            .any(|f| f.starts_with("APIM1006"))
    );
    for refused in ["max_depth: 100000", "max_files: 5", "max_nodes: many"] {
        let found = run(refused);
        assert!(
            found
                .iter()
                .any(|f| f.starts_with("APIM1024 flux-apim.yaml:1 ")),
            "{refused}: {found:#?}"
        );
    }
}

/// What the published schema accepts, the reader accepts, and the reverse.
#[test]
fn the_schema_of_the_project_configuration() {
    let schema = flux_apim::discover::schema(flux_apim::rules::REGISTRY);
    let published = std::fs::read_to_string(common::repository("docs/flux-apim.schema.json"));
    assert_eq!(published.unwrap(), format!("{schema:#}\n"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (config, good) in [
        (
            r#"{"service":"x","targets":["arm","aso"],"external":["loggers/l"]}"#,
            true,
        ),
        (
            r#"{"rules":{"APIM1014":"warning","unclaimed-file":"off"},"limits":{"max_depth":9}}"#,
            true,
        ),
        (
            r#"{"apis":{"plain":{"name":"b","path":"b","properties":{"displayName":"B"}}}}"#,
            true,
        ),
        (r#"{"sevice":"x"}"#, false),
        (r#"{"service":1}"#, false),
        (r#"{"targets":["terraform"]}"#, false),
        (r#"{"rules":{"APIM0000":"off"}}"#, false),
        (r#"{"rules":{"APIM1014":"fatal"}}"#, false),
        (r#"{"limits":{"max_files":1}}"#, false),
        (r#"{"limits":[]}"#, false),
        (r#"{"apis":["plain"]}"#, false),
    ] {
        let value: Json = serde_json::from_str(config).unwrap();
        assert_eq!(validator.is_valid(&value), good, "schema: {config}");
        let outcome = common::run(
            &common::tree_of(&[
                ("apis/a/apiInformation.json", API),
                ("apis/a/specification.json", SPEC),
                ("plain/openapi.json", SPEC),
                ("flux-apim.yaml", config),
            ]),
            &Options::default(),
        );
        let refused = outcome
            .report
            .diagnostics
            .iter()
            .any(|d| d.rule.code.0 == 1024);
        assert_eq!(
            !refused,
            good,
            "reader: {config}: {:#?}",
            common::shown(&outcome)
        );
    }
}

/// It may name what exists on its service alone, whatever the tree has that is called alike.
#[test]
fn a_named_value_of_one_environment_is_no_mistake() {
    let backends = "backends:\n- name: b\n  properties: {url: 'https://{{hots}}.example'}\n";
    let own = (
        "backends/b/backendInformation.json",
        r#"{"properties":{"url":"https://x.example","protocol":"http"}}"#,
    );
    let tree = common::tree_of(&[
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", SPEC),
        ("namedValues/host/namedValueInformation.json", NAMED),
        own,
        ("configuration.prod.yaml", backends),
    ]);
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    let outcome = common::run(&tree, &options);
    assert_eq!(
        outcome.report.summary().error,
        0,
        "{:#?}",
        common::shown(&outcome)
    );
    let found = common::shown(&outcome);
    assert!(
        found
            .iter()
            .any(|f| f.starts_with("APIM4006 configuration.prod.yaml:3 ")),
        "{found:#?}"
    );
    // In the tree itself it is.
    let tree = common::tree_of(&[
        ("apis/a/apiInformation.json", API),
        ("apis/a/specification.json", SPEC),
        ("namedValues/host/namedValueInformation.json", NAMED),
        (own.0, &own.1.replace("x.example", "{{hots}}.example")),
    ]);
    let outcome = common::run(&tree, &Options::default());
    assert_eq!(
        outcome.report.summary().error,
        1,
        "{:#?}",
        common::shown(&outcome)
    );
}
