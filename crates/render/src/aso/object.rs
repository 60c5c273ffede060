//! One object: its spec, field by field, as the CRD has them.

use super::super::piece::{Text, Writer};
use super::folders::may_move;
use super::yaml::{block, head, item_of, scalar, yaml_key};
use super::{FIELDS, GROUP, MAX_OBJECT, fit, kind_of};
use crate::rules::{aso_object_too_large, aso_property, aso_refused, aso_secret, no_aso_kind};
use flux_apim_diag::{Findings, Place};
use flux_apim_link::{Expression, Linked, Node};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Where findings about `node` stand.
fn place(node: &Node) -> Place {
    let first = node.origins.first();
    first.map_or(Place::Source, |origin| origin.span.file.into())
}

/// Prints the objects of a graph.
pub(super) struct Printer<'g, 'f> {
    pub(super) graph: &'g Linked,
    pub(super) names: BTreeMap<Key, String>,
    pub(super) owner: String,
    /// Resources of the operator's kinds that have no object.
    pub(super) left: BTreeSet<Key>,
    pub(super) findings: &'f mut Findings,
}

impl Printer<'_, '_> {
    /// Appends the object of `node`; `false` when there is none.
    pub(super) fn object(&mut self, node: &Node, writer: &mut Writer) -> bool {
        let Some(kind) = self.kind(node) else {
            return false;
        };
        let name = self.names[&node.key].clone();
        let mut own = Writer::default();
        let secret = self.credentials(node, &name, &mut own);
        head(&mut own, &format!("{GROUP}/v20240501"), kind, &name);
        if may_move(node.key.kind) {
            own.push("    serviceoperator.azure.com/reconcile-policy: detach-on-delete\n");
        }
        own.push("spec:\n");
        let fields = &FIELDS[kind];
        if fields.get("azureName").is_some() {
            own.push("  azureName: ");
            scalar(&mut own, node.key.name());
        }
        self.owner_of(node, &mut own);
        for (key, value) in &node.properties {
            if key == "credentials" && kind == "Logger" {
                if let Some(secret) = &secret {
                    own.push("  credentials:\n    name: ");
                    scalar(&mut own, secret);
                }
                continue;
            }
            self.field(node, fields, key, key, value, 2, &mut own);
        }
        let pieces = own.finish();
        let size: usize = pieces
            .iter()
            .map(|piece| piece.len(self.graph.contents()))
            .sum();
        if size > MAX_OBJECT {
            let place = node
                .origins
                .iter()
                .map(|origin| origin.span.file)
                .next_back();
            let place = place.map_or(Place::Source, Place::from);
            let finding = aso_object_too_large::found(place, &node.key, size, MAX_OBJECT);
            self.findings.push(finding);
        }
        writer.append(pieces);
        true
    }

