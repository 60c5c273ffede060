//! The checks without which rendering would lie, and the graph they leave.
//!
//! [`validate`] is the only way to a [`Validated`], which is all that
//! `render` takes: every reference in it resolves, every definition and policy
//! was read, every secret is a parameter.

mod content;
mod definition;
mod expression;
mod order;
mod packed;
mod resolve;

pub use expression::{Expression, Parameter};
pub use packed::Content;

use crate::diag::{Diagnostic, Findings, Held, Place, excerpt, rules};
use crate::discover::Project;
use crate::model::kinds::{Kind, Role};
use crate::model::schema::Schema;
use crate::model::{InWorkspace, Key, Origin, Resource};
use crate::reuse::Reuse;
use crate::syntax::{Data, Value};
use crate::tree::{FileId, Limits, ReadError, SourceTree};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of what is done for each resource beside its values.
const STEPS: u64 = 50;

/// A resource, ready to print.
#[derive(Debug)]
pub struct Node {
    /// What identifies it.
    pub key: Key,
    /// `properties`, in the order of the source.
    pub properties: Vec<(String, Expression)>,
    /// Indices of the nodes that must exist before it: complete, nothing that
    /// another one already implies.
    pub depends_on: Vec<usize>,
    /// The files it came from.
    pub origins: Vec<Origin>,
}

/// The graph of resources: what `render` prints.
#[derive(Debug)]
pub struct Validated {
    /// Every resource, in deployment order.
    pub nodes: Vec<Node>,
    /// Template parameters, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Large texts: definitions and policies.
    pub contents: Vec<Content>,
    /// `apimServiceName` of the environment or project configuration.
    pub service: Option<String>,
    /// The api-version that was checked.
    pub api_version: String,
    /// What the graph takes of the run's memory.
    _held: Held,
}

/// What validation is asked for.
#[derive(Debug)]
pub struct Options<'a> {
    /// The constraints of the api-version that is rendered.
    pub schema: &'a Schema,
    /// Caps on the input.
    pub limits: &'a Limits,
    /// What earlier runs made.
    pub reuse: Option<&'a Reuse>,
}

/// Checks `project` and builds its graph. The graph is whole only when
/// `findings` has no error.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn validate(
    tree: &SourceTree,
    mut project: Project,
    options: &Options<'_>,
    findings: &mut Findings,
) -> Result<Validated, ReadError> {
    let mut texts = content::read(tree, &mut project, options, findings)?;
    let current = current_revisions(&project);
    let meter = findings.budget().meter();
    for resource in project.resources.values_mut() {
        meter.spend(STEPS, resource.place().map_or(Place::Source, Place::from));
        prepare(resource, &texts, &current, findings);
        if resource.unreadable {
            continue;
        }
        let place = resource.place().map_or(Place::Source, Place::from);
        if !options.schema.has(&resource.key) {
            findings.push(unknown_type(&resource.key, place, options.schema));
            continue;
        }
        let Resource {
            key, properties, ..
        } = resource;
        if resource_has_body(key) {
            options.schema.check(key, properties, &place, findings);
        }
    }
    graphql_schemas(&mut project, &mut texts);
    wikis(&mut project, &mut texts);
    if !project.resources.keys().any(|key| key.kind == Kind::Api) {
        findings.push(
            Diagnostic::new(&rules::NO_APIS, Place::Source, "the project has no API")
                .help("when that is meant, say `rules: {APIM1014: warning}` in flux-apim.yaml"),
        );
    }
    report_unclaimed(tree, &project, &texts.used, findings);
    tokens(&project, &texts, findings);
    let graph = resolve::resolve(&project, texts, options.schema, findings);
    let nodes = order::sort(graph.nodes, findings);
    Ok(Validated {
        nodes,
        parameters: graph.parameters,
        contents: graph.contents,
        service: project.service.or(project.config.service.clone()),
        api_version: options.schema.api_version.clone(),
        _held: graph.held,
    })
}

fn unknown_type(key: &Key, place: Place, schema: &Schema) -> Diagnostic {
    let message = format!(
        "api-version {} has no {} (`{}`)",
        schema.api_version,
        key.kind.label(),
        key.arm_type()
    );
    Diagnostic::new(&rules::UNKNOWN_TYPE, place, message)
        .help("render a newer --arm-api-version, or leave it out")
}

fn resource_has_body(key: &Key) -> bool {
    key.kind.row().has_properties && link_property(key).is_none()
}

/// The property that names the target of a link, where links have a body.
fn link_property(key: &Key) -> Option<(&'static str, Key)> {
    match (key.workspace.is_some(), key.kind.row().workspace) {
        (
            true,
            InWorkspace::Link {
                property,
                target,
                swapped,
                ..
            },
        ) => {
            let name = if swapped {
                key.names.first()
            } else {
                key.names.last()
            };
            Some((property, key.sibling(target, &[name?])))
        }
        _ => None,
    }
}

