//! What Microsoft's compiler and engine refuse is not in the Bicep files: at each limit,
//! one below and one above. The reader of the tests refuses what they refuse.
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

use common::{DEFINITION, Made, api, differences, file, made, made_for, named_value, options};
use flux_apim_render::Target;

const MAX_TEXT: usize = 131_072;

fn policy(comment: &str) -> String {
    format!(
        "<policies><inbound><base /><!--{comment}--></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
    )
}

/// A policy of so many characters.
fn policy_of(units: usize) -> String {
    policy(&"x".repeat(units - policy("").len()))
}

/// A definition with `members` in its `x-data`.
fn definition_with(members: &str) -> String {
    DEFINITION.replacen('{', &format!("{{\"x-data\": {{{members}}}, "), 1)
}

/// Many small texts.
fn words(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\": \"v{n}\"")).collect();
    members.join(", ")
}

/// Rendered as ARM and Bicep, which agree, without a word about Bicep.
fn agreed(files: &[(String, String)]) -> Made {
    let options = flux_apim_render::Options {
        targets: vec![Target::ARM, Target::BICEP],
        ..options()
    };
    let made = made(files, &options);
    assert!(!made.codes().contains(&7005), "{:?}", made.found);
    let wrong = differences(&made);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    made
}

/// Refused as Bicep, and none of its files is there.
fn refused(files: &[(String, String)]) -> String {
    let made = made_for(files, Target::BICEP);
    let (code, message) = made.found.first().unwrap();
    assert_eq!(*code, 7005, "{:?}", made.found);
    let bicep = made.files.keys().find(|path| path.starts_with("bicep/"));
    assert_eq!(bicep, None);
    message.clone()
}

#[test]
fn a_policy_is_loaded_as_long_as_the_compiler_takes_it() {
    let with = |units| {
        let mut files = api("a", DEFINITION);
        files.push(file("apis/a/policy.xml", policy_of(units)));
        agreed(&files)
    };
    let loaded = with(MAX_TEXT);
    assert!(
        loaded
            .file("bicep/modules/a.bicep")
            .contains("loadTextContent('../content/apis/a/policy.xml')")
    );
    let template = with(MAX_TEXT + 1);
    let module = template.file("bicep/modules/a.bicep");
    assert!(
        module.contains("module apiPolicyA 'api-policy-a.json' = {"),
        "{module}"
    );
    assert!(
        !template
            .files
            .contains_key("bicep/content/apis/a/policy.xml")
    );
    // Byte for byte the same.
    let text = template.file("bicep/modules/api-policy-a.json");
    let text: serde_json::Value = serde_json::from_str(text).unwrap();
    let value = &text["resources"][0]["properties"]["value"];
    assert_eq!(value.as_str().unwrap(), policy_of(MAX_TEXT + 1));
}

#[test]
fn a_large_definition_is_one_file_that_people_can_open() {
    let made = agreed(&api("a", &definition_with(&words(9000))));
    let module = made.file("bicep/modules/a.bicep");
    assert!(module.contains("value: string(loadJsonContent('../content/apis/a/definition.json'))"));
    let text = made.file("bicep/content/apis/a/definition.json");
    assert!(text.len() > MAX_TEXT);
    assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
}

/// What `loadJsonContent` would change, or not take, is text of an ARM template.
#[test]
fn a_definition_that_json_would_change_is_a_literal() {
    let long = format!("\"t\": \"{}\"", "x".repeat(MAX_TEXT + 1));
    for member in [
        "\"n\": 1.0",
        "\"n\": -0",
        "\"n\": 1e3",
        "\"n\": 12345678901234567890",
        "\"a\": 1, \"A\": 2",
        &long,
    ] {
        let members = format!("{}, {member}", words(9000));
        let made = agreed(&api("a", &definition_with(&members)));
        let main = made.file("bicep/modules/a.bicep");
        assert!(
            main.contains("module apiA 'api-a.json' = {"),
            "{member}\n{main}"
        );
        assert!(main.contains("output id string = apiA.outputs.id"));
        assert!(
            !made
                .files
                .contains_key("bicep/content/apis/a/definition.json")
        );
    }
}

