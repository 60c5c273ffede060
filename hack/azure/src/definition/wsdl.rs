//! What an import makes of a WSDL: operations of its SOAP binding, and its schemas.
//!
//! Names, methods, URL templates and representations are those of the SDKs' examples
//! (`APIOperation.Get`: `57d2ef278aa04f0ad01d6cdc`, `POST`,
//! `/?soapAction=http://tempuri.org/IFazioService/CancelOrder`, `text/xml` with `typeName`),
//! the schema's content type is that of `SchemaContractProperties`.

use super::Imported;
use crate::behaviours::{Behaviours, Row};
use crate::policy::Element;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// `wsdlSelector` of a request.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// `wsdlServiceName`.
    pub service: String,
    /// `wsdlEndpointName`.
    pub endpoint: String,
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

fn children<'e>(of: &'e Element, name: &'e str) -> impl Iterator<Item = &'e Element> {
    of.children
        .iter()
        .filter(move |child| local(&child.name) == name)
}

/// Elements of SOAP 1.1 and 1.2 stand in a binding, a port or an operation, by these names.
fn soap<'e>(of: &'e Element, name: &'e str) -> Option<&'e Element> {
    let is_soap = |child: &&Element| {
        let prefix = child.name.split(':').next().unwrap_or_default();
        let namespace = child.attribute("xmlns").unwrap_or_default();
        prefix.to_lowercase().contains("soap") || namespace.contains("/soap")
    };
    children(of, name).find(is_soap)
}

/// Reads a WSDL.
///
/// # Errors
/// It is no XML, or has what an import does not take.
pub(super) fn import(
    text: &str,
    count: u64,
    selector: Option<&Selector>,
    behaviours: &Behaviours,
) -> Result<Imported, String> {
    crate::policy::well_formed(text)?;
    // What only looks like an expression of a policy is no reason to refuse a definition.
    let Ok(root) = crate::policy::read(text) else {
        return Ok(Imported::default());
    };
    if behaviours.on(Row::WsdlRestrictions) {
        restrictions(&root)?;
    }
    let ports: Vec<(&Element, &Element)> = children(&root, "service")
        .flat_map(|service| children(service, "port").map(move |port| (service, port)))
        .filter(|(_, port)| soap(port, "address").is_some())
        .collect();
    let named = |element: &Element, wanted: &str| element.attribute("name") == Some(wanted);
    let chosen = match selector {
        Some(wanted) => ports.iter().copied().find(|(service, port)| {
            named(service, &wanted.service) && named(port, &wanted.endpoint)
        }),
        None if ports.len() > 1 && behaviours.on(Row::WsdlEndpoints) => {
            return Err(
                "Multiple service endpoints available, only one can be imported at a time"
                    .to_owned(),
            );
        }
        None => ports.first().copied(),
    };
    let Some((service, port)) = chosen else {
        return Err("The WSDL has no such service with a SOAP endpoint.".to_owned());
    };
    let binding = local(port.attribute("binding").unwrap_or_default());
    let binding = children(&root, "binding").find(|one| named(one, binding));
    let Some(binding) = binding else {
        return Err("The endpoint has no binding in the WSDL.".to_owned());
    };
    let mut imported = Imported {
        title: service.attribute("name").map(str::to_owned),
        service_url: soap(port, "address")
            .and_then(|address| address.attribute("location"))
            .map(str::to_owned),
        ..Imported::default()
    };
    let types = Types::of(&root, local(binding.attribute("type").unwrap_or_default()));
    let mut taken = BTreeSet::new();
    for operation in children(binding, "operation") {
        let Some(name) = operation.attribute("name") else {
            continue;
        };
        if !taken.insert(name.to_lowercase()) {
            continue;
        }
        let action = soap(operation, "operation")
            .and_then(|soap| soap.attribute("soapAction"))
            .unwrap_or_default();
        let own = match behaviours.on(Row::WsdlNames) {
            true => crate::apim::hex(&format!("{name} {count}")),
            false => name.to_owned(),
        };
        let representation = |element: Option<&str>| -> Value {
            element
                .map(|element| json!([{"contentType": "text/xml", "typeName": element}]))
                .unwrap_or_else(|| json!([{"contentType": "text/xml"}]))
        };
        let (input, output) = types.of_operation(name);
        let made = json!({"displayName": name, "method": "POST", "urlTemplate": format!("/?soapAction={action}"),
            "templateParameters": [], "request": {"representations": representation(input)},
            "responses": [{"statusCode": 200, "representations": representation(output)}]});
        if let Value::Object(made) = made {
            imported.operations.push((own, made));
        }
    }
    let schemas = raw(text, "schema");
    if !schemas.is_empty() {
        let document = json!({"value": schemas.join("\n")});
        imported.schema = Some(("application/vnd.ms-azure-apim.xsd+xml", document));
    }
    Ok(imported)
}

/// What "API import restrictions" of the documentation excludes.
fn restrictions(root: &Element) -> Result<(), String> {
    let mut wrong = None;
    root.walk(&mut |element| {
        let refused = match local(&element.name) {
            "import" | "include"
                if ["schemaLocation", "location"]
                    .iter()
                    .any(|name| element.attribute(name).is_some()) =>
            {
                Some(format!(
                    "The directive '{}' is not supported.",
                    element.name
                ))
            }
            "binding" | "operation" if element.attribute("style") == Some("rpc") => {
                Some("Only document/literal SOAP bindings are supported.".to_owned())
            }
            _ => None,
        };
        if wrong.is_none() {
            wrong = refused;
        }
    });
    wrong.map_or(Ok(()), Err)
}

/// Elements of the messages of a port type's operations.
struct Types<'e> {
    /// Message to the element of its first part.
    messages: BTreeMap<&'e str, &'e str>,
    /// Operation to its input and output.
    operations: BTreeMap<&'e str, (Option<&'e str>, Option<&'e str>)>,
}

impl<'e> Types<'e> {
    fn of(root: &'e Element, port_type: &str) -> Self {
        let messages = children(root, "message").filter_map(|message| {
            let element = children(message, "part").find_map(|part| part.attribute("element"))?;
            Some((message.attribute("name")?, local(element)))
        });
        let message = |operation: &'e Element, direction: &'static str| {
            children(operation, direction).find_map(|one| one.attribute("message").map(local))
        };
        let operations = children(root, "portType")
            .filter(|one| one.attribute("name") == Some(port_type))
            .flat_map(|one| children(one, "operation"))
            .filter_map(|operation| {
                let name = operation.attribute("name")?;
                Some((
                    name,
                    (message(operation, "input"), message(operation, "output")),
                ))
            });
        Self {
            messages: messages.collect(),
            operations: operations.collect(),
        }
    }

    fn of_operation(&self, name: &str) -> (Option<&'e str>, Option<&'e str>) {
        let (input, output) = self.operations.get(name).copied().unwrap_or_default();
        let element = |message: Option<&str>| self.messages.get(message?).copied();
        (element(input), element(output))
    }
}

/// The texts of the outermost elements of a name, as they are written.
pub(super) fn raw<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        match reader.read_event() {
            Ok(Event::Start(tag)) if tag.local_name().as_ref() == name => {
                if depth == 0 {
                    start = before;
                }
                depth += 1;
            }
            Ok(Event::End(tag)) if tag.local_name().as_ref() == name => {
                depth = depth.saturating_sub(1);
                let end = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
                if let Some(part) = text.get(start..end).filter(|_| depth == 0) {
                    found.push(part);
                }
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}
