//! How resources stand to each other: revisions, names, embedded links; and
//! what of them is a secret.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::pipeline::{Options, Outcome};
use serde_json::Value as Json;

const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"responses":{"200":{"description":"ok"}}}}}}"#;

fn api(more: &str) -> String {
    format!(r#"{{"properties":{{"path":"a","displayName":"A"{more}}}}}"#)
}

fn run(files: &[(&str, &str)]) -> Outcome {
    common::run(&common::tree_of(files), &Options::default())
}

fn template(outcome: &Outcome) -> Json {
    serde_json::from_slice(&common::files(outcome)["arm/main.json"]).unwrap()
}

fn resource<'t>(template: &'t Json, kind: &str) -> &'t Json {
    let resources = template["resources"].as_array().unwrap().iter();
    let mut found = resources.filter(|r| r["type"].as_str().unwrap().ends_with(kind));
    found
        .next()
        .unwrap_or_else(|| panic!("no {kind}: {template:#}"))
}

/// Findings that hold the bundle back.
fn errors(outcome: &Outcome) -> Vec<String> {
    let all = common::shown(outcome)
        .into_iter()
        .zip(&outcome.report.diagnostics);
    all.filter(|(_, d)| d.severity == flux_apim::diag::Severity::Error)
        .map(|(shown, _)| shown)
        .collect()
}

#[test]
fn the_current_revision_is_rendered_once() {
    let (first, second) = (
        api(r#","apiRevision":"2""#),
        api(r#","apiRevision":"2","isCurrent":true"#),
    );
    let outcome = run(&[
        ("apis/a/apiInformation.json", &first),
        ("apis/a;rev=2/apiInformation.json", &second),
    ]);
    let found = common::shown(&outcome);
    let repeated = found.iter().find(|f| f.starts_with("APIM1037 "));
    let repeated = repeated.unwrap_or_else(|| panic!("{found:?}"));
    assert!(repeated.contains("apis/a;rev=2/apiInformation.json"), "{found:?}");
    let names = template(&outcome)["resources"].to_string();
    assert_eq!(names.matches("'a;rev=2')]\",\"properties\"").count(), 1, "{names}");
}

#[test]
fn one_revision_is_current() {
    let current = api(r#","isCurrent":true"#);
    let outcome = run(&[
        ("apis/a/apiInformation.json", &current),
        ("apis/a;rev=2/apiInformation.json", &current),
    ]);
    let found = errors(&outcome);
    assert!(
        found.len() == 1 && found[0].contains("says that it is current"),
        "{found:?}"
    );
}

#[test]
fn a_revision_that_is_not_there_is_missed() {
    let information = api("");
    let with = |revision: &str| {
        let release = format!(r#"{{"properties":{{"apiId":"/apis/a;rev={revision}"}}}}"#);
        run(&[
            ("apis/a/apiInformation.json", &information),
            ("apis/a/specification.json", SPEC),
            ("apis/a/releases/r/apiReleaseInformation.json", &release),
        ])
    };
    assert_eq!(errors(&with("1")), Vec::<String>::new());
    let found = common::shown(&with("9"));
    assert!(
        found.iter().any(|f| f.starts_with("APIM4006 ") && f.contains("`a;rev=9`")),
        "{found:?}"
    );
}

#[test]
fn an_operation_waits_for_the_schema_that_it_names() {
    let operation = |schema: &str| {
        format!(
            r#"{{"properties":{{"displayName":"O","method":"POST","urlTemplate":"/o","request":{{"representations":[{{"contentType":"application/json","schemaId":"{schema}","typeName":"t"}}]}}}}}}"#
        )
    };
    let schema =
        r#"{"properties":{"contentType":"application/json","document":{"definitions":{}}}}"#;
    let information = api("");
    let with = |name: &str| {
        run(&[
            ("apis/a/apiInformation.json", &information),
            ("apis/a/schemas/s1/apiSchemaInformation.json", schema),
            (
                "apis/a/operations/o/operationInformation.json",
                &operation(name),
            ),
        ])
    };
    let first = template(&with("s1"));
    let needs = resource(&first, "/operations")["dependsOn"].to_string();
    assert!(needs.contains("/schemas"), "{needs}");
    let outcome = with("s2");
    let found = common::shown(&outcome);
    assert!(found.iter().any(|f| f.starts_with("APIM1042 ") && f.contains("`s2`")), "{found:?}");
    assert!(!template(&outcome).to_string().contains("schemaId"));
}

#[test]
fn tags_in_the_file_of_a_product_are_links() {
    let outcome = run(&[
        (
            "products/p/productInformation.json",
            r#"{"properties":{"displayName":"P","tags":[{"name":"t"}]}}"#,
        ),
        (
            "tags/t/tagInformation.json",
            r#"{"properties":{"displayName":"T"}}"#,
        ),
        ("apis/a/apiInformation.json", &api("")),
        ("apis/a/specification.json", SPEC),
    ]);
    let template = template(&outcome);
    let link = resource(&template, "products/tags");
    assert!(
        link["name"].as_str().unwrap().contains("'p', 't'")
            || link["name"].to_string().contains("p/t"),
        "{link}"
    );
    assert!(resource(&template, "service/products")["properties"]["tags"].is_null());
}

#[test]
fn credentials_of_a_backend_are_in_no_file() {
    let backend = r#"{"properties":{"url":"https://b","protocol":"http","credentials":{
        "header":{"x-functions-key":["CLEARKEY1"],"x-tenant":["{{tenant}}"]},
        "query":{"code":["CLEARKEY2"]},
        "authorization":{"scheme":"Basic","parameter":"CLEARKEY3"}}}}"#;
    let outcome = run(&[
        ("backends/b/backendInformation.json", backend),
        (
            "namedValues/tenant/namedValueInformation.json",
            r#"{"properties":{"displayName":"tenant","value":"t"}}"#,
        ),
        ("apis/a/apiInformation.json", &api("")),
        ("apis/a/specification.json", SPEC),
    ]);
    let told = common::shown(&outcome)
        .iter()
        .filter(|f| f.contains("APIM5001"))
        .count();
    assert_eq!(told, 3);
    for (path, bytes) in common::files(&outcome) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("CLEARKEY"), "{path}");
    }
    let template = template(&outcome);
    let header = &resource(&template, "/backends")["properties"]["credentials"]["header"];
    assert_eq!(header["x-tenant"][0], "{{tenant}}");
}

