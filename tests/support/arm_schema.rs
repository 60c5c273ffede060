//! Validates ARM templates against the provider's official JSON schema.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Res;

const COMMON: &str = "common/definitions.json";
const COMMON_URI: &str = "https://schema.management.azure.com/schemas/common/definitions.json";

/// The schema, one validator per resource type.
pub(crate) struct ArmSchema {
    validators: BTreeMap<String, Validator>,
}

impl ArmSchema {
    /// Loads that of `api_version` from the corpus folder of ARM schemas
    /// (`.../schemas/arm`).
    pub(crate) fn load(folder: &Path, api_version: &str) -> Res<Self> {
        let read = |name: &str| -> Res<Value> {
            let text =
                std::fs::read_to_string(folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
            serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))
        };
        let provider = format!("{api_version}/Microsoft.ApiManagement.json");
        Self::new(read(&provider)?, &read(COMMON)?)
    }

    fn new(mut provider: Value, common: &Value) -> Res<Self> {
        // Both documents become one, so that there is nothing left to fetch.
        let common = common["definitions"].clone();
        let expression = json!({"type": "string", "pattern": "^\\[[^\\[].*\\]$"});
        rewrite(&mut provider);
        let definitions = provider["definitions"]
            .as_object_mut()
            .ok_or("no definitions")?;
        for (name, mut definition) in common
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, v)| (k, v.clone()))
        {
            rewrite(&mut definition);
            definitions.insert(format!("common.{name}"), definition);
        }
        definitions.insert("common.expression".into(), expression);
        let definitions = provider["definitions"].clone();
        let mut validators = BTreeMap::new();
        for (_, resource) in provider["resourceDefinitions"]
            .as_object()
            .ok_or("no resourceDefinitions")?
        {
            let Some(type_) = resource["properties"]["type"]["enum"][0].as_str() else {
                continue;
            };
            if !type_.starts_with("Microsoft.ApiManagement/service/") {
                continue;
            }
            let mut schema = resource.clone();
            if let Some(name) = schema["properties"].get_mut("name") {
                *name =
                    json!({"anyOf": [{"$ref": "#/definitions/common.expression"}, name.take()]});
            }
            schema["properties"]["dependsOn"] =
                json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
            schema["properties"]["comments"] = json!({"type": "string"});
            schema["$schema"] = json!("http://json-schema.org/draft-04/schema#");
            schema["definitions"] = definitions.clone();
            prune(&mut schema);
            let validator = jsonschema::options()
                .offline()
                .with_draft(jsonschema::Draft::Draft4)
                .build(&schema)
                .map_err(|e| format!("{type_}: {e}"))?;
            validators.insert(type_.to_owned(), validator);
        }
        Ok(Self { validators })
    }

    /// Everything wrong with the API Management resources of a template.
    pub(crate) fn check(&self, template: &Value) -> Vec<String> {
        let Some(resources) = template["resources"].as_array() else {
            return vec!["no resources".into()];
        };
        let mut found = Vec::new();
        for (i, resource) in resources.iter().enumerate() {
            let type_ = resource["type"].as_str().unwrap_or_default();
            if type_ == "Microsoft.Resources/deployments" {
                continue;
            }
            let Some(validator) = self.validators.get(type_) else {
                found.push(format!(
                    "resources/{i}: type {type_:?} is not in the schema"
                ));
                continue;
            };
            // The schema of templates has it, those of resources do not.
            let mut unconditional = resource.clone();
            if let Some(members) = unconditional.as_object_mut() {
                members.shift_remove("condition");
            }
            let errors = validator.iter_errors(&unconditional);
            found.extend(
                errors.map(|e| format!("{type_} {} {}: {e}", resource["name"], e.instance_path())),
            );
        }
        found
    }
}

/// Points references to the common document inwards, makes `oneOf` with an
/// expression `anyOf` (an expression is a string too, so both can match), and
/// closes objects: the schema is open, and would let misspelt properties pass.
fn rewrite(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref") {
                *target = target.replace(
                    &format!("{COMMON_URI}#/definitions/"),
                    "#/definitions/common.",
                );
            }
            let with_expression = map.get("oneOf").is_some_and(|one| {
                one.as_array().is_some_and(|o| {
                    o.iter().any(|s| {
                        s["$ref"]
                            .as_str()
                            .is_some_and(|r| r.ends_with("/expression"))
                    })
                })
            });
            if with_expression && let Some(one) = map.shift_remove("oneOf") {
                map.insert("anyOf".into(), one);
            }
            let object = map.get("properties").is_some_and(Value::is_object)
                && map.get("type").is_some_and(|t| t == "object");
            let open = ["additionalProperties", "allOf", "oneOf", "anyOf"];
            if object && !open.iter().any(|k| map.contains_key(*k)) {
                map.insert("additionalProperties".into(), false.into());
            }
            for value in map.values_mut() {
                rewrite(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        _ => {}
    }
}

/// Drops the definitions that a schema does not reach.
fn prune(schema: &mut Value) {
    let Some(Value::Object(definitions)) = schema
        .as_object_mut()
        .and_then(|s| s.shift_remove("definitions"))
    else {
        return;
    };
    // Nested resources are not rendered; without them little is left to build.
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.shift_remove("resources");
    }
    let mut kept = serde_json::Map::new();
    let mut todo = references(schema);
    while let Some(name) = todo.pop() {
        if let Some(definition) = definitions.get(&name)
            && !kept.contains_key(&name)
        {
            todo.extend(references(definition));
            kept.insert(name, definition.clone());
        }
    }
    schema["definitions"] = kept.into();
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(target) if key == "$ref" => target
                    .strip_prefix("#/definitions/")
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                value => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
