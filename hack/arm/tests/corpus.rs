//! Templates that other people wrote: those of the corpus, if it is there.
//!
//! A parameter without default gets a value of its type, so that a template is expanded as
//! far as it can be without knowing what it is about.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test code that reads files"
)]

use std::path::{Path, PathBuf};

use arm_template::{Context, Place, expand};
use serde_json::{Map, Value, json};

/// A value that a declaration takes, or null.
fn value_for(declared: &Map<String, Value>, definitions: &Value, depth: usize) -> Value {
    if depth > 12 {
        return Value::Null;
    }
    if let Some(reference) = declared.get("$ref").and_then(Value::as_str) {
        let name = reference.trim_start_matches("#/definitions/");
        let found = definitions[name].as_object().cloned().unwrap_or_default();
        return value_for(&found, definitions, depth + 1);
    }
    if let Some(first) = declared
        .get("allowedValues")
        .and_then(|all| all.as_array()?.first())
    {
        let kind = declared
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return if kind == "array" && !first.is_array() {
            json!([first])
        } else {
            first.clone()
        };
    }
    let least = declared.get("minLength").and_then(Value::as_u64);
    let kind = declared
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind.to_lowercase().as_str() {
        "string" | "securestring" => {
            let size = usize::try_from(least.unwrap_or(3)).unwrap_or(3).max(3);
            json!("abcdefghij".repeat(size / 10 + 1)[..size])
        }
        "int" => declared.get("minValue").cloned().unwrap_or(json!(1)),
        "bool" => json!(true),
        "array" => {
            let item = declared.get("items").and_then(Value::as_object);
            let size = usize::try_from(least.unwrap_or(0)).unwrap_or(0);
            let item = item.map_or(json!("abc"), |item| value_for(item, definitions, depth + 1));
            Value::Array(vec![item; size])
        }
        _ => {
            if let Some(discriminator) = declared.get("discriminator") {
                let (_, schema) = discriminator["mapping"]
                    .as_object()
                    .unwrap()
                    .iter()
                    .next()
                    .unwrap();
                return value_for(schema.as_object().unwrap(), definitions, depth + 1);
            }
            let properties = declared.get("properties").and_then(Value::as_object);
            properties
                .into_iter()
                .flatten()
                .filter(|(_, schema)| schema["nullable"] != json!(true))
                .map(|(name, schema)| {
                    let schema = schema.as_object().unwrap();
                    (name.clone(), value_for(schema, definitions, depth + 1))
                })
                .collect::<Map<_, _>>()
                .into()
        }
    }
}

fn parameters_for(template: &Value) -> Value {
    let mut out = Map::new();
    for (name, declared) in template["parameters"].as_object().into_iter().flatten() {
        let declared = declared.as_object().unwrap();
        if declared.contains_key("defaultValue") || declared.get("nullable") == Some(&json!(true)) {
            continue;
        }
        let value = value_for(declared, &template["definitions"], 0);
        out.insert(name.clone(), json!({ "value": value }));
    }
    Value::Object(out)
}

fn place_for(template: &Value) -> Place {
    let schema = template["$schema"].as_str().unwrap_or_default();
    let subscription_id = "00000000-0000-0000-0000-000000000001".to_owned();
    if schema.contains("subscriptionDeploymentTemplate") {
        Place::Subscription { subscription_id }
    } else if schema.contains("managementGroupDeploymentTemplate") {
        Place::ManagementGroup {
            name: "group".to_owned(),
        }
    } else if schema.contains("tenantDeploymentTemplate") {
        Place::Tenant
    } else {
        Place::ResourceGroup {
            subscription_id,
            name: "group".to_owned(),
        }
    }
}

fn templates(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            templates(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
}

/// The folder that `FLUX_APIM_CORPUS` names, or the one of the repository.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("FLUX_APIM_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/corpus"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

#[test]
fn published_templates_expand_with_their_order_complete() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus (FLUX_APIM_CORPUS)");
        return;
    };
    let mut paths = Vec::new();
    templates(&corpus.join("bicep"), &mut paths);
    paths.sort();
    let (mut expanded, mut resources, mut wrong) = (0, 0, Vec::new());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(template) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}'))
        else {
            continue;
        };
        let schema = template["$schema"].as_str().unwrap_or_default();
        if !schema.contains("eploymentTemplate.json") {
            continue;
        }
        let context = Context {
            place: place_for(&template),
            ..Context::new("", "", "deployment")
        };
        match expand(&template, &parameters_for(&template), &context) {
            Ok(done) => {
                expanded += 1;
                resources += done.resources.len();
                // What is waited for is there.
                for resource in &done.resources {
                    for before in &resource.depends_on {
                        assert!(
                            done.resources.iter().any(|other| other.id == *before),
                            "{}: {before}",
                            path.display()
                        );
                    }
                }
            }
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    println!("{expanded} templates, {resources} resources");
    assert!(
        wrong.is_empty(),
        "{}\n{} refused",
        wrong.join("\n"),
        wrong.len()
    );
    assert!(expanded > 0);
}
