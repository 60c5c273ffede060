//! What an import makes of a definition: operations and schemas, as API Management names
//! and stores them. Written for this simulation alone; nothing of the compiler is used.

mod export;
mod wadl;
mod wsdl;

pub use export::export;
pub use wsdl::Selector;

use crate::behaviours::{Behaviours, Row};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a definition makes.
#[derive(Debug, Default)]
pub struct Imported {
    /// `info.title`.
    pub title: Option<String>,
    /// `info.description`.
    pub description: Option<String>,
    /// The address of the first HTTPS server.
    pub service_url: Option<String>,
    /// Names and properties of operations.
    pub operations: Vec<(String, Map<String, Value>)>,
    /// `contentType` and `document` of the schema, when there are schemas.
    pub schema: Option<(&'static str, Value)>,
}

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Reads a definition. `count` tells imports apart; `selector` is for WSDL.
///
/// # Errors
/// Why it cannot be imported, as the end of "Parsing error(s): ".
pub fn import(
    format: &str,
    text: &str,
    count: u64,
    selector: Option<&Selector>,
    behaviours: &Behaviours,
) -> Result<Imported, String> {
    match format {
        "openapi" | "openapi+json" | "swagger-json" | "" => openapi(text, behaviours),
        "wsdl" => wsdl::import(text, count, selector, behaviours),
        "wadl-xml" => wadl::import(text),
        "graphql" | "odata" | "grpc" => Ok(Imported::default()),
        _ => Err(format!(
            "The definition of format '{format}' could not be fetched: the simulation opens no connections."
        )),
    }
}

/// JSON or YAML.
fn document(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    // What an import may have at most has more nodes than the library takes by default.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 100, max_nodes: 4_000_000, max_events: 8_000_000 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Whether a version, which YAML may read as a number, is of a line of versions.
fn is_of(version: &Value, line: &str) -> bool {
    match version {
        Value::String(text) => text.starts_with(line),
        Value::Number(number) => number.to_string().starts_with(line),
        _ => false,
    }
}

fn openapi(text: &str, behaviours: &Behaviours) -> Result<Imported, String> {
    let document = document(text)?;
    let old = is_of(&document["swagger"], "2");
    let new = is_of(&document["openapi"], "3.");
    if !old && !new {
        return Err("The input is neither Swagger 2.0 nor OpenAPI 3.".to_owned());
    }
    let Some(paths) = document["paths"].as_object() else {
        return Err("The property 'paths' is missing.".to_owned());
    };
    if behaviours.on(Row::ExternalReferences) {
        external(&document)?;
    }
    let mut imported = Imported {
        title: document["info"]["title"].as_str().map(str::to_owned),
        description: document["info"]["description"].as_str().map(str::to_owned),
        service_url: servers(&document, old),
        ..Imported::default()
    };
    let mut taken = BTreeSet::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with('/')) {
        for method in METHODS {
            if let Some(operation) = item.get(method).and_then(Value::as_object) {
                let reader = Reader {
                    document: &document,
                    old,
                    behaviours,
                };
                let name = name(operation, method, path, behaviours, &mut taken);
                let made = reader.operation(path, method, item, operation, &name);
                imported.operations.push((name, made));
            }
        }
    }
    let (at, content) = match old {
        true => (
            "definitions",
            "application/vnd.ms-azure-apim.swagger.definitions+json",
        ),
        false => ("schemas", "application/vnd.oai.openapi.components+json"),
    };
    let schemas = if old {
        &document[at]
    } else {
        &document["components"][at]
    };
    if schemas
        .as_object()
        .is_some_and(|schemas| !schemas.is_empty())
    {
        let stored = if old {
            json!({at: schemas})
        } else {
            json!({"components": {at: schemas}})
        };
        imported.schema = Some((content, stored));
    }
    Ok(imported)
}

/// The first reference to another file.
fn external(document: &Value) -> Result<(), String> {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(entries) => {
                let reference = entries.get("$ref").and_then(Value::as_str);
                if let Some(reference) = reference.filter(|reference| !reference.starts_with('#')) {
                    return Err(format!(
                        "External references are not supported: {reference}"
                    ));
                }
                open.extend(entries.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    Ok(())
}

fn servers(document: &Value, old: bool) -> Option<String> {
    if old {
        let host = document["host"].as_str()?;
        let schemes: Vec<&str> = document["schemes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let scheme = if schemes.contains(&"http") && !schemes.contains(&"https") {
            "http"
        } else {
            "https"
        };
        return Some(format!(
            "{scheme}://{host}{}",
            document["basePath"].as_str().unwrap_or_default()
        ));
    }
    let urls = document["servers"]
        .as_array()?
        .iter()
        .filter_map(|server| server["url"].as_str());
    urls.into_iter()
        .find(|url| url.starts_with("https://"))
        .map(str::to_owned)
}

/// The name of an operation: what is given, or what method and path make.
fn name(
    operation: &Map<String, Value>,
    method: &str,
    path: &str,
    behaviours: &Behaviours,
    taken: &mut BTreeSet<String>,
) -> String {
    let given = operation
        .get("operationId")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty());
    let base = match given {
        Some(id) if behaviours.on(Row::OperationNames) && is_name(id) => id.to_owned(),
        Some(id) => generated(id, behaviours),
        None => generated(&format!("{method}-{path}"), behaviours),
    };
    let mut name = base.clone();
    for n in 1.. {
        if taken.insert(name.to_lowercase()) {
            break;
        }
        name = format!("{base}-{n}");
    }
    name
}

/// Whether an operationId can be a name as it stands: no characters that the SDK's pattern
/// of names or a path refuses.
fn is_name(id: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "*#&+:<>?/\\%".contains(c);
    id.encode_utf16().count() <= 80 && !id.contains(refused)
}

fn generated(text: &str, behaviours: &Behaviours) -> String {
    match behaviours.on(Row::GeneratedNames) {
        true => normalised(text),
        false => text.replace('/', "_"),
    }
}

/// Lower case, runs of other characters as one `-`, at most 76.
pub fn normalised(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let cut: String = out.trim_matches('-').chars().take(76).collect();
    cut.trim_end_matches('-').to_owned()
}

struct Reader<'a> {
    document: &'a Value,
    old: bool,
    behaviours: &'a Behaviours,
}

impl Reader<'_> {
    /// What a `$ref` in the document points at.
    fn resolve<'b>(&'b self, value: &'b Value) -> &'b Value {
        let mut value = value;
        for _ in 0..8 {
            let Some(pointer) = value["$ref"].as_str().and_then(|r| r.strip_prefix('#')) else {
                break;
            };
            match self.document.pointer(pointer) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    fn operation(
        &self,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Map<String, Value>,
        name: &str,
    ) -> Map<String, Value> {
        let text = |key: &str| {
            operation
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let display: String = text("summary").unwrap_or(name).chars().take(300).collect();
        let description: String = text("description")
            .unwrap_or_default()
            .chars()
            .take(1000)
            .collect();
        let (mut template, mut query, mut headers) = (Vec::new(), Vec::new(), Vec::new());
        let mut url = path.to_owned();
        let own = operation.get("parameters").and_then(Value::as_array);
        let shared = item["parameters"].as_array();
        let mut body = None;
        let mut seen = BTreeSet::new();
        for parameter in own.into_iter().chain(shared).flatten() {
            let parameter = self.resolve(parameter);
            let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str())
            else {
                continue;
            };
            if !seen.insert((name.to_lowercase(), place.to_owned())) {
                continue;
            }
            match place {
                "path" if path.contains(&format!("{{{name}}}")) => {
                    template.push(self.parameter(name, parameter, true));
                }
                "query"
                    if parameter["required"] == true && self.behaviours.on(Row::RequiredQuery) =>
                {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    url.push_str(&format!("{name}={{{name}}}"));
                    template.push(self.parameter(name, parameter, true));
                }
                "query" => {
                    query.push(self.parameter(name, parameter, parameter["required"] == true));
                }
                "header" => {
                    headers.push(self.parameter(name, parameter, parameter["required"] == true));
                }
                "body" => body = Some(parameter),
                _ => {}
            }
        }
        // What the path names is declared, whoever forgot it.
        for named in named_in(path) {
            if !template.iter().any(|p| p["name"] == *named) {
                template.push(json!({"name": named, "required": true, "type": "string"}));
            }
        }
        let drops =
            ["get", "head", "options"].contains(&method) && self.behaviours.on(Row::GetBody);
        let representations = if drops {
            Vec::new()
        } else {
            self.request(operation, body)
        };
        let mut request = Map::new();
        for (key, list) in [
            ("queryParameters", query),
            ("headers", headers),
            ("representations", representations),
        ] {
            if !list.is_empty() {
                request.insert(key.to_owned(), Value::Array(list));
            }
        }
        let mut out = Map::new();
        out.insert("displayName".into(), json!(display));
        out.insert("method".into(), json!(method.to_uppercase()));
        out.insert("urlTemplate".into(), json!(url));
        out.insert("templateParameters".into(), Value::Array(template));
        if !description.is_empty() {
            out.insert("description".into(), json!(description));
        }
        if !request.is_empty() {
            out.insert("request".into(), Value::Object(request));
        }
        out.insert("responses".into(), Value::Array(self.responses(operation)));
        out
    }

    fn parameter(&self, name: &str, parameter: &Value, required: bool) -> Value {
        let schema = if self.old {
            parameter
        } else {
            self.resolve(&parameter["schema"])
        };
        let mut out = json!({"name": name, "required": required, "type": schema["type"].as_str().unwrap_or("string")});
        if let Some(text) = parameter["description"].as_str() {
            out["description"] = json!(text);
        }
        let values = schema["enum"].as_array().into_iter().flatten();
        let values: Vec<String> = values
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect();
        if !values.is_empty() {
            out["values"] = json!(values);
        }
        out
    }

    fn request(&self, operation: &Map<String, Value>, body: Option<&Value>) -> Vec<Value> {
        if self.old {
            let consumes = operation
                .get("consumes")
                .or_else(|| self.document.get("consumes"));
            let types: Vec<&str> = consumes
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let types = if types.is_empty() {
                vec!["application/json"]
            } else {
                types
            };
            return body
                .into_iter()
                .flat_map(|body| {
                    types
                        .iter()
                        .map(|content| representation(content, &body["schema"]))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        let body = operation.get("requestBody").map(|body| self.resolve(body));
        let content = body.and_then(|body| body["content"].as_object());
        content
            .into_iter()
            .flatten()
            .map(|(content, media)| representation(content, &media["schema"]))
            .collect()
    }

    fn responses(&self, operation: &Map<String, Value>) -> Vec<Value> {
        let mut out = Vec::new();
        for (code, response) in operation
            .get("responses")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let response = self.resolve(response);
            // `default` and ranges have no place in an operation.
            let Ok(code) = code.parse::<u16>() else {
                continue;
            };
            let mut made = json!({"statusCode": code, "representations": []});
            if let Some(text) = response["description"].as_str() {
                made["description"] = json!(text);
            }
            let representations: Vec<Value> = if self.old {
                let schema = response.get("schema");
                schema
                    .map(|schema| representation("application/json", schema))
                    .into_iter()
                    .collect()
            } else {
                let content = response["content"].as_object().into_iter().flatten();
                content
                    .map(|(content, media)| representation(content, &media["schema"]))
                    .collect()
            };
            made["representations"] = Value::Array(representations);
            out.push(made);
        }
        out
    }
}

fn representation(content: &str, schema: &Value) -> Value {
    let name = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    match name {
        Some(name) => json!({"contentType": content, "typeName": name}),
        None => json!({"contentType": content}),
    }
}

/// The parameters that a URL template names.
pub fn named_in(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        rest = &rest[start + 1..];
        let Some(end) = rest.find('}') else { break };
        found.push(rest[..end].trim_start_matches('*'));
        rest = &rest[end + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_read_as_json_is() {
        let text = "openapi: 3.0.1\ninfo: {title: T, version: 1}\npaths:\n  /x/{id}:\n    get:\n      operationId: Get_X\n      responses:\n        200: {description: ok}\n        default: {description: other}\n";
        let imported = import("openapi", text, 1, None, &Behaviours::default());
        let operations = imported
            .map(|imported| imported.operations)
            .unwrap_or_default();
        assert_eq!(operations.len(), 1);
        assert_eq!(operations[0].0, "Get_X");
        assert_eq!(operations[0].1["responses"][0]["statusCode"], 200);
        assert_eq!(operations[0].1["templateParameters"][0]["name"], "id");
        let old = "swagger: 2.0\ninfo: {title: T}\npaths: {/x: {get: {}}}\n";
        assert_eq!(
            import("openapi", old, 1, None, &Behaviours::default()).map(|i| i.operations.len()),
            Ok(1)
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (format, text) in [
            ("openapi", "["),
            ("openapi+json", "{"),
            ("swagger-json", "{}"),
            ("wsdl", "<a>"),
            ("wsdl-link", "https://x"),
        ] {
            assert!(
                import(format, text, 1, None, &Behaviours::default()).is_err(),
                "{format} {text}"
            );
        }
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(
            normalised("GET-/foo/{bar}?buzz={quix}"),
            "get-foo-bar-buzz-quix"
        );
        assert_eq!(normalised(&"x".repeat(90)).len(), 76);
    }
}
