//! Completes resources with what definitions, policies and folders say of them.

use crate::normal;
use flux_apim_compile::Texts;
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;
use flux_apim_discover::Project;
use flux_apim_model::kinds::{Kind, Role};
use flux_apim_model::{Key, Origin, Resource};
use flux_apim_syntax::{Data, Value};

/// Sets what files other than the information file say.
pub(super) fn prepare(
    resource: &mut Resource,
    texts: &Texts,
    environment: Option<FileId>,
    findings: &mut Findings,
) {
    normal::bring(resource, environment, findings);
    let properties = &mut resource.properties;
    if resource.key.kind.is_policy() {
        // Policies are kept as people write them, which is not always XML.
        if properties.get("format").is_none() {
            properties.set("format", "rawxml");
        }
        if texts.policies.contains_key(&resource.key) && properties.get("value").is_none() {
            properties.set("value", "");
        }
    }
    if let Some(compiled) = texts.definitions.get(&resource.key) {
        if let Some(format) = compiled.kind.format() {
            properties.set("format", format);
            properties.set("value", "");
        }
        if let (Some(kind), None, None) = (
            compiled.kind.api_type(),
            properties.get("type"),
            properties.get("apiType"),
        ) {
            properties.set("type", kind);
            properties.set("apiType", kind);
        }
        if let (Some(selector), None) = (&compiled.selector, properties.get("wsdlSelector")) {
            let mut value = Value::empty_object();
            value.set("wsdlServiceName", selector.service.as_str());
            value.set("wsdlEndpointName", selector.endpoint.as_str());
            properties.set("wsdlSelector", value);
        }
        if resource.plain && properties.get("displayName").is_none() {
            let title = compiled
                .title
                .clone()
                .filter(|title| !title.trim().is_empty());
            let shown = title.unwrap_or_else(|| resource.key.names[0].clone());
            properties.set("displayName", shown.chars().take(300).collect::<String>());
        }
    }
}

/// The SDL of a GraphQL API is a schema resource named `graphql`.
pub(super) fn graphql_schemas(project: &mut Project, texts: &mut Texts) {
    let apis: Vec<Key> = texts
        .definitions
        .iter()
        .filter(|(_, compiled)| compiled.kind.format().is_none())
        .map(|(key, _)| key.clone())
        .collect();
    for api_key in apis {
        let api = api_key.clone();
        let Some(compiled) = texts.definitions.remove(&api) else {
            continue;
        };
        let key = api.sibling(Kind::ApiSchema, &[&api.names[0], "graphql"]);
        if project.resources.contains_key(&key) {
            continue;
        }
        let mut resource = Resource::new(key.clone());
        resource.declared = true;
        resource.properties.set(
            "contentType",
            "application/vnd.ms-azure-apim.graphql.schema",
        );
        let mut document = Value::empty_object();
        document.set("value", "");
        resource.properties.set("document", document);
        if let Some(api) = project.resources.get_mut(&api) {
            let (definition, rest) = std::mem::take(&mut api.origins)
                .into_iter()
                .partition(|origin: &Origin| origin.role == Role::Definition);
            resource.origins = definition;
            api.origins = rest;
        }
        if let Some(content) = texts.contents.remove(&api_key) {
            texts.contents.insert(key.clone(), content);
        }
        texts.definitions.insert(key.clone(), compiled);
        project.resources.insert(key, resource);
    }
}

/// A wiki shows documentation resources: `wiki.md` becomes one.
pub(super) fn wikis(project: &mut Project, texts: &mut Texts) {
    for (wiki, text) in std::mem::take(&mut texts.wikis) {
        let Some(parent) = wiki.parent() else {
            continue;
        };
        let kind = if parent.kind == Kind::Api {
            "api"
        } else {
            "product"
        };
        let name = format!("{kind}-{}-wiki", parent.name().replace(";rev=", "-rev-"));
        let mut page = Resource::new(wiki.sibling(Kind::Documentation, &[&name]));
        page.declared = true;
        page.properties
            .set("title", format!("{} wiki", parent.name()));
        page.properties.set("content", text);
        let mut document = Value::empty_object();
        document.set("documentationId", name);
        if let Some(resource) = project.resources.get_mut(&wiki) {
            page.origins.clone_from(&resource.origins);
            let documents = Value::from(Data::Array(vec![document]));
            resource.properties.set("documents", documents);
        }
        project.resources.entry(page.key.clone()).or_insert(page);
    }
}
