//! Templates that Azure takes, however many resources there are.
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

use common::{DEFINITION, api, file, made_for, named_value};
use flux_apim_render::Target;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An API and so many named values.
fn named_values(count: usize) -> Vec<(String, String)> {
    let mut files = api("a", DEFINITION);
    files.extend((1..count).map(|n| named_value(&format!("n{n:04}"))));
    files
}

#[test]
fn up_to_800_resources_are_one_template() {
    let made = made_for(&named_values(800), Target::ARM);
    let main = json(made.file("arm/main.json"));
    assert_eq!(main["resources"].as_array().unwrap().len(), 800);
    assert_eq!(
        main["metadata"]["description"],
        "API Management configuration"
    );
}

/// More are deployments inside of the template: nothing is linked, so that the file can be
/// deployed from where it lies.
#[test]
fn more_are_inside_of_each_other() {
    let made = made_for(&named_values(2000), Target::ARM);
    let paths: Vec<&String> = made
        .files
        .keys()
        .filter(|path| path.starts_with("arm/"))
        .collect();
    assert_eq!(paths, ["arm/main.json", "arm/parameters.json"]);
    let text = made.file("arm/main.json");
    assert!(!text.contains("relativePath"));
    let main = json(text);
    let deployments = main["resources"].as_array().unwrap();
    assert_eq!(deployments.len(), 3);
    for (n, deployment) in deployments.iter().enumerate() {
        assert!(deployment.to_string().len() <= 1024 * 1024);
        let inner = deployment["properties"]["template"]["resources"]
            .as_array()
            .unwrap();
        assert!(inner.len() <= 800);
        // The name is another one for another service, and for another version.
        let name = deployment["name"].as_str().unwrap();
        assert!(name.contains("parameters('apimServiceName')"), "{name}");
        assert_eq!(deployment.get("dependsOn").is_some(), n > 0);
    }
    let others = made_for(&named_values(805), Target::ARM);
    let read = support::arm::read(&others.files).unwrap();
    assert_eq!(read.resources.len(), 805);
    let others = json(others.file("arm/main.json"));
    assert_ne!(others["resources"][0]["name"], main["resources"][0]["name"]);
}

/// What no template takes is files, with a script that deploys them from their folder.
#[test]
#[expect(
    clippy::disallowed_types,
    reason = "a shell says whether it can read the script"
)]
fn what_is_larger_is_deployed_by_a_script() {
    let long = format!("{{\"x-data\": \"{}\", ", "x".repeat(700_000));
    let definition = DEFINITION.replacen('{', &long, 1);
    let mut files: Vec<_> = (0..7)
        .flat_map(|n| api(&format!("a{n}"), &definition))
        .collect();
    files.push(file(
        "namedValues/s/namedValueInformation.json",
        r#"{"properties": {"displayName": "s", "secret": true}}"#,
    ));
    let made = made_for(&files, Target::ARM);
    let script = made.file("arm/deploy.sh");
    let parts: Vec<&String> = made
        .files
        .keys()
        .filter(|path| path.starts_with("arm/parts/"))
        .collect();
    assert_eq!(parts.len(), 2);
    let declared = |path: &str| -> Vec<String> {
        let template = json(made.file(path));
        template["parameters"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    for part in parts {
        let relative = part.strip_prefix("arm/").unwrap();
        assert!(
            script.contains(&format!("deploy {relative} \"$@\"\n")),
            "{script}"
        );
        // One file of parameters, and one list of secrets, is right for each.
        assert_eq!(declared(part), ["apimServiceName", "namedValueSValue"]);
    }
    assert!(script.contains("${APIM_SERVICE_NAME:-contoso-apim}"));
    support::arm::read(&made.files).unwrap();
    let shell = std::process::Command::new("sh")
        .arg("-n")
        .arg("-c")
        .arg(script)
        .output();
    let shell = shell.unwrap();
    assert!(
        shell.status.success(),
        "{}",
        String::from_utf8_lossy(&shell.stderr)
    );
}

#[test]
fn a_secret_that_may_be_left_out_has_a_condition() {
    let mut files = api("a", DEFINITION);
    let secret = r#"{"properties": {"displayName": "s", "secret": true}}"#;
    files.push(file("namedValues/s/namedValueInformation.json", secret));
    let made = made_for(&files, Target::ARM);
    let main = json(made.file("arm/main.json"));
    let parameter = &main["parameters"]["namedValueSValue"];
    assert_eq!(parameter["type"], "securestring");
    assert_eq!(parameter["defaultValue"], "");
    let resources = main["resources"].as_array().unwrap();
    let conditions: Vec<&Value> = resources
        .iter()
        .filter_map(|r| r.get("condition"))
        .collect();
    assert_eq!(conditions, ["[not(empty(parameters('namedValueSValue')))]"]);
    let parameters = json(made.file("arm/parameters.json"));
    assert!(parameters["parameters"].get("namedValueSValue").is_none());
}

/// Azure checks all policies when the display name of one changes: they are written one
/// after the other, and behind one that may be left out nothing else waits.
#[test]
fn named_values_follow_each_other() {
    let mut files = api("a", DEFINITION);
    files.extend(["n1", "n2", "n3"].map(named_value));
    for name in ["m", "n2-secret"] {
        files.push(file(
            format!("namedValues/{name}/namedValueInformation.json"),
            format!("{{\"properties\": {{\"displayName\": \"{name}\", \"secret\": true}}}}"),
        ));
    }
    let policy = "<policies><inbound><set-header name=\"k\"><value>{{m}}{{n1}}{{n2-secret}}</value></set-header></inbound></policies>";
    files.push(file("apis/a/policy.xml", policy));
    let made = made_for(&files, Target::ARM);
    let main = json(made.file("arm/main.json"));
    let waits = |kind: &str, name: &str| -> Vec<String> {
        let resources = main["resources"].as_array().unwrap().iter();
        let mut found = resources.filter(|resource| {
            let named = resource["name"]
                .as_str()
                .unwrap()
                .contains(&format!("'{name}'"));
            named && resource["type"].as_str().unwrap().ends_with(kind)
        });
        let waits = found.next().unwrap()["dependsOn"].as_array().cloned();
        let waits = waits.unwrap_or_default().into_iter();
        waits
            .map(|id| id.as_str().unwrap().rsplit('\'').nth(1).unwrap().to_owned())
            .collect()
    };
    for optional in ["m", "n2-secret"] {
        assert_eq!(waits("namedValues", optional), [""; 0], "{optional}");
    }
    assert_eq!(waits("namedValues", "n1"), ["m", "n2-secret"]);
    assert_eq!(waits("namedValues", "n2"), ["n1"]);
    assert_eq!(waits("namedValues", "n3"), ["n2"]);
    // What is implied is implied by one that is always there.
    assert_eq!(waits("policies", "a"), ["n1", "a"]);
}
