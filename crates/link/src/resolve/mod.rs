//! Every reference becomes an edge of the graph, every environment value and
//! secret a parameter, every large text a content.

mod reference;
mod value;

use super::expression::{Expression, Parameter};
use super::{Content, Node, link_property};
use crate::owned::is_generated;
use crate::rules::{
    ambiguous_named_value, arm_too_many_parameters, owned_by_azure, unknown_operation,
    values_stay_literals,
};
use crate::secret::{self, is_secret};
use flux_apim_compile::Texts;
use flux_apim_definition as definition;
use flux_apim_diag::{Findings, Held, Meter, Place, nearest};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::schema::Schema;
use flux_apim_model::{Key, Numbered, Resource};
use flux_apim_syntax::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map};

/// ARM takes 256 parameters; `apimServiceName` is one of them.
const MAX_PARAMETERS: usize = 255;
/// Steps of looking a resource up by its key, and of noting what was found.
const STEPS: u64 = 20;
/// Missing names that a near one is sought for.
const MAX_SOUGHT: usize = 100;
/// Bytes of a node: its key, where it came from, what stands around them.
const NODE: usize = 500;

pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) contents: Vec<Content>,
    pub(super) held: Held,
}

pub(super) fn resolve(
    project: &Project,
    (owned, current): (&BTreeSet<Key>, &BTreeMap<Key, Key>),
    texts: Texts,
    schema: &Schema,
    findings: &mut Findings,
) -> Graph {
    let keys: Vec<&Key> = project.resources.keys().collect();
    let mut index: BTreeMap<&Key, usize> =
        keys.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    // An API that a release makes what the tree says is there with the release.
    for (api, release) in current {
        if let Some(&node) = index.get(release) {
            index.insert(api, node);
        }
    }
    let external = project.config.external.iter();
    let external = external
        .map(|id| id.trim_start_matches('/').to_ascii_lowercase())
        .collect();
    let meter = findings.budget().meter();
    let mut resolver = Resolver {
        external,
        operations: operations(project, &texts, &meter),
        meter,
        bytes: 0,
        held: findings.budget().hold(0, Place::Source),
        project,
        schema,
        index,
        named_values: named_values(project, findings),
        parameters: BTreeMap::new(),
        parameter_names: Numbered::default(),
        contents: Vec::new(),
        content_paths: Numbered::default(),
        secure: 0,
        room: MAX_PARAMETERS.saturating_sub(project.resources.values().map(secret::count).sum()),
        literals: Vec::new(),
        sought: 0,
        owned,
        current,
        texts,
        findings,
    };
    let nodes: Vec<Node> = project
        .resources
        .values()
        .map(|resource| resolver.node(resource))
        .collect();
    let nodes = resolver.without_unused(nodes);
    if !resolver.literals.is_empty() {
        let place = project.environment_file.map_or(Place::Source, Place::from);
        let finding = values_stay_literals::found(place, &resolver.literals);
        resolver.findings.push(finding);
    }
    let secure = resolver.secure;
    if secure > MAX_PARAMETERS {
        let finding = arm_too_many_parameters::found(secure, MAX_PARAMETERS);
        resolver.findings.push(finding);
    }
    Graph {
        nodes,
        parameters: resolver.parameters,
        contents: resolver.contents,
        held: resolver.held,
    }
}

/// The operations of a definition by what they may be called: each has the first
/// of the document that is called so.
#[derive(Default)]
struct Operations {
    /// By name in lower case.
    folded: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
}

impl Operations {
    /// The first operation that is called `given`, or `normal` when normalised.
    fn find(&self, given: &str, normal: &str) -> Option<usize> {
        let folded = self.folded.get(&given.to_ascii_lowercase());
        let found = [folded, self.by_id.get(given), self.by_name.get(normal)];
        found.into_iter().flatten().min().copied()
    }
}

/// Of the definitions whose operations some resource names.
fn operations(project: &Project, texts: &Texts, meter: &Meter) -> BTreeMap<Key, Operations> {
    let mut all: BTreeMap<Key, Operations> = BTreeMap::new();
    let named = project.resources.keys();
    let named = named.filter(|key| matches!(key.kind, Kind::OperationPolicy | Kind::ApiOperation));
    for api in named.filter_map(Key::api) {
        let Some(compiled) = texts.definitions.get(&api) else {
            continue;
        };
        let btree_map::Entry::Vacant(vacant) = all.entry(api) else {
            continue;
        };
        let operations = vacant.insert(Operations::default());
        for (n, operation) in compiled.operations.iter().enumerate() {
            meter.spend(STEPS, operation.span);
            let folded = operation.name.to_ascii_lowercase();
            operations.folded.entry(folded).or_insert(n);
            operations
                .by_name
                .entry(definition::normalise(&operation.name))
                .or_insert(n);
            if let Some(id) = &operation.id {
                operations.by_id.entry(id.clone()).or_insert(n);
            }
        }
    }
    all
}

/// Named values by workspace and folded display name, which is what policies use;
/// with the name as it stands.
type NamedValues<'p> = BTreeMap<(Option<String>, String), (&'p str, &'p Key)>;

fn named_values<'p>(project: &'p Project, findings: &mut Findings) -> NamedValues<'p> {
    let mut by_name: BTreeMap<_, (&str, &Resource)> = BTreeMap::new();
    for resource in project.resources.values() {
        if resource.key.kind != Kind::NamedValue {
            continue;
        }
        let shown = resource.properties.get("displayName");
        let Some(name) = shown.and_then(Value::as_str) else {
            continue;
        };
        let slot = (resource.key.workspace.clone(), name.to_lowercase());
        if let Some((_, first)) = by_name.insert(slot, (name, resource)) {
            let place = |r: &Resource| {
                r.properties
                    .get("displayName")
                    .and_then(|value| value.span)
                    .or(r.place())
                    .map_or(Place::Source, Place::from)
            };
            let (second, first) = ((&resource.key, place(resource)), (&first.key, place(first)));
            findings.push(ambiguous_named_value::found(second, first, name));
        }
    }
    by_name
        .into_iter()
        .map(|(slot, (name, resource))| (slot, (name, &resource.key)))
        .collect()
}