/// Sets what files other than the information file say.
fn prepare(
    resource: &mut Resource,
    texts: &content::Texts,
    current: &BTreeMap<Key, String>,
    findings: &mut Findings,
) {
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
    if resource.key.kind == Kind::Api && resource.key.names[0].contains(";rev=") {
        revision(resource, current, findings);
    }
}

/// The revision of each API that is the current one: its folder has no number.
fn current_revisions(project: &Project) -> BTreeMap<Key, String> {
    let apis = project
        .resources
        .values()
        .filter(|r| r.key.kind == Kind::Api);
    apis.map(|api| (api.key.clone(), api.revision().to_owned()))
        .collect()
}

/// A non-current revision is made from the current one.
fn revision(resource: &mut Resource, current: &BTreeMap<Key, String>, findings: &mut Findings) {
    let Some((root, number)) = resource.key.names[0].split_once(";rev=") else {
        return;
    };
    let place = resource.place().map_or(Place::Source, Place::from);
    let shown = excerpt(&resource.key.names[0], 80);
    if current
        .get(&resource.key.sibling(Kind::Api, &[root]))
        .map(String::as_str)
        == Some(number)
    {
        let message = format!("`{shown}` is revision {number}, and so is `{root}`");
        findings.push(
            Diagnostic::new(&rules::DUPLICATE_RESOURCE, place, message)
                .help("the folder without a number holds the current revision; remove this one"),
        );
    } else if let Some(value) = resource.properties.get("isCurrent")
        && value.as_bool() == Some(true)
    {
        let place = value.span.map_or(place, Place::from);
        let message = format!("`{shown}` says that it is current, as `{root}` does");
        findings.push(
            Diagnostic::new(&rules::INVALID_VALUE, place, message)
                .help("the folder without a number holds the current revision; a release makes another one current"),
        );
    }
    let properties = &mut resource.properties;
    match properties.get("apiRevision").and_then(Value::as_str) {
        None => properties.set("apiRevision", number),
        Some(given) if given != number => {
            let place = properties
                .get("apiRevision")
                .and_then(|value| value.span)
                .map_or(Place::Source, Place::from);
            findings.push(
                Diagnostic::new(
                    &rules::INVALID_VALUE,
                    place,
                    format!(
                        "`apiRevision` is `{}`, but the folder says revision {number}",
                        excerpt(given, 40)
                    ),
                )
                .help("make the two agree"),
            );
        }
        Some(_) => {}
    }
    if properties.get("sourceApiId").is_none() {
        properties.set("sourceApiId", format!("/apis/{root}"));
    }
}

/// The SDL of a GraphQL API is a schema resource named `graphql`.
fn graphql_schemas(project: &mut Project, texts: &mut content::Texts) {
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
fn wikis(project: &mut Project, texts: &mut content::Texts) {
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

fn report_unclaimed(
    tree: &SourceTree,
    project: &Project,
    used: &BTreeSet<FileId>,
    findings: &mut Findings,
) {
    for &file in project.unclaimed.difference(used) {
        findings.push(
            Diagnostic::new(
                &rules::UNCLAIMED_FILE,
                file,
                format!("nothing reads `{}`", tree.path(file)),
            )
            .help("check its name and folder; files such as a README are fine"),
        );
    }
}

/// `{#token#}` that a pipeline step should have replaced.
fn tokens(project: &Project, texts: &content::Texts, findings: &mut Findings) {
    let meter = findings.budget().meter();
    for resource in project.resources.values() {
        for entry in resource.properties.entries() {
            // The value of a secret is not rendered, whatever it says.
            if resource.key.kind == Kind::NamedValue
                && entry.key == "value"
                && expression::is_secret(&resource.properties)
            {
                continue;
            }
            entry.value.visit_strings(&mut |text, span| {
                meter.spend(2 + text.len() as u64 / 64, Place::Source);
                if let Some(token) = content::token(text) {
                    let place = span.or(resource.place()).map_or(Place::Source, Place::from);
                    findings.push(unreplaced(place, &text[token]));
                }
            });
        }
    }
    for (span, token) in &texts.tokens {
        findings.push(unreplaced(Place::from(*span), token));
    }
}

fn unreplaced(place: Place, token: &str) -> Diagnostic {
    Diagnostic::new(
        &rules::UNREPLACED_TOKEN,
        place,
        format!("the token `{}` was not replaced", excerpt(token, 60)),
    )
    .help("replace tokens before rendering, or use `--env` with a value")
}
