//! Every reference becomes an edge of the graph, every environment value and
//! secret a parameter, every large text a content.

use super::content::Texts;
use super::expression::{Expression, Parameter, is_secret};
use super::{Content, Node, link_property};
use crate::diag::{Diagnostic, Place, Span, excerpt, nearest, rules};
use crate::discover::Project;
use crate::model::kinds::Kind;
use crate::model::{Key, Resource, Target, parse_id};
use crate::openapi;
use crate::policy::ReferenceKind;
use crate::syntax::{Data, Value};
use std::collections::{BTreeMap, BTreeSet};

/// ARM takes 256 parameters; `apimServiceName` is one of them.
const MAX_PARAMETERS: usize = 255;

/// Groups that every service has.
const BUILT_IN_GROUPS: [&str; 3] = ["administrators", "developers", "guests"];

pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) contents: Vec<Content>,
}

pub(super) fn resolve(project: &Project, texts: Texts, findings: &mut Vec<Diagnostic>) -> Graph {
    let keys: Vec<&Key> = project.resources.keys().collect();
    let index = keys.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    let mut resolver = Resolver {
        project,
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
    findings: &mut Vec<Diagnostic>,
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
    index: BTreeMap<&'p Key, usize>,
    named_values: BTreeMap<(Option<String>, String), &'p Key>,
    parameters: BTreeMap<String, Parameter>,
    contents: Vec<Content>,
    content_paths: BTreeSet<String>,
    /// How many parameters are secrets.
    secure: usize,
    texts: Texts,
    findings: &'f mut Vec<Diagnostic>,
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

    fn link_target(&mut self, target: &Key, walk: &mut Walk<'_>) {
        match self.find(target) {
            Some(node) => walk.depends_on.push(node),
            None if self.is_elsewhere(target) => {}
            None => {
                let place = walk.resource.place().map_or(Place::Source, Place::from);
                self.dangling(target, place, &rules::DANGLING_REFERENCE, "the project");
            }
        }
    }

    /// The node of `key`: also the current revision under its revision's id.
    fn find(&self, key: &Key) -> Option<usize> {
        if let Some(&node) = self.index.get(key) {
            return Some(node);
        }
        let (root, _) = key.names.first()?.split_once(";rev=")?;
        let root = key.sibling(key.kind, &[root]);
        (key.kind == Kind::Api)
            .then(|| self.index.get(&root).copied())
            .flatten()
    }

    /// `key` as the project spells it.
    fn known(&self, key: &Key) -> Key {
        match self.index.get_key_value(key) {
            Some((known, _)) => (*known).clone(),
            None => key.clone(),
        }
    }

    fn is_elsewhere(&self, key: &Key) -> bool {
        if key.kind == Kind::Group
            && BUILT_IN_GROUPS
                .iter()
                .any(|group| group.eq_ignore_ascii_case(key.name()))
        {
            return true;
        }
        let shown = key.to_string();
        self.project.config.external.iter().any(|external| {
            external
                .trim_start_matches('/')
                .eq_ignore_ascii_case(&shown)
        })
    }

    fn dangling(
        &mut self,
        key: &Key,
        place: Place,
        rule: &'static crate::diag::Rule,
        subject: &str,
    ) {
        let names = self
            .index
            .keys()
            .filter(|known| known.kind == key.kind && known.workspace == key.workspace)
            .map(|known| known.name());
        let near = nearest(key.name(), names).map(str::to_owned);
        let finding = Diagnostic::new(
            rule,
            place,
            format!(
                "{subject} has no {} `{}`",
                key.kind.label(),
                excerpt(key.name(), 80)
            ),
        );
        self.findings.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!(
                "add it, or list it under `external: [{key}]` in flux-apim.yaml when it is managed elsewhere"
            )),
        });
    }

    fn properties(&mut self, walk: &mut Walk<'_>) -> Vec<(String, Expression)> {
        let resource = walk.resource;
        let mut properties: Vec<(String, Expression)> = resource
            .properties
            .entries()
            .iter()
            .filter_map(|entry| {
                let value = self.value(walk, &entry.key, &entry.value)?;
                Some((entry.key.clone(), value))
            })
            .collect();
        match resource.key.kind {
            Kind::NamedValue
                if is_secret(&resource.properties)
                    && resource.properties.get("value").is_none() =>
            {
                let value = self.secret(&resource.key, "value", None);
                properties.push(("value".to_owned(), value));
            }
            Kind::ApiRelease if resource.properties.get("apiId").is_none() => {
                if let Some(api) = resource.key.api() {
                    properties.push(("apiId".to_owned(), Expression::Id(self.known(&api))));
                }
            }
            _ => {}
        }
        properties
    }

    /// `path` is the place in `properties`, items as `[]`.
    fn value(&mut self, walk: &mut Walk<'_>, path: &str, value: &Value) -> Option<Expression> {
        Some(match &value.data {
            Data::Null => Expression::Null,
            Data::Bool(value) => Expression::Bool(*value),
            Data::Number(digits) => Expression::Number(digits.clone()),
            Data::Array(items) => Expression::Array(
                items
                    .iter()
                    .filter_map(|item| self.value(walk, &format!("{path}[]"), item))
                    .collect(),
            ),
            Data::Object(entries) => Expression::Object(
                entries
                    .iter()
                    .filter_map(|entry| {
                        let inner = format!("{path}.{}", entry.key);
                        Some((entry.key.clone(), self.value(walk, &inner, &entry.value)?))
                    })
                    .collect(),
            ),
            Data::String(text) => self.string(walk, path, text, value.span),
        })
    }

    fn string(
        &mut self,
        walk: &mut Walk<'_>,
        path: &str,
        text: &str,
        span: Option<Span>,
    ) -> Expression {
        let resource = walk.resource;
        let key = &resource.key;
        let place = span.or(resource.place()).map_or(Place::Source, Place::from);
        if let Some(content) = self.content(key, path, text) {
            return content;
        }
        if path == "documents[].documentationId" {
            let page = key.sibling(Kind::Documentation, &[text]);
            walk.depends_on.extend(self.index.get(&page));
        }
        let row = key.kind.row();
        if let Some(reference) = row.references.iter().find(|r| r.path == path) {
            return self.reference(walk, reference.targets, text, place);
        }
        let is_value = key.kind == Kind::NamedValue && path == "value";
        if row.named_values {
            self.named_values_in(walk, text, &place);
        }
        let secret = (is_value && is_secret(&resource.properties))
            || (row.secrets.contains(&path) && !text.contains("{{"));
        if secret {
            // A token stands for a value that the pipeline knows.
            if super::content::token(text).is_none() && !text.is_empty() {
                self.findings.push(
                    Diagnostic::new(
                        &rules::SECRET_IN_TREE,
                        place,
                        format!(
                            "`{path}` of {} `{}` is a secret in clear text",
                            key.kind.label(),
                            excerpt(key.name(), 80)
                        ),
                    )
                    .help("use a Key Vault reference and rotate the secret; it is not rendered"),
                );
            }
            return self.secret(key, path, span);
        }
        let environment = self.project.environment_file;
        if environment.is_some()
            && span.map(|span| span.file) == environment
            && !matches!(path, "format" | "value") | is_value
            && self.parameters.len() < MAX_PARAMETERS
        {
            return self.parameter(key, path, Some(text.to_owned()));
        }
        Expression::String(text.to_owned())
    }

    fn reference(
        &mut self,
        walk: &mut Walk<'_>,
        targets: &[Kind],
        text: &str,
        place: Place,
    ) -> Expression {
        match parse_id(text) {
            Target::Resource(target) if targets.contains(&target.kind) => {
                let own = Key {
                    workspace: walk.resource.key.workspace.clone(),
                    ..target.clone()
                };
                let target = if self.find(&own).is_some() {
                    own
                } else {
                    target
                };
                match self.find(&target) {
                    Some(node)
                        if self
                            .project
                            .resources
                            .get(&walk.resource.key)
                            .is_some_and(|r| self.index.get(&r.key) == Some(&node)) =>
                    {
                        // A pool that lists itself, a revision of itself.
                        walk.depends_on.push(node);
                    }
                    Some(node) => walk.depends_on.push(node),
                    None if self.is_elsewhere(&target) => {}
                    None => {
                        self.dangling(&target, place, &rules::DANGLING_REFERENCE, "the project");
                    }
                }
                Expression::Id(self.known(&target))
            }
            Target::Service
                if text.contains("Microsoft.ApiManagement") && !text.ends_with("apis") =>
            {
                Expression::ServiceId
            }
            _ => Expression::String(text.to_owned()),
        }
    }

    /// Dependencies on the named values that `text` uses.
    fn named_values_in(&mut self, walk: &mut Walk<'_>, text: &str, place: &Place) {
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            let inside = &rest[at + 2..];
            let Some(end) = inside.find("}}") else { return };
            self.named_value(
                walk,
                inside[..end].trim(),
                place.clone(),
                &rules::DANGLING_REFERENCE,
            );
            rest = &inside[end + 2..];
        }
    }

    fn named_value(
        &mut self,
        walk: &mut Walk<'_>,
        name: &str,
        place: Place,
        rule: &'static crate::diag::Rule,
    ) {
        let folded = name.to_lowercase();
        let workspace = &walk.resource.key.workspace;
        let found = [workspace.clone(), None]
            .into_iter()
            .find_map(|workspace| self.named_values.get(&(workspace, folded.clone())));
        if let Some(key) = found {
            walk.depends_on.extend(self.index.get(*key));
            return;
        }
        // Exported loggers name the resource instead of its display name.
        let own = walk.resource.key.sibling(Kind::NamedValue, &[name]);
        if let Some(&node) = self.index.get(&own) {
            walk.depends_on.push(node);
            return;
        }
        let key = Key::new(None, Kind::NamedValue, &[name]);
        if self.is_elsewhere(&key) {
            return;
        }
        let names: Vec<String> = self
            .named_values
            .values()
            .filter_map(|key| self.project.resources.get(*key))
            .filter_map(|r| r.properties.get("displayName")?.as_str().map(str::to_owned))
            .collect();
        let finding = Diagnostic::new(
            rule,
            place,
            format!(
                "no named value has the display name `{}`",
                excerpt(name, 80)
            ),
        );
        self.findings.push(match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => finding.help(format!("did you mean `{{{{{near}}}}}`?")),
            None => finding.help(format!(
                "add it, or list it under `external: [namedValues/{}]` in flux-apim.yaml when it is managed elsewhere",
                excerpt(name, 80)
            )),
        });
    }

    fn policy_references(&mut self, walk: &mut Walk<'_>) {
        let Some(policy) = self.texts.policies.get(&walk.resource.key) else {
            return;
        };
        let references: Vec<_> = policy
            .references
            .iter()
            .map(|r| (r.kind, r.name.clone(), r.span))
            .collect();
        for (kind, name, span) in references {
            let kind = match kind {
                ReferenceKind::NamedValue => {
                    self.named_value(walk, &name, span.into(), &rules::DANGLING_POLICY_REFERENCE);
                    continue;
                }
                ReferenceKind::Fragment => Kind::PolicyFragment,
                ReferenceKind::Backend => Kind::Backend,
                ReferenceKind::Logger => Kind::Logger,
                // Kinds that trees do not hold: nothing to check against.
                ReferenceKind::Certificate | ReferenceKind::AuthorizationProvider => continue,
            };
            let own = walk.resource.key.sibling(kind, &[&name]);
            let shared = Key::new(None, kind, &[&name]);
            match self.find(&own).or_else(|| self.find(&shared)) {
                Some(node) => walk.depends_on.push(node),
                None if self.is_elsewhere(&own) || self.is_elsewhere(&shared) => {}
                None => self.dangling(
                    &own,
                    span.into(),
                    &rules::DANGLING_POLICY_REFERENCE,
                    "the project",
                ),
            }
        }
    }

    /// The text of a policy or definition, when `path` is where it goes.
    fn content(&mut self, key: &Key, path: &str, text: &str) -> Option<Expression> {
        if !text.is_empty() {
            return None;
        }
        let name = match path {
            "value" if key.kind.is_policy() => "policy.xml".to_owned(),
            "value" | "document.value" => {
                let compiled = self.texts.definitions.get(key)?;
                format!("definition.{}", compiled.kind.extension())
            }
            _ => return None,
        };
        let mut content = self.texts.contents.remove(key)?;
        let mut folder: Vec<String> = Vec::new();
        let arm = key.arm_type();
        for (word, name) in arm.split('/').skip(2).zip(key.arm_names()) {
            if Some(name) == key.kind.row().singleton {
                continue;
            }
            folder.push(word.to_owned());
            folder.push(file_name(name));
        }
        folder.push(name);
        let wanted = folder.join("/");
        let mut path = wanted.clone();
        let mut n = 1;
        while !self.content_paths.insert(path.to_lowercase()) {
            n += 1;
            path = match wanted.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}-{n}.{extension}"),
                None => format!("{wanted}-{n}"),
            };
        }
        content.path = path;
        self.contents.push(content);
        Some(Expression::Content(self.contents.len() - 1))
    }

    fn secret(&mut self, key: &Key, path: &str, _span: Option<Span>) -> Expression {
        self.secure += 1;
        self.parameter(key, path, None)
    }

    fn parameter(&mut self, key: &Key, path: &str, value: Option<String>) -> Expression {
        let mut base = String::new();
        let kind = key.kind.name();
        base.push_str(&kind[..1].to_lowercase());
        base.push_str(&kind[1..]);
        for word in key
            .workspace
            .iter()
            .chain(&key.names)
            .map(String::as_str)
            .chain([path])
        {
            pascal(&mut base, word);
        }
        base.truncate(200);
        let mut name = base.clone();
        let mut n = 1;
        while self
            .parameters
            .keys()
            .any(|known| known.eq_ignore_ascii_case(&name))
        {
            n += 1;
            name = format!("{base}{n}");
        }
        let description = format!("{path} of {} {}", key.kind.label(), key.name());
        self.parameters
            .insert(name.clone(), Parameter { value, description });
        Expression::Parameter(name)
    }
}

/// Appends the letters and digits of `word`, each run with a capital.
fn pascal(out: &mut String, word: &str) {
    let mut start = true;
    for c in word.chars() {
        if !c.is_ascii_alphanumeric() {
            start = true;
        } else if start {
            out.push(c.to_ascii_uppercase());
            start = false;
        } else {
            out.push(c);
        }
    }
}

/// A resource name as a file name that every system takes.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    match safe.trim_start_matches('.') {
        "" => "x".to_owned(),
        safe => safe.to_owned(),
    }
}
