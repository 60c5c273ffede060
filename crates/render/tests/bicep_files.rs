//! Bicep as a person would write it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code"
)]

mod common;
#[path = "../../../tests/support/mod.rs"]
mod support;

use common::{DEFINITION, api, differences, file, made, options};
use flux_apim_render::Options;

const HEX: &str = "5f0c2a9b8d7e6f5a4b3c2d1e";

#[test]
fn generated_names_are_called_by_their_display_names() {
    let mut files = api("a", DEFINITION);
    let named_value = r#"{"properties": {"displayName": "orders-host", "value": "v"}}"#;
    files.push(file(
        format!("namedValues/{HEX}/namedValueInformation.json"),
        named_value,
    ));
    let made = made(&files, &options());
    let main = made.file("bicep/main.bicep");
    assert!(main.contains("resource namedValueOrdersHost "), "{main}");
    assert!(main.contains(&format!("name: '{HEX}'")));
    assert_eq!(differences(&made), Vec::<String>::new());
}

#[test]
fn a_secret_may_be_left_out_and_the_parameters_build_with_nothing_set() {
    let mut files = api("a", DEFINITION);
    let secret = r#"{"properties": {"displayName": "partner-key", "secret": true}}"#;
    files.push(file(
        "namedValues/partner-key/namedValueInformation.json",
        secret,
    ));
    let policy = "<policies><inbound><set-header name=\"k\"><value>{{partner-key}}</value></set-header></inbound></policies>";
    files.push(file("apis/a/policy.xml", policy));
    let options = Options {
        service: None,
        ..options()
    };
    let made = made(&files, &options);
    let main = made.file("bicep/main.bicep");
    assert!(main.contains("@secure()\nparam namedValuePartnerKeyValue string = ''\n"));
    assert!(main.contains(" = if (!empty(namedValuePartnerKeyValue)) {\n"));
    let parameters = made.file("bicep/main.bicepparam");
    assert!(
        parameters
            .contains("param apimServiceName = readEnvironmentVariable('APIM_SERVICE_NAME', '')\n")
    );
    assert!(parameters.contains("readEnvironmentVariable('NAMED_VALUE_PARTNER_KEY_VALUE', '')"));
    assert_eq!(differences(&made), Vec::<String>::new());
}

#[test]
fn tags_of_an_api_are_one_loop() {
    let mut files = api("a", DEFINITION);
    for tag in ["red", "green", "blue"] {
        let text = format!(r#"{{"properties": {{"displayName": "{tag}"}}}}"#);
        files.push(file(format!("tags/{tag}/tagInformation.json"), text));
    }
    files.push(file(
        "apis/a/tags.json",
        r#"[{"name": "red"}, {"name": "green"}, {"name": "blue"}]"#,
    ));
    let made = made(&files, &options());
    let module = made.file("bicep/modules/a.bicep");
    let expected = "
var apiTagsNames = [
  'blue'
  'green'
  'red'
]

@batchSize(1)
resource apiTags 'Microsoft.ApiManagement/service/apis/tags@2024-05-01' = [
  for name in apiTagsNames: {
    parent: api
    name: name
  }
]
";
    assert!(module.contains(expected), "{module}");
    assert!(!module.contains("\n  name: 'a'\n}"), "{module}");
    assert_eq!(differences(&made), Vec::<String>::new());
}

/// Modules have no names: those would be the same for two services of a resource group.
#[test]
fn modules_have_no_names_and_two_rules_are_off() {
    let made = made(&api("a", DEFINITION), &options());
    let main = made.file("bicep/main.bicep");
    assert!(
        main.contains("module apiA 'modules/a.bicep' = {\n  params: {"),
        "{main}"
    );
    let config: serde_json::Value =
        serde_json::from_str(made.file("bicep/bicepconfig.json")).unwrap();
    let rules = config["analyzers"]["core"]["rules"].as_object().unwrap();
    let names: Vec<&String> = rules.keys().collect();
    assert_eq!(names, ["no-hardcoded-env-urls", "secure-secrets-in-params"]);
    assert!(rules.values().all(|rule| rule["level"] == "off"));
}

/// It needs no `existing` resource, and waits.
#[test]
fn an_id_of_an_api_is_the_output_of_its_module() {
    let mut files = api("a", DEFINITION);
    let subscription = r#"{"properties": {"displayName": "s", "scope": "/apis/a"}}"#;
    files.push(file(
        "subscriptions/s/subscriptionInformation.json",
        subscription,
    ));
    let made = made(&files, &options());
    let main = made.file("bicep/main.bicep");
    assert!(main.contains("scope: apiA.outputs.id"), "{main}");
    assert_eq!(main.matches(" existing = {").count(), 1);
    assert_eq!(differences(&made), Vec::<String>::new());
}

/// Bicep's compiler warns of what is not there though its type wants it (BCP035).
#[test]
fn a_diagnostic_without_a_logger_is_meant() {
    let mut files = api("a", DEFINITION);
    for (name, properties) in [
        ("local", r#"{"verbosity": "information"}"#),
        ("applicationinsights", r#"{"loggerId": "/loggers/l"}"#),
    ] {
        files.push(file(
            format!("apis/a/diagnostics/{name}/diagnosticInformation.json"),
            format!("{{\"properties\": {properties}}}"),
        ));
    }
    let logger = r#"{"properties": {"loggerType": "applicationInsights", "resourceId": "/subscriptions/s"}}"#;
    files.push(file("loggers/l/loggerInformation.json", logger));
    let made = made(&files, &options());
    let module = made.file("bicep/modules/a.bicep");
    let (before, local) = module.split_once("name: 'local'\n").unwrap();
    assert!(local.starts_with("  // "), "{module}");
    let lines: Vec<&str> = local.lines().take(3).collect();
    assert_eq!(
        lines[1..],
        ["  #disable-next-line BCP035", "  properties: {"]
    );
    assert_eq!(module.matches("#disable").count(), 1, "{before}");
    assert_eq!(differences(&made), Vec::<String>::new());
}
