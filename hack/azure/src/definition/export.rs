//! An export, made of what is stored.

use serde_json::{Map, Value, json};

/// An export: an OpenAPI document of what is stored.
pub fn export(
    api: &Map<String, Value>,
    operations: &[(String, &Map<String, Value>)],
    schemas: &Value,
    old: bool,
) -> Value {
    let mut paths = Map::new();
    for (name, operation) in operations {
        let text = |key: &str| {
            operation
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let path = text("urlTemplate")
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut parameters = Vec::new();
        let lists = [
            ("templateParameters", None),
            ("queryParameters", Some("query")),
            ("headers", Some("header")),
        ];
        for (key, place) in lists {
            let list = operation.get(key).or_else(|| {
                operation
                    .get("request")
                    .and_then(|request| request.get(key))
            });
            for parameter in list.and_then(Value::as_array).into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap_or_default();
                let place = place.unwrap_or(if path.contains(&format!("{{{name}}}")) {
                    "path"
                } else {
                    "query"
                });
                let kind = parameter["type"].as_str().unwrap_or("string");
                let required = place == "path" || parameter["required"] == true;
                let mut made = json!({"name": name, "in": place, "required": required});
                match old {
                    true => made["type"] = json!(kind),
                    false => made["schema"] = json!({"type": kind}),
                }
                parameters.push(made);
            }
        }
        let mut responses = Map::new();
        for response in operation
            .get("responses")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let code = response["statusCode"].to_string();
            responses.insert(
                code,
                json!({"description": response["description"].as_str().unwrap_or_default()}),
            );
        }
        if responses.is_empty() {
            responses.insert("200".into(), json!({"description": ""}));
        }
        let made = json!({"summary": text("displayName"), "operationId": name, "parameters": parameters, "responses": responses});
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[text("method").to_lowercase()] = made;
    }
    let info = json!({"title": api.get("displayName"), "version": api.get("apiVersion").and_then(Value::as_str).unwrap_or("1.0")});
    let definitions = schemas
        .pointer("/components/schemas")
        .or_else(|| schemas.get("definitions"))
        .cloned();
    let definitions = definitions.unwrap_or_else(|| json!({}));
    match old {
        true => {
            json!({"swagger": "2.0", "info": info, "basePath": format!("/{}", api.get("path").and_then(Value::as_str).unwrap_or_default()), "paths": paths, "definitions": definitions})
        }
        false => {
            json!({"openapi": "3.0.1", "info": info, "servers": [{"url": format!("https://gateway.invalid/{}", api.get("path").and_then(Value::as_str).unwrap_or_default())}], "paths": paths, "components": {"schemas": definitions}})
        }
    }
}
