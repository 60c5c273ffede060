//! Every reference becomes an edge of the graph, every environment value and
//! secret a parameter, every large text a content.

mod reference;
mod value;

use super::content::Texts;
use super::expression::{Expression, Parameter};
use super::{Content, Node, link_property};
use crate::diag::{Diagnostic, Findings, Place, excerpt, nearest, rules};
use crate::discover::Project;
use crate::model::kinds::Kind;
use crate::model::schema::Schema;
use crate::model::{Key, Resource};
use crate::openapi;
use crate::syntax::Value;
use std::collections::{BTreeMap, BTreeSet};

/// ARM takes 256 parameters; `apimServiceName` is one of them.
const MAX_PARAMETERS: usize = 255;

pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) contents: Vec<Content>,
}

pub(super) fn resolve(
    project: &Project,
    texts: Texts,
    schema: &Schema,
    findings: &mut Findings,
) -> Graph {
    let keys: Vec<&Key> = project.resources.keys().collect();
    let index = keys.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    let mut resolver = Resolver {
        project,
        schema,
        index,
        named_values: named_values(project, findings),
        parameters: BTreeMap::new(),
        contents: Vec::new(),
        content_paths: BTreeSet::new(),
        secure: 0,
        texts,
        findings,
    };
    let nodes = project
        .resources
        .values()
        .map(|resource| resolver.node(resource))
        .collect();
    let secure = resolver.secure;
    if secure > MAX_PARAMETERS {
        resolver.findings.push(
            Diagnostic::new(
                &rules::ARM_TOO_MANY_PARAMETERS,
                Place::Source,
                format!(
                    "{secure} secrets need a parameter each, but a template takes {MAX_PARAMETERS}"
                ),
            )
            .help("keep named values in a Key Vault (`keyVault.secretIdentifier`)"),
        );
    }
    Graph {
        nodes,
        parameters: resolver.parameters,
        contents: resolver.contents,
    }
}

/// Named values by workspace and display name, which is what policies use.
fn named_values<'p>(
    project: &'p Project,
    findings: &mut Findings,
) -> BTreeMap<(Option<String>, String), &'p Key> {
    let mut by_name: BTreeMap<_, &Resource> = BTreeMap::new();
    for resource in project.resources.values() {
        if resource.key.kind != Kind::NamedValue {
            continue;
        }
        let shown = resource.properties.get("displayName");
        let Some(name) = shown.and_then(Value::as_str) else {
            continue;
        };
        let slot = (resource.key.workspace.clone(), name.to_lowercase());
        if let Some(first) = by_name.insert(slot, resource) {
            let place = |r: &Resource| {
                r.properties
                    .get("displayName")
                    .and_then(|value| value.span)
                    .or(r.place())
                    .map_or(Place::Source, Place::from)
            };
            findings.push(
                Diagnostic::new(
                    &rules::AMBIGUOUS_NAMED_VALUE,
                    place(resource),
                    format!(
                        "the named values `{}` and `{}` have the same display name `{}`",
                        excerpt(first.key.name(), 80),
                        excerpt(resource.key.name(), 80),
                        excerpt(name, 80)
                    ),
                )
                .related(place(first), "the other one")
                .help("policies name a named value by its display name; give each its own"),
            );
        }
    }
    by_name
        .into_iter()
        .map(|(slot, r)| (slot, &r.key))
        .collect()
}

struct Resolver<'p, 'f> {
    project: &'p Project,
    schema: &'p Schema,
    index: BTreeMap<&'p Key, usize>,
    named_values: BTreeMap<(Option<String>, String), &'p Key>,
    parameters: BTreeMap<String, Parameter>,
    contents: Vec<Content>,
    content_paths: BTreeSet<String>,
    /// How many parameters are secrets.
    secure: usize,
    texts: Texts,
    findings: &'f mut Findings,
}

/// What is known while the properties of one resource are walked.
struct Walk<'r> {
    resource: &'r Resource,
    depends_on: Vec<usize>,
}

impl<'p> Resolver<'p, '_> {
    fn node(&mut self, resource: &'p Resource) -> Node {
        let mut walk = Walk {
            resource,
            depends_on: Vec::new(),
        };
        let key = self.canonical(resource);
        if let Some(parent) = key.parent() {
            self.depend_on_parent(&parent, &mut walk);
        }
        if let Some(target) = resource.key.link_target() {
            self.link_target(&target, &mut walk);
        }
        let properties = match link_property(&key) {
            Some((property, target)) => {
                vec![(property.to_owned(), Expression::Id(self.known(&target)))]
            }
            // The files of some links repeat what their target says of itself.
            None if !key.kind.row().has_properties => Vec::new(),
            None => self.properties(&mut walk),
        };
        self.policy_references(&mut walk);
        if let Some((root, _)) = key.names.first().and_then(|name| name.split_once(";rev="))
            && key.kind == Kind::Api
        {
            let root = key.sibling(Kind::Api, &[root]);
            walk.depends_on.extend(self.index.get(&root));
        }
        Node {
            key,
            properties,
            depends_on: walk.depends_on,
            origins: resource.origins.clone(),
        }
    }

    /// The key under which Azure knows the resource: operation folders may
    /// have the raw `operationId`.
    fn canonical(&mut self, resource: &Resource) -> Key {
        let mut key = resource.key.clone();
        if !matches!(key.kind, Kind::OperationPolicy | Kind::ApiOperation) {
            return key;
        }
        let Some(api) = key.api() else { return key };
        let Some(compiled) = self.texts.definitions.get(&api) else {
            return key;
        };
        if !compiled.kind.is_openapi() {
            return key;
        }
        let given = &key.names[1];
        let normal = openapi::normalise(given);
        let found = compiled.operations.iter().find(|operation| {
            operation.name.eq_ignore_ascii_case(given)
                || operation.id.as_deref() == Some(given)
                || operation.name == normal
        });
        if let Some(operation) = found {
            key.names[1].clone_from(&operation.name);
            return key;
        }
        let declared = key.sibling(Kind::ApiOperation, &[&api.names[0], given]);
        if key.kind == Kind::OperationPolicy && !self.index.contains_key(&declared) {
            let place = resource
                .place()
                .map_or(Place::Source, |span| span.file.into());
            let names = compiled.operations.iter().map(|o| o.name.as_str());
            let mut finding = Diagnostic::new(
                &rules::UNKNOWN_OPERATION,
                place,
                format!(
                    "the API `{}` has no operation `{}`",
                    excerpt(&api.names[0], 80),
                    excerpt(given, 80)
                ),
            );
            finding = match nearest(&normal, names) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("name the folder after the `operationId`"),
            };
            self.findings.push(finding);
        }
        key
    }

    fn depend_on_parent(&self, parent: &Key, walk: &mut Walk<'_>) {
        match self.index.get(parent) {
            Some(&node) => walk.depends_on.push(node),
            // An operation that only the definition declares exists with it.
            None if parent.kind == Kind::ApiOperation => {
                if let Some(api) = parent.api() {
                    walk.depends_on.extend(self.index.get(&api));
                }
            }
            None => {}
        }
    }
}