#[test]
fn a_definition_of_nearly_a_megabyte_deploys_and_one_of_three_is_refused() {
    let of = |bytes: usize| format!("\"t\": \"{}\"", "x".repeat(bytes));
    let mut files = api("a", &definition_with(&of(900_000)));
    files.push(file("apis/a/policy.xml", policy("")));
    let made = agreed(&files);
    let module = made.file("bicep/modules/a.bicep");
    // What belongs to the API waits for the module that it is.
    assert!(
        module.contains("name: '${apimServiceName}/a/policy'"),
        "{module}"
    );
    assert!(module.contains("  dependsOn: [\n    apiA\n  ]"), "{module}");
    let message = refused(&api("a", &definition_with(&of(3_000_000))));
    assert!(message.contains("API `a`"), "{message}");
}

#[test]
fn keys_integers_and_literals_that_the_compiler_does_not_take() {
    let words = r#"{"null": 1, "true": 2, "false": [{"null": 3}], "nil": 4}"#;
    let schema = format!(
        r#"{{"properties": {{"contentType": "application/json", "document": {{"definitions": {words}}}}}}}"#
    );
    let mut files = api("a", DEFINITION);
    files.push(file("apis/a/schemas/s/apiSchemaInformation.json", schema));
    let made = agreed(&files);
    let module = made.file("bicep/modules/a.bicep");
    for key in ["'null': 1", "'true': 2", "'false': [", "nil: 4"] {
        assert!(module.contains(key), "{module}");
    }
    // Numbers of more than 64 bits, and texts that are no literal.
    let long = "x".repeat(MAX_TEXT + 1);
    for (value, template) in [
        ("9223372036854775807", false),
        ("9223372036854775808", true),
        ("0.5", false),
        ("1.0", true),
        (&*format!("\"{}\"", &long[1..]), false),
        (&*format!("\"{long}\""), true),
    ] {
        let schema = format!(
            r#"{{"properties": {{"contentType": "application/json", "document": {{"definitions": {{"x": {value}}}}}}}}}"#
        );
        let mut files = api("a", DEFINITION);
        files.push(file("apis/a/schemas/s/apiSchemaInformation.json", schema));
        let made = agreed(&files);
        let found = made.files.contains_key("bicep/modules/schema-a-s.json");
        assert_eq!(found, template, "{}", &value[..value.len().min(30)]);
    }
}

fn fragments(count: usize) -> Vec<(String, String)> {
    let mut files = api("a", DEFINITION);
    for n in 0..count {
        let text = "<fragment><base-url /></fragment>".replace("base-url", "return-response");
        files.push(file(format!("policyFragments/f{n:04}/policy.xml"), text));
    }
    files
}

#[test]
fn a_file_loads_250_texts() {
    let made = agreed(&fragments(250));
    assert_eq!(
        made.file("bicep/main.bicep")
            .matches("loadTextContent")
            .count(),
        250
    );
    let made = agreed(&fragments(251));
    assert_eq!(
        made.file("bicep/main.bicep")
            .matches("loadTextContent")
            .count(),
        0
    );
    let part = made.file("bicep/modules/policy-fragments.bicep");
    assert_eq!(part.matches("loadTextContent").count(), 250);
}

#[test]
fn a_file_has_800_resources() {
    let with = |count: usize| {
        let mut files = api("a", DEFINITION);
        files.extend((0..count).map(|n| named_value(&format!("n{n:04}"))));
        agreed(&files)
    };
    // The service and the module of the API are two.
    let made = with(798);
    assert_eq!(
        made.file("bicep/main.bicep").matches("\nresource ").count(),
        799
    );
    let made = with(799);
    let main = made.file("bicep/main.bicep");
    assert!(
        main.contains("module namedValues 'modules/named-values.bicep'"),
        "{main}"
    );
}

