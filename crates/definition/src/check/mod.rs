//! Checks an OpenAPI document as the readers of Azure and API Management do.
//!
//! One walk over the document, from the tables of its version (`v2`, `v3`) and that of
//! schemas (`schema`): each value is met once, with what it should be. An object that
//! another file has is met when a reference leads there, with what the reference stands
//! for. What concerns several values together, such as paths and their parameters, is
//! looked at where the object is met that has them all.

mod changes;
mod components;
mod documents;
mod expressions;
mod operations;
mod parameters;
mod paths;
mod pattern;
mod references;
mod regex;
mod schema;
mod security;
mod servers;
mod styles;
mod template;
mod values;

use crate::bundle::{Files, Resolver};
use crate::rules::{
    dropped_value, incomplete_object, invalid_path_template, missing_field, some_services_refuse,
    unknown_field, wrong_type,
};
use crate::shape::{Also, Is, Need, Patterned, Shape, Version};
use changes::{Change, Changes};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Span};
use flux_apim_syntax::{self as syntax, NodeRef};
use std::collections::{HashMap, HashSet};

/// A value to look at.
#[derive(Clone, Copy)]
struct Work<'c> {
    node: NodeRef<'c>,
    /// The key that leads to it; an item of a list has none.
    key: Option<NodeRef<'c>>,
    is: Is,
    /// Whether the readers of 3.x leave it out in silence when it is something else.
    dropped: bool,
}

/// What is known in the middle of a check.
struct Check<'f, 'c> {
    files: &'c Files<'c>,
    resolver: &'f mut Resolver<'c>,
    /// Whether the definition has several files.
    several: bool,
    version: Version,
    root: NodeRef<'c>,
    findings: &'f mut Findings,
    open: Vec<Work<'c>>,
    /// Objects of other files that were met, and as what.
    met: HashSet<(FileId, u32, usize)>,
    /// The schemas among the components.
    components: HashMap<u32, NodeRef<'c>>,
    /// What is said of the whole document at its end.
    changes: Changes,
    /// What is said of it where somebody asks.
    styles: styles::Styles,
    /// What was said once for the whole document.
    said: HashSet<(&'static str, &'c str)>,
}