/// The parameter of a secret that the tree does not hold. Azure's publishers leave such a
/// named value alone: the service has its value already.
fn only_with(resource: &Resource, properties: &[(String, Expression)]) -> Option<String> {
    let is_left = resource.key.kind == Kind::NamedValue
        && is_secret(&resource.properties)
        && resource.properties.get("value").is_none();
    let mut properties = properties.iter().filter(|_| is_left);
    properties.find_map(|(name, value)| match value {
        Expression::Parameter(parameter) if name == "value" => Some(parameter.clone()),
        _ => None,
    })
}

struct Resolver<'p, 'f> {
    project: &'p Project,
    schema: &'p Schema,
    index: BTreeMap<&'p Key, usize>,
    named_values: NamedValues<'p>,
    parameters: BTreeMap<String, Parameter>,
    parameter_names: Numbered,
    contents: Vec<Content>,
    content_paths: Numbered,
    /// Ids of what is managed elsewhere, in lower case.
    external: HashSet<String>,
    /// Where something names operations: those of each definition.
    operations: BTreeMap<Key, Operations>,
    meter: Meter,
    /// Bytes of the graph so far.
    bytes: usize,
    held: Held,
    /// How many parameters are secrets.
    secure: usize,
    /// How many values of the environment may be parameters, beside all secrets.
    room: usize,
    /// Values that may not.
    literals: Vec<String>,
    /// How many missing names a near one was sought for.
    sought: usize,
    /// What Azure makes itself.
    owned: &'p BTreeSet<Key>,
    /// APIs that a release makes what the tree says.
    current: &'p BTreeMap<Key, Key>,
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
        let place = resource.place().map_or(Place::Source, Place::from);
        self.meter.spend(STEPS, place);
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
        if key.kind == Kind::Resolver {
            // It is held against the types of the schema.
            let schema = key.sibling(Kind::ApiSchema, &[&key.names[0], "graphql"]);
            walk.depends_on.extend(self.index.get(&schema));
        }
        self.bytes += NODE + 16 * walk.depends_on.len();
        let place = resource.place().map_or(Place::Source, Place::from);
        self.held.grow(self.bytes, place);
        Node {
            only_with: only_with(resource, &properties),
            key,
            properties,
            depends_on: walk.depends_on,
            origins: resource.origins.clone(),
        }
    }

    /// The nodes without the secrets that API Management made for itself and that
    /// nothing names. Those that something names are on the service, too.
    fn without_unused(&mut self, nodes: Vec<Node>) -> Vec<Node> {
        let used: HashSet<usize> = nodes.iter().flat_map(|n| n.depends_on.clone()).collect();
        let is_unused = |(i, node): &(usize, &Node)| {
            node.only_with.is_some() && is_generated(node.key.name()) && !used.contains(i)
        };
        let unused: Vec<usize> = nodes
            .iter()
            .enumerate()
            .filter(is_unused)
            .map(|(i, _)| i)
            .collect();
        let Some(&first) = unused.first() else {
            return nodes;
        };
        let names: Vec<&str> = unused.iter().map(|&i| nodes[i].key.name()).collect();
        let place = nodes[first].origins.first();
        let place = place.map_or(Place::Source, |origin| origin.span.into());
        let what = "unused generated named values";
        let mut finding = owned_by_azure::found(place, what, &names);
        for &i in &unused[1..] {
            if let Some(origin) = nodes[i].origins.first() {
                finding = finding.related(origin.span, "another one");
            }
        }
        self.findings.push(finding);
        // Where each node that stays is now.
        let mut now = Vec::with_capacity(nodes.len());
        let mut kept = Vec::with_capacity(nodes.len() - unused.len());
        for (i, node) in nodes.into_iter().enumerate() {
            now.push(kept.len());
            if unused.binary_search(&i).is_err() {
                kept.push(node);
            } else if let Some(parameter) = &node.only_with {
                self.parameters.remove(parameter);
                self.secure -= 1;
            }
        }
        for dependency in kept.iter_mut().flat_map(|node| &mut node.depends_on) {
            *dependency = now[*dependency];
        }
        kept
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
        let normal = definition::normalise(given);
        let found = self
            .operations
            .get(&api)
            .and_then(|operations| operations.find(given, &normal));
        if let Some(operation) = found {
            key.names[1].clone_from(&compiled.operations[operation].name);
            return key;
        }
        let declared = key.sibling(Kind::ApiOperation, &[&api.names[0], given]);
        if key.kind == Kind::OperationPolicy && !self.index.contains_key(&declared) {
            let place = resource
                .place()
                .map_or(Place::Source, |span| span.file.into());
            let near = self.findings.hint(|| {
                let names = compiled.operations.iter().map(|o| o.name.as_str());
                nearest(&normal, names)
            });
            let api = &api.names[0];
            self.findings
                .push(unknown_operation::found(place, api, given, near));
        }
        key
    }

    fn depend_on_parent(&self, parent: &Key, walk: &mut Walk<'_>) {
        let is_release = walk.resource.key.kind == Kind::ApiRelease;
        if is_release && self.current.contains_key(parent) {
            // The revision that it names makes the API, too.
            return;
        }
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
