//! JSON Schemas of levels and of an operator's policy, made of the tables that their
//! readers use.

use crate::setting::{KEYS, WORDS};
use crate::{policy, table::MAX_GLOB};
use flux_apim_diag::{HOME, Registry, Rule};
use serde_json::{Map, Value as Json, json};

/// The schema of a mapping of rules, by code and by name, to levels. The level itself is
/// `#/definitions/level`, which is [`level_schema`].
fn rules_schema(registry: Registry) -> Map<String, Json> {
    let level = |rule: &Rule, other: &str| {
        json!({
            "$ref": "#/definitions/level",
            "description": format!("{other}: {} ({}, default: {})", rule.summary, rule.class.as_str(), rule.severity),
        })
    };
    let codes = registry
        .all()
        .iter()
        .map(|rule| (rule.code.to_string(), level(rule, rule.name)));
    let names = registry
        .all()
        .iter()
        .map(|rule| (rule.name.to_owned(), level(rule, &rule.code.to_string())));
    codes.chain(names).collect()
}

/// The properties of a mapping of rules to levels, and the definitions that they refer to.
pub fn level_schema(registry: Registry) -> (Map<String, Json>, Map<String, Json>) {
    let words = json!({"enum": WORDS});
    let [level, reason, until, paths] = KEYS;
    let glob = json!({"type": "string", "minLength": 1, "maxLength": MAX_GLOB});
    let long = json!({
        "type": "object",
        "additionalProperties": false,
        "required": [level],
        "properties": {
            level: words,
            reason: {"type": "string", "description": "Why; a refusal is lowered with a reason only."},
            until: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "The last day on which it holds, as 2027-01-31."},
            paths: {"anyOf": [glob, {"type": "array", "minItems": 1, "items": glob}], "description": "Globs of the paths that it holds for; everything unless given."},
        },
    });
    let definitions = json!({
        "one": {"anyOf": [words, long]},
        "level": {"anyOf": [
            {"$ref": "#/definitions/one"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/one"}},
        ]},
    });
    let definitions = definitions.as_object().cloned().unwrap_or_default();
    (rules_schema(registry), definitions)
}

/// The schema of an operator's policy, for editors.
pub fn policy_schema(registry: Registry) -> Json {
    let (rules, mut definitions) = level_schema(registry);
    let names: Vec<Json> = registry
        .all()
        .iter()
        .flat_map(|rule| [json!(rule.name), json!(rule.code.to_string())])
        .collect();
    let [version, levels, exceptions, namespaces] = policy::KEYS;
    let [allowances, lowered, baseline] = policy::EXCEPTIONS;
    definitions.insert(
        "levels".to_owned(),
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": rules,
            "description": "Levels that no tree lowers, by code or name.",
        }),
    );
    definitions.insert("exceptions".to_owned(), json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            allowances: {"type": "boolean", "default": true, "description": "Whether a tree may allow findings beside the line."},
            lowered: {"type": "array", "items": {"enum": names}, "description": "Rules whose level a tree may lower; all unless given."},
            baseline: {"type": "boolean", "default": true, "description": "Whether there may be a baseline."},
        },
        "description": "The exceptions that a tree may make at all.",
    }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("{HOME}/raw/main/docs/policy.schema.json"),
        "title": "Policy of an operator",
        "description": "What an operator lays over trees: --policy FILE.",
        "type": "object",
        "additionalProperties": false,
        "required": [version],
        "properties": {
            version: {"const": 1},
            levels: {"$ref": "#/definitions/levels"},
            exceptions: {"$ref": "#/definitions/exceptions"},
            namespaces: {
                "type": "array",
                "description": "What holds beside it in namespaces of the controller.",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["selector", "spec"],
                    "properties": {
                        "selector": {
                            "type": "object",
                            "additionalProperties": false,
                            "minProperties": 1,
                            "properties": {
                                "matchNames": {"type": "array", "minItems": 1, "items": {"type": "string"}, "description": "Names, or globs of names."},
                                "matchLabels": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
                            },
                        },
                        "spec": {
                            "type": "object",
                            "additionalProperties": false,
                            "properties": {
                                levels: {"$ref": "#/definitions/levels"},
                                exceptions: {"$ref": "#/definitions/exceptions"},
                            },
                        },
                    },
                },
            },
        },
        "definitions": definitions,
    })
}