/// Checks the definition whose files `resolver` knows.
pub(super) fn check(
    resolver: &mut Resolver<'_>,
    (version, is): (Version, Is),
    findings: &mut Findings,
) {
    let files = resolver.files();
    let Some(root) = files.root_of(files.root) else {
        return;
    };
    let mut check = Check {
        files,
        several: files.are_several(),
        resolver,
        version,
        root,
        findings,
        open: Vec::new(),
        met: HashSet::new(),
        components: HashMap::new(),
        changes: Changes::new(),
        styles: styles::Styles::new(),
        said: HashSet::new(),
    };
    check.push(root, None, is);
    let mut held = files.meter.budget().hold(0, files.root);
    while let Some(work) = check.open.pop() {
        check.files.meter.spend(2, files.root);
        check.look(work);
        held.grow(check.open.capacity() * size_of::<Work<'_>>(), files.root);
    }
    check.say_changes();
    check.say_styles();
}

impl<'c> Check<'_, 'c> {
    fn push(&mut self, node: NodeRef<'c>, key: Option<NodeRef<'c>>, is: Is) {
        // Most values are texts where texts belong: there is nothing to look at.
        let fits = match is {
            Is::Any => true,
            Is::Text | Is::Mapping => node.kind() == syntax::NodeKind::String,
            _ => false,
        };
        if fits {
            return;
        }
        self.open.push(Work {
            node,
            key,
            is,
            dropped: false,
        });
    }

    fn say(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Whether `what` was not said of `name` before.
    fn first(&mut self, what: &'static str, name: &'c str) -> bool {
        self.said.insert((what, name))
    }

    fn is_root(&self, node: NodeRef<'_>) -> bool {
        node.document().file() == self.files.root
    }

    fn spend(&self, steps: usize, node: NodeRef<'_>) {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.files.meter.spend(steps, node.span());
    }

    fn look(&mut self, work: Work<'c>) {
        let elsewhere = self.several && !work.is.refers();
        if elsewhere && references::is_elsewhere(self, work.node, work.is) {
            return;
        }
        match work.is {
            Is::Any | Is::Unknown | Is::Unread(_) => {}
            Is::Text | Is::Mapping => values::text(self, work),
            Is::Bool => values::boolean(self, work),
            Is::Limited(limit) => values::limited(self, work, limit),
            Is::Word(words) => values::word(self, work, words),
            Is::Texts => values::texts(self, work),
            Is::Object(shape) => self.object(work, shape),
            Is::List(is) => self.list(work, *is),
            Is::Map(is) => self.map(work, *is, true),
            Is::Components(is) => {
                components::names(self, work.node, work.key);
                self.map(work, *is, false);
            }
            Is::Schema => schema::schema(self, work),
            Is::Keyword => schema::keyword(self, work),
        }
    }

    /// Says that `work` is no `expected`.
    fn wrong(&mut self, work: Work<'c>, expected: &wrong_type::Expected) {
        let at = match work.node.kind() {
            syntax::NodeKind::Null => place(work.key, work.node),
            _ => short(work.node),
        };
        let name = work.key.and_then(NodeRef::as_str);
        let found = work.node.kind().as_str();
        let finding = if work.dropped && self.version != Version::V2 {
            dropped_value::kind(at, name, expected.what, found)
        } else {
            wrong_type::found(at, name, expected, found)
        };
        self.say(finding);
    }

    fn list(&mut self, work: Work<'c>, is: Is) {
        if work.node.kind() != syntax::NodeKind::Array {
            return self.wrong(work, &wrong_type::LIST);
        }
        let start = self.open.len();
        for item in work.node.items() {
            self.push(item, None, is);
        }
        self.open[start..].reverse();
    }

    fn map(&mut self, work: Work<'c>, is: Is, dropped: bool) {
        if work.node.kind() != syntax::NodeKind::Object {
            return self.wrong(work, &wrong_type::MAP);
        }
        let start = self.open.len();
        for (key, node) in work.node.entries() {
            self.open.push(Work {
                node,
                key: Some(key),
                is,
                dropped: dropped && !matches!(is, Is::Text),
            });
        }
        self.open[start..].reverse();
    }

    fn object(&mut self, work: Work<'c>, shape: &'static Shape) {
        let node = work.node;
        if node.kind() != syntax::NodeKind::Object {
            // The one object of which the readers look at nothing else.
            let dropped = work.dropped || shape.name == "contact";
            return self.wrong(Work { dropped, ..work }, &wrong_type::OBJECT);
        }
        if let Some(folder) = shape.components
            && let Some(reference) = node.get("$ref")
        {
            return references::of_object(self, node, reference, folder, work.is);
        }
        let start = self.open.len();
        for (key, value) in node.entries() {
            self.entry(node, (key, value), shape);
        }
        self.open[start..].reverse();
        for field in shape.fields {
            if field.need == Need::Optional || node.get(field.name).is_some() {
                continue;
            }
            let at = place(work.key, node);
            self.say(match field.need {
                Need::Expected => incomplete_object::field(at, shape.name, field.name),
                Need::RequiredLater if self.version != Version::V31 => {
                    incomplete_object::field(at, shape.name, field.name)
                }
                _ => missing_field::found(at, shape.name, field.name),
            });
        }
        if let Some(also) = shape.also {
            self.also(also, node, work.key);
        }
    }

    /// What there is to say of an object beside its fields.
    fn also(&mut self, also: Also, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
        match also {
            Also::DocumentOfTwo => documents::two(self, node),
            Also::Document => documents::three(self, node, key),
            Also::Contact => documents::contact(self, node),
            Also::Server => servers::server(self, node, key),
            Also::Components => components::schemas(self, node),
            Also::Paths => paths::paths(self, node),
            Also::PathItem => paths::item(self, node),
            Also::Operation => operations::operation(self, node, key),
            Also::ParameterOfTwo => parameters::two(self, node, key),
            Also::Parameter => parameters::three(self, node, key),
            Also::Callback => expressions::callback(self, node),
            Also::Link => expressions::link(self, node),
            Also::SchemeOfTwo => security::definition(self, node, key),
            Also::Scheme => security::scheme(self, node, key),
            Also::Requirement => security::requirement(self, node),
        }
    }

    /// An entry of the object `node`.
    fn entry(
        &mut self,
        node: NodeRef<'c>,
        (key, value): (NodeRef<'c>, NodeRef<'c>),
        shape: &'static Shape,
    ) {
        let name = key.as_str().unwrap_or("");
        if let Some(field) = shape.field(name, self.version) {
            if field.since == Version::V31 && self.first("field", name) {
                self.say(some_services_refuse::field(key.span(), name));
            }
            return self.push(value, Some(key), field.is);
        }
        if shape.extensions && name.starts_with("x-") {
            if name != "x-servers" {
                self.changes(Change::Extensions, key.span());
            }
            return;
        }
        match shape.patterned {
            Patterned::Any(is) => self.push(value, Some(key), is),
            Patterned::Paths(is) if name.starts_with('/') => self.push(value, Some(key), is),
            Patterned::Paths(_) => self.say(invalid_path_template::no_slash(key.span(), name)),
            Patterned::Responses(is) => {
                operations::status(self, key, name);
                self.push(value, Some(key), is);
            }
            Patterned::None => {
                let version = self.version;
                let near = self.findings.hint(|| {
                    let fields = shape.fields.iter();
                    // What is there already was not meant.
                    let fields = fields
                        .filter(|field| field.since <= version && node.get(field.name).is_none());
                    flux_apim_diag::nearest(name, fields.map(|field| field.name))
                });
                let three = self.version != Version::V2;
                let finding = unknown_field::found(key.span(), name, shape.name, near, three);
                self.say(finding);
            }
        }
    }
}

/// Where something is said of `node`: at the key that leads to it, else at its first key.
fn place(key: Option<NodeRef<'_>>, node: NodeRef<'_>) -> Span {
    key.map_or_else(|| short(node), NodeRef::span)
}

/// The place of `node`, or of its first key or item when it has many.
fn short(node: NodeRef<'_>) -> Span {
    let first = node.entries().next().map(|(key, _)| key);
    first.map_or_else(|| node.span(), NodeRef::span)
}