    /// The operator's kind for `node`, where it takes the object.
    fn kind(&mut self, node: &Node) -> Option<&'static str> {
        let Some(kind) = kind_of(node) else {
            self.findings
                .push(no_aso_kind::found(place(node), &node.key));
            return None;
        };
        let finding = if node.only_with.is_some() {
            aso_secret::without_value(place(node), &node.key)
        } else if secret_value(node) {
            aso_secret::named_value(place(node), &node.key)
        } else if let Some(on) = self.left_below(node) {
            aso_refused::hanging(place(node), &node.key, &on)
        } else if let Some(parent) = self.owner_elsewhere(node) {
            aso_refused::elsewhere(place(node), &node.key, &parent)
        } else if let Some(wrong) = fit::refusal(self, node, kind) {
            aso_refused::found(place(node), &node.key, &wrong)
        } else {
            return Some(kind);
        };
        self.findings.push(finding);
        self.left.insert(node.key.clone());
        None
    }

    /// What `node` belongs or refers to, and has no object.
    fn left_below(&self, node: &Node) -> Option<Key> {
        if self.left.is_empty() {
            return None;
        }
        let mut keys = Vec::from_iter(node.key.parent());
        keys.extend(node.key.link_target());
        for (_, value) in &node.properties {
            ids(value, &mut keys);
        }
        keys.into_iter().find(|key| self.left.contains(key))
    }

    /// The owner of `node` that is no object here, and has no id that is known.
    fn owner_elsewhere(&self, node: &Node) -> Option<Key> {
        let parent = node.key.parent()?;
        let is_known = self.names.contains_key(&parent) || self.owner.starts_with('/');
        (!is_known).then_some(parent)
    }

    fn owner_of(&mut self, node: &Node, writer: &mut Writer) {
        writer.push("  owner:\n");
        let parent = node.key.parent();
        let name = parent.as_ref().map(|parent| self.names.get(parent));
        let (field, owner) = match (name, &parent) {
            (Some(Some(name)), _) => ("name", name.clone()),
            (_, Some(parent)) => ("armId", format!("{}/{parent}", self.owner)),
            (_, None) if self.owner.starts_with('/') => ("armId", self.owner.clone()),
            (_, None) => ("name", self.owner.clone()),
        };
        writer.push(&format!("    {field}: "));
        scalar(writer, &owner);
    }

    /// A logger's credentials are the keys of a Secret. What stands in the
    /// tree are names of named values, which are no secrets.
    fn credentials(&mut self, node: &Node, name: &str, writer: &mut Writer) -> Option<String> {
        if node.key.kind != Kind::Logger {
            return None;
        }
        let credentials = node.properties.iter().find(|(key, _)| key == "credentials");
        let Some((_, Expression::Object(entries))) = credentials else {
            return None;
        };
        let mut values = Vec::new();
        for (key, value) in entries {
            match self.plain(value) {
                Some(value) => values.push((key, value)),
                None => {
                    let finding = aso_secret::credentials(place(node), &node.key);
                    self.findings.push(finding);
                    return Some(format!("{name}-credentials"));
                }
            }
        }
        let secret = format!("{name}-credentials");
        head(writer, "v1", "Secret", &secret);
        writer.push("stringData:\n");
        for (key, value) in values {
            writer.push("  ");
            writer.push(&yaml_key(key));
            writer.push(": ");
            scalar(writer, &value);
        }
        Some(secret)
    }

    /// The text of a literal, or of a parameter with a value.
    fn plain(&self, value: &Expression) -> Option<String> {
        match value {
            Expression::String(text) => Some(text.clone()),
            Expression::Parameter(name) => self.graph.parameters().get(name)?.value.clone(),
            _ => None,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one walk over value and field table together"
    )]
    fn field(
        &mut self,
        node: &Node,
        fields: &Json,
        path: &str,
        key: &str,
        value: &Expression,
        indent: usize,
        writer: &mut Writer,
    ) {
        let steps = 2 + path.len() as u64 / 16;
        self.findings.budget().spend(steps, Place::Source);
        let pad = " ".repeat(indent);
        if let Some((field, reference)) = self.reference(node, path, key, value) {
            match reference {
                Some(lines) if fields.get(&field).is_some() => {
                    writer.push(&format!("{pad}{field}:\n"));
                    for (name, text) in lines {
                        writer.push(&format!("{pad}  {name}: "));
                        scalar(writer, &text);
                    }
                }
                _ => {
                    let finding = aso_property::reference(place(node), path, &node.key);
                    self.findings.push(finding);
                }
            }
            return;
        }
        let field = fields.get(key).or_else(|| fields.get("*"));
        let Some(field) = field else {
            let finding = aso_property::unknown(place(node), path, &node.key);
            self.findings.push(finding);
            return;
        };
        if let Expression::Parameter(name) = value
            && self
                .graph
                .parameters()
                .get(name)
                .is_some_and(flux_apim_link::Parameter::is_secure)
        {
            let finding = aso_secret::property(place(node), path, &node.key);
            self.findings.push(finding);
            return;
        }
        if matches!(value, Expression::Null) {
            return;
        }
        writer.push(&pad);
        writer.push(&yaml_key(key));
        writer.push(":");
        self.value(node, field, path, value, indent, writer);
    }

    /// The value after a key and its colon.
    fn value(
        &mut self,
        node: &Node,
        field: &Json,
        path: &str,
        value: &Expression,
        indent: usize,
        writer: &mut Writer,
    ) {
        match value {
            Expression::Null => writer.push(" null\n"),
            Expression::Bool(value) => writer.push(if *value { " true\n" } else { " false\n" }),
            Expression::Number(digits) => writer.push(&format!(" {digits}\n")),
            Expression::String(text) => {
                writer.push(" ");
                scalar(writer, text);
            }
            Expression::Parameter(_) => {
                let text = self.plain(value).unwrap_or_default();
                writer.push(" ");
                scalar(writer, &text);
            }
            Expression::Id(key) => {
                writer.push(" ");
                scalar(writer, &format!("/{key}"));
            }
            Expression::ServiceId => {
                writer.push(" ");
                scalar(writer, "/");
            }
            Expression::Content(index) => self.content(*index, indent, writer),
            Expression::Object(entries) if entries.is_empty() => writer.push(" {}\n"),
            Expression::Object(entries) => {
                writer.push("\n");
                for (key, value) in entries {
                    self.field(
                        node,
                        field,
                        &format!("{path}.{key}"),
                        key,
                        value,
                        indent + 2,
                        writer,
                    );
                }
            }
            Expression::Array(items) if items.is_empty() => writer.push(" []\n"),
            Expression::Array(items) => {
                writer.push("\n");
                let inner = &field[0];
                for item in items {
                    match item {
                        Expression::Object(entries) if !entries.is_empty() => {
                            let mut own = Writer::default();
                            for (key, value) in entries {
                                self.field(
                                    node,
                                    inner,
                                    &format!("{path}[].{key}"),
                                    key,
                                    value,
                                    indent + 2,
                                    &mut own,
                                );
                            }
                            writer.append(item_of(own.finish(), indent));
                        }
                        item => {
                            writer.push(&" ".repeat(indent));
                            writer.push("-");
                            self.value(node, inner, path, item, indent + 2, writer);
                        }
                    }
                }
            }
        }
    }

    /// A reference field: its ASO name and what it holds; `None` inside when
    /// it cannot be expressed.
    #[expect(clippy::type_complexity, reason = "a name and the lines below it")]
    pub(super) fn reference(
        &self,
        node: &Node,
        path: &str,
        key: &str,
        value: &Expression,
    ) -> Option<(String, Option<Vec<(&'static str, String)>>)> {
        let row = node.key.kind.row();
        let spelled = row
            .references
            .iter()
            .find(|reference| reference.path == path)
            .and_then(|reference| reference.aso)
            .or(match (key, path) {
                ("resourceId", "resourceId") => Some("resourceReference"),
                ("ownerId", "ownerId") => Some("ownerReference"),
                _ => None,
            })?;
        let lines = match value {
            Expression::Id(target) => match (self.names.get(target), target.kind.row().aso) {
                (Some(name), Some(kind)) => Some(vec![
                    ("group", GROUP.to_owned()),
                    ("kind", kind.to_owned()),
                    ("name", name.clone()),
                ]),
                _ if self.owner.starts_with('/') => {
                    Some(vec![("armId", format!("{}/{target}", self.owner))])
                }
                _ => None,
            },
            other => self
                .plain(other)
                .and_then(|id| match self.owner.starts_with('/') {
                    _ if id.to_lowercase().starts_with("/subscriptions/") => Some(id),
                    true if id.starts_with('/') => Some(format!("{}{id}", self.owner)),
                    _ => None,
                })
                .map(|id| vec![("armId", id)]),
        };
        Some((spelled.to_owned(), lines))
    }

    /// A content: a policy as a block of lines where YAML can carry it so,
    /// else quoted.
    fn content(&self, index: usize, indent: usize, writer: &mut Writer) {
        let content = &self.graph.contents()[index];
        if content.multiline
            && let text = content.text()
            && let Some(chomping) = block(&text)
        {
            writer.push(&format!(" |{chomping}\n"));
            let pad = " ".repeat(indent + 2);
            for line in text.trim_end_matches('\n').split('\n') {
                if !line.is_empty() {
                    writer.push(&pad);
                    writer.push(line);
                }
                writer.push("\n");
            }
            return;
        }
        writer.push(" \"");
        writer.content(self.graph.contents(), index, Text::Yaml);
        writer.push("\"\n");
    }
}

fn secret_value(node: &Node) -> bool {
    node.key.kind == Kind::NamedValue
        && node
            .properties
            .iter()
            .any(|(key, value)| key == "secret" && *value == Expression::Bool(true))
        && !node.properties.iter().any(|(key, _)| key == "keyVault")
}

/// The resources that `value` refers to.
fn ids(value: &Expression, keys: &mut Vec<Key>) {
    match value {
        Expression::Id(key) => keys.push(key.clone()),
        Expression::Array(items) => items.iter().for_each(|item| ids(item, keys)),
        Expression::Object(entries) => entries.iter().for_each(|(_, value)| ids(value, keys)),
        _ => {}
    }
}