#[test]
fn an_api_with_more_operation_policies_than_a_file_takes() {
    for count in [410, 810] {
        let operations: Vec<String> = (0..count)
            .map(|n| format!(r#""/p{n}": {{"get": {{"operationId": "op{n}", "responses": {{"200": {{"description": "ok"}}}}}}}}"#))
            .collect();
        let definition = format!(
            r#"{{"openapi": "3.0.1", "info": {{"title": "A", "version": "1"}}, "paths": {{{}}}}}"#,
            operations.join(",")
        );
        let mut files = api("a", &definition);
        for n in 0..count {
            files.push(file(
                format!("apis/a/operations/op{n}/policy.xml"),
                policy(""),
            ));
        }
        // Comparing the order of more takes minutes.
        let made = match count {
            410 => agreed(&files),
            _ => made_for(&files, Target::BICEP),
        };
        assert!(made.found.is_empty(), "{:?}", made.found);
        let modules = made
            .files
            .keys()
            .filter(|path| path.starts_with("bicep/modules/a"));
        assert_eq!(modules.count(), usize::div_ceil(count, 250));
        // No operation is named as `existing`.
        let module = made.file("bicep/modules/a.bicep");
        assert_eq!(module.matches("existing = {").count(), 1);
    }
}

/// So many APIs that use named values and are in a product.
fn apis(count: usize, named_values: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for n in 0..count {
        files.extend(api(&format!("a{n}"), DEFINITION));
        let text = policy(&format!("{{{{n{n:04}}}}}"));
        files.push(file(format!("apis/a{n}/policy.xml"), text));
        let link = format!("products/p/apis/a{n}/productApiInformation.json");
        files.push(file(link, "{}"));
    }
    files.extend((0..named_values).map(|n| named_value(&format!("n{n:04}"))));
    let product = r#"{"properties": {"displayName": "P"}}"#;
    files.push(file("products/p/productInformation.json", product));
    files
}

#[test]
fn links_of_a_product_in_parts() {
    let made = agreed(&apis(12, 850));
    let main = made.file("bicep/main.bicep");
    assert!(main.contains("module namedValues "), "{main}");
    // One template that has the others inside of it: there is nothing to link to.
    assert!(!made.files.keys().any(|path| path.starts_with("arm/parts/")));
    assert!(made.file("arm/main.json").contains("\"scope\": \"inner\""));
}

#[test]
fn many_apis_and_named_values() {
    let made = made_for(&apis(300, 1500), Target::BICEP);
    assert!(made.found.is_empty(), "{:?}", made.found);
    let main = made.file("bicep/main.bicep");
    assert!(main.contains("module namedValues2 "), "{main}");
    for (path, text) in made
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".bicep"))
    {
        let count = |word: &str| text.matches(word).count();
        // The links are one loop of 300.
        let links = if text.contains("@batchSize(1)") {
            300
        } else {
            0
        };
        let resources = count("\nresource ") + count("\nmodule ") + links;
        assert!(resources <= 800, "{path}: {resources}");
        assert!(count("loadTextContent(") <= 250, "{path}");
    }
}

#[test]
fn a_compiled_template_has_four_megabytes() {
    let with = |count: usize| {
        let definition = definition_with(&format!("\"t\": \"{}\"", "x".repeat(600_000)));
        let files = (0..count).flat_map(|n| api(&format!("a{n}"), &definition));
        files.collect::<Vec<_>>()
    };
    agreed(&with(6));
    let message = refused(&with(7));
    assert!(message.contains("4194304"), "{message}");
    // Read as JSON these would be more than four megabytes, as text they are two.
    let definition = definition_with(&words(20_000));
    let files: Vec<_> = (0..5)
        .flat_map(|n| api(&format!("a{n}"), &definition))
        .collect();
    let made = agreed(&files);
    assert!(
        !made
            .files
            .values()
            .any(|text| text.contains("loadJsonContent"))
    );
}

#[test]
fn a_parameter_is_no_longer_than_the_compiler_takes() {
    let with = |units: usize| {
        let mut files = api("a", DEFINITION);
        files.push(named_value("n"));
        let text = format!(
            "namedValues:\n  - name: n\n    properties:\n      value: {}\n",
            "x".repeat(units)
        );
        files.push(file("configuration.prod.yaml", text));
        let files = files.iter().map(|(path, text)| {
            let path = flux_apim_diag::tree::ArtifactPath::parse(path).unwrap();
            (path, text.clone().into_bytes())
        });
        let tree = flux_apim_diag::tree::SourceTree::in_memory(files.collect());
        common::render(&tree, Some("prod"), &options())
            .unwrap()
            .codes()
            .contains(&7005)
    };
    assert!(!with(MAX_TEXT));
    assert!(with(MAX_TEXT + 1));
}