#[test]
fn a_parameter_takes_the_words_that_azure_takes() {
    let files = [
        (
            "configuration.prod.yaml",
            "products:\n- name: p\n  properties: {state: published}\n",
        ),
        (
            "products/p/productInformation.json",
            r#"{"properties":{"displayName":"P","state":"notPublished"}}"#,
        ),
        ("apis/a/apiInformation.json", &api("")),
        ("apis/a/specification.json", SPEC),
    ];
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    let outcome = common::run(&common::tree_of(&files), &options);
    let parameter = &template(&outcome)["parameters"]["productPState"];
    assert_eq!(
        parameter["allowedValues"],
        serde_json::json!(["notPublished", "published"])
    );
    let bicep = String::from_utf8(common::files(&outcome)["bicep/main.bicep"].clone()).unwrap();
    assert!(
        bicep.contains(
            "@allowed([\n  'notPublished'\n  'published'\n])\nparam productPState string"
        ),
        "{bicep}"
    );
}

#[test]
fn a_service_has_a_name_that_azure_takes() {
    let information = api("");
    let tree = common::tree_of(&[
        ("apis/a/apiInformation.json", &information),
        ("apis/a/specification.json", SPEC),
    ]);
    for (name, good) in [
        ("contoso-prod", true),
        ("bad name!", false),
        ("1st", false),
        ("end-", false),
    ] {
        let options = Options {
            service: Some(name.to_owned()),
            ..Options::default()
        };
        assert_eq!(
            common::run(&tree, &options).bundle.is_some(),
            good,
            "{name}"
        );
    }
}

/// A definition that is too large still has its files.
#[test]
fn files_of_a_refused_definition_are_claimed() {
    let large = format!(
        r#"{{"type":"object","description":"{}"}}"#,
        "x".repeat(5 << 20)
    );
    let spec = SPEC.replace(r#""responses""#, r##""requestBody":{"content":{"application/json":{"schema":{"$ref":"large.json"}}}},"responses""##);
    let outcome = run(&[
        ("apis/a/apiInformation.json", &api("")),
        ("apis/a/specification.json", &spec),
        ("apis/a/large.json", &large),
    ]);
    let found = common::shown(&outcome);
    assert!(found.iter().any(|f| f.contains("APIM7004")), "{found:?}");
    assert!(
        !found.iter().any(|f| f.contains("nothing reads")),
        "{found:?}"
    );
}
