//! From resources to the graph that is rendered: completed, spelled as Azure spells
//! them, every reference an edge.

mod check;
mod complete;
mod elsewhere;
mod expression;
mod gateway;
mod lock;
mod normal;
mod order;
mod owned;
mod policies;
mod prerequisites;
mod resolve;
mod revisions;
pub mod rules;
mod schema_ids;
mod secret;

pub use expression::{Expression, Parameter};
pub use flux_apim_compile::Content;
pub use lock::locks;

use flux_apim_compile::rules::{redacted_value, sops_encrypted};
use flux_apim_compile::{self as compile, Texts};
use flux_apim_diag::tree::{FileId, SourceTree};
use flux_apim_diag::{Class, Findings, Held, Place};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::credential_in_clear;
use flux_apim_model::schema::Schema;
use flux_apim_model::{InWorkspace, Key, Origin, Resource, below_service};
use rules::{no_apis, unclaimed_file, unknown_type, unreplaced_token};
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
    /// The secure parameter without which it is not deployed: a secret that the tree does
    /// not hold and that the service may have already. Empty means not deployed.
    pub only_with: Option<String>,
}

/// The graph of resources: what `render` prints. There is one only where nothing was
/// found that would make it another than the source's: [`link`] makes none beside a
/// finding of [`Class::Integrity`], and no level reaches that.
#[derive(Debug)]
pub struct Linked {
    nodes: Vec<Node>,
    parameters: BTreeMap<String, Parameter>,
    contents: Vec<Content>,
    service: Option<String>,
    protect: Vec<String>,
    off_gateway: BTreeSet<Key>,
    api_version: String,
    /// What the graph takes of the run's memory.
    _held: Held,
}

impl Linked {
    /// Every resource, in deployment order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Template parameters, by name.
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// What Azure locks while it writes a node: an API with its revisions and all that
    /// hangs on them, a product with all that hangs on it. Writers of one are chained.
    pub fn locks(&self, node: &Node) -> Vec<Key> {
        lock::locks(&node.key)
    }

    /// Large texts: definitions and policies. [`Expression::Content`] is an index.
    pub fn contents(&self) -> &[Content] {
        &self.contents
    }

    /// `apimServiceName` of the environment or project configuration.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Patterns of resources that no deployment deletes (`protect` of `flux-apim.yaml`).
    pub fn protect(&self) -> &[String] {
        &self.protect
    }

    /// Whether an API is taken off the gateway that is built into the service, on which Azure
    /// puts each API that is made: `gateways/managed/apis.json` is there and does not list it.
    pub fn is_off_gateway(&self, key: &Key) -> bool {
        self.off_gateway.contains(key)
    }

    /// The api-version that its resources were checked against.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }
}

/// Completes the resources of `project`, checks their properties against `schema`,
/// and makes the graph of them. `None` when something was found, here or by an
/// earlier step, without which the graph would not be what the source says.
pub fn link(
    tree: &SourceTree,
    mut project: Project,
    mut texts: Texts,
    schema: &Schema,
    findings: &mut Findings,
) -> Option<Linked> {
    for resource in project.resources.values() {
        secret::hide(resource, findings);
    }
    let mut owned = owned::take(&mut project, findings);
    owned.extend(revisions::prepare(&mut project, findings));
    let environment = project.environment_file;
    let meter = findings.budget().meter();
    for resource in project.resources.values_mut() {
        meter.spend(STEPS, resource.place().map_or(Place::Source, Place::from));
        complete::prepare(resource, &texts, environment, findings);
        if resource.unreadable {
            continue;
        }
        let place = resource.place().map_or(Place::Source, Place::from);
        if !schema.has(&resource.key) {
            findings.push(unknown_type::found(
                place,
                &resource.key,
                &schema.api_version,
            ));
            continue;
        }
        let Resource {
            key, properties, ..
        } = resource;
        if resource_has_body(key) {
            schema.check(key, properties, &place, findings);
        }
    }
    check::check(&project, &texts, findings);
    schema_ids::strip(&mut project, findings);
    complete::graphql_schemas(&mut project, &mut texts);
    complete::wikis(&mut project, &mut texts);
    if !project.resources.keys().any(|key| key.kind == Kind::Api) {
        findings.push(no_apis::found());
    }
    report_unclaimed(tree, &project, &texts.used, findings);
    tokens(tree, &project, &texts, findings);
    policies::compose(&project, &texts, findings);
    let current = revisions::number_current(&mut project, &mut texts);
    let graph = resolve::resolve(&project, (&owned, &current), texts, schema, findings);
    prerequisites::find(&project, &graph.parameters, findings);
    let off_gateway = gateway::off(&project, findings);
    let nodes = order::sort(graph.nodes, &current, findings);
    let is_whole = !findings.rules().any(|rule| rule.class == Class::Integrity);
    is_whole.then(|| Linked {
        nodes,
        parameters: graph.parameters,
        contents: graph.contents,
        service: project.service.or(project.config.service),
        protect: project.config.protect,
        off_gateway,
        api_version: schema.api_version.clone(),
        _held: graph.held,
    })
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

fn report_unclaimed(
    tree: &SourceTree,
    project: &Project,
    used: &BTreeSet<FileId>,
    findings: &mut Findings,
) {
    for &file in project.unclaimed.difference(used) {
        findings.push(unclaimed_file::found(file, tree.path(file)));
    }
}

/// Texts that stand for others: `{#token#}` that a step of a pipeline should have
/// replaced, what an extractor took out, what SOPS encrypted; and credentials.
fn tokens(tree: &SourceTree, project: &Project, texts: &Texts, findings: &mut Findings) {
    let mut encrypted = BTreeSet::new();
    let meter = findings.budget().meter();
    for resource in project.resources.values() {
        for entry in resource.properties.entries() {
            // The value of a secret is not rendered, whatever it says.
            let is_secret = resource.key.kind == Kind::NamedValue
                && entry.key == "value"
                && secret::is_secret(&resource.properties);
            // What is found of these is said where they are made parameters.
            let mut secrets = resource.key.kind.row().secrets.iter();
            let is_kept_secret =
                secrets.any(|secret| secret.split('.').next() == Some(entry.key.as_str()));
            entry.value.visit_strings(&mut |text, span| {
                meter.spend(2 + text.len() as u64 / 64, Place::Source);
                let place = || span.or(resource.place()).map_or(Place::Source, Place::from);
                if text.contains(redacted_value::MARKER) {
                    findings.push(redacted_value::found(place()));
                }
                if text.contains(sops_encrypted::MARKER)
                    && let Some(file) = span.or(resource.place()).map(|span| span.file)
                    && encrypted.insert(file)
                {
                    findings.push(sops_encrypted::found(place(), tree.path(file).as_str()));
                }
                if is_secret {
                    return;
                }
                if !is_kept_secret
                    && !secret::holds(resource, &entry.key, text)
                    && let Some((_, what)) = flux_apim_diag::credential(text)
                {
                    findings.push(credential_in_clear::found(place(), what));
                }
                // An id below the service that the tree came from loses what is before that.
                let below = below_service(text);
                let rendered = below.as_deref().unwrap_or(text);
                if let Some(token) = compile::token(rendered).filter(|_| !is_kept_secret) {
                    findings.push(unreplaced_token::found(place(), &rendered[token]));
                }
            });
        }
    }
    for (span, token) in &texts.tokens {
        findings.push(unreplaced_token::found(Place::from(*span), token));
    }
}
