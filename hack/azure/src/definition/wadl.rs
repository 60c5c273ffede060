//! What an import makes of a WADL: its methods with their resource's path, parameters and
//! representations, and its grammars.
//!
//! The schema's content type is that of the SDKs' `SchemaContractProperties`. Names of
//! operations are the methods' ids, as `operationId`s are: nobody says so.

use super::Imported;
use crate::policy::Element;
use serde_json::{Value, json};

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

/// Reads a WADL.
///
/// # Errors
/// It is no XML.
pub(super) fn import(text: &str) -> Result<Imported, String> {
    crate::policy::well_formed(text)?;
    let mut imported = Imported::default();
    let Ok(root) = crate::policy::read(text) else {
        return Ok(imported);
    };
    let resources = root
        .children
        .iter()
        .filter(|one| local(&one.name) == "resources");
    let mut names = std::collections::BTreeSet::new();
    for resources in resources {
        if imported.service_url.is_none() {
            imported.service_url = resources.attribute("base").map(str::to_owned);
        }
        // Each with the path and the template parameters of what it stands in.
        let mut open = vec![(resources, String::new(), Vec::new())];
        while let Some((element, path, above)) = open.pop() {
            let mut template = above;
            template.extend(parameters(element, "template"));
            for child in element.children.iter().rev() {
                match local(&child.name) {
                    "resource" => {
                        let own = child.attribute("path").unwrap_or_default();
                        let path = format!("{path}/{}", own.trim_matches('/'));
                        open.push((
                            child,
                            path.trim_end_matches('/').to_owned(),
                            template.clone(),
                        ));
                    }
                    "method" => {
                        let (name, made) = method(child, &path, &template);
                        if let (Value::Object(made), true) =
                            (made, names.insert(name.to_lowercase()))
                        {
                            imported.operations.push((name, made));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    imported
        .operations
        .sort_by(|one, other| one.0.cmp(&other.0));
    if let Some(grammars) = super::wsdl::raw(text, "grammars").first() {
        let document = json!({ "value": grammars });
        imported.schema = Some(("application/vnd.ms-azure-apim.wadl.grammars+xml", document));
    }
    Ok(imported)
}

/// Parameters of a style that stand in an element.
fn parameters(element: &Element, style: &str) -> Vec<Value> {
    let all = element.children.iter().filter(|one| {
        local(&one.name) == "param" && one.attribute("style").unwrap_or("query") == style
    });
    all.filter_map(|one| {
        let kind = local(one.attribute("type").unwrap_or("string"));
        let required = style == "template" || one.attribute("required") == Some("true");
        Some(json!({"name": one.attribute("name")?, "type": kind, "required": required, "values": []}))
    })
    .collect()
}

fn representations(element: &Element) -> Vec<Value> {
    let all = element.children.iter();
    let all = all.filter(|one| local(&one.name) == "representation");
    all.filter_map(|one| Some(json!({"contentType": one.attribute("mediaType")?})))
        .collect()
}

fn method(element: &Element, path: &str, template: &[Value]) -> (String, Value) {
    let verb = element.attribute("name").unwrap_or("GET");
    let path = if path.is_empty() { "/" } else { path };
    let name = match element.attribute("id") {
        Some(id) => id.to_owned(),
        None => super::normalised(&format!("{verb}-{path}")),
    };
    let mut request = json!({"queryParameters": [], "headers": [], "representations": []});
    let mut responses = Vec::new();
    for child in &element.children {
        match local(&child.name) {
            "request" => {
                request = json!({"queryParameters": parameters(child, "query"), "headers": parameters(child, "header"),
                    "representations": representations(child)});
            }
            "response" => {
                let status = child.attribute("status").unwrap_or("200");
                for status in status.split_whitespace() {
                    if let Ok(status) = status.parse::<u16>() {
                        responses.push(json!({"statusCode": status, "representations": representations(child)}));
                    }
                }
            }
            _ => {}
        }
    }
    let named = super::named_in(path);
    let declared: Vec<Value> = named
        .iter()
        .map(|name| {
            let known = template.iter().find(|one| one["name"] == **name);
            known.cloned().unwrap_or_else(
                || json!({"name": name, "type": "string", "required": true, "values": []}),
            )
        })
        .collect();
    let made = json!({"displayName": name, "method": verb.to_uppercase(), "urlTemplate": path,
        "templateParameters": declared, "request": request, "responses": responses});
    (name, made)
}
