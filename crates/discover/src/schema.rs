//! The JSON Schema of `flux-apim.yaml`, made of the tables that its reader
//! uses, so that editors and the reader agree.

use super::config::TARGETS;
use flux_apim_diag::tree::Limits;
use flux_apim_diag::{HOME, Registry};
use flux_apim_levels::{PRESETS, RULESETS, level_schema};
use flux_apim_model::TIERS;
use flux_apim_model::schema::Schema;
use serde_json::{Map, Value as Json, json};

/// The schema, for editors to complete and check `flux-apim.yaml`. It has the rules of
/// `registry`.
pub fn schema(registry: Registry) -> Json {
    let (rules, definitions) = level_schema(registry);
    let presets = json!({"enum": Vec::from_iter(PRESETS.iter().map(|preset| preset.name))});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("{HOME}/raw/main/docs/flux-apim.schema.json"),
        "title": "flux-apim.yaml",
        "description": "Project configuration of flux-apim: in the root of the project, or in the folder above it.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "service": {
                "type": "string",
                "description": "Name of the API Management service: the value of the parameter apimServiceName.",
            },
            "targets": {
                "type": "array",
                "items": {"enum": TARGETS},
                "uniqueItems": true,
                "description": "What is rendered unless --target says otherwise.",
            },
            "rules": {
                "type": "object",
                "additionalProperties": false,
                "properties": rules,
                "description": "Levels of rules, by code or name.",
            },
            "preset": {
                "anyOf": [presets, {"type": "array", "items": presets}],
                "description": "Levels that match what another tool checks; `rules` stands over them.",
            },
            "ruleset": {
                "enum": RULESETS,
                "description": "The version whose rules count; rules that came later do not.",
            },
            "external": {
                "type": "array",
                "items": {"type": "string", "pattern": "^/?[A-Za-z]+/.+"},
                "description": "Resources that are managed elsewhere, such as loggers/appinsights.",
            },
            "protect": {
                "type": "array",
                "items": {"type": "string", "pattern": "^(\\*|[^/]+/.+)$"},
                "description": "Resources that no deployment deletes, such as products/starter; `*` stands for any text.",
            },
            "limits": {
                "type": "object",
                "additionalProperties": false,
                "properties": limits(),
                "description": "Caps on documents, lower than those of the run.",
            },
            "ignore": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Files that are not read: patterns of .gitignore, relative to the folder of this file.",
            },
            "strict": {
                "type": "boolean",
                "description": "Whether naming what the tree does not have is an error, also where the service may have it.",
            },
            "tier": {
                "enum": Vec::from_iter(TIERS.iter().map(|tier| tier.name)),
                "description": "The tier of the service, as ARM names it: what it takes is checked against its limits and its gateway.",
            },
            "armApiVersion": {
                "enum": Schema::api_versions().collect::<Vec<_>>(),
                "description": "The api-version of the resources, unless --arm-api-version says otherwise.",
            },
            "apis": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "description": "Name of the API."},
                        "properties": {"type": "object", "description": "Properties of the API."},
                    },
                },
                "description": "APIs in the plain layout, by folder or document.",
            },
        },
        "definitions": definitions,
    })
}

fn limits() -> Map<String, Json> {
    Limits::TABLE
        .iter()
        .filter(|limit| limit.of_documents())
        .map(|limit| {
            let schema = json!({
                "type": "integer",
                "minimum": 0,
                "default": limit.default,
                "description": limit.meaning.trim(),
            });
            (limit.field.to_owned(), schema)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_every_setting() {
        let schema = super::schema(flux_apim_diag::Registry::new(&[]));
        let known = schema["properties"].as_object().unwrap();
        let mut known: Vec<&str> = known.keys().map(String::as_str).collect();
        let mut keys = crate::config::KEYS.to_vec();
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(known, keys);
    }
}
