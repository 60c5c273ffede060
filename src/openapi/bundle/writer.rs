//! The one document: references to other files become components or what they
//! name.

use super::super::Kind;
use super::super::operations::{self, Operation};
use super::files::{Files, is_mapping_reference};
use super::name::{component_name, escape, pointer_to};
use super::place::Place;
use crate::diag::{Diagnostic, Held, rules};
use crate::syntax::{Kind as Node, NodeRef, write_node, write_string};
use crate::tree::FileId;
use std::collections::{HashMap, HashSet};

/// Deepest nesting of values, put-in-place ones included: bounds recursion.
const MAX_NESTING: usize = 600;

/// A place in a file.
type Location = (FileId, u32);

/// Writes the bundled document.
pub(super) struct Writer<'f> {
    files: &'f Files<'f>,
    kind: Kind,
    /// Names of the components that schemas of other files became.
    names: HashMap<Location, String>,
    /// Root components that are nothing but a reference to a file, and what
    /// they name: their text is put in their place.
    in_place: HashMap<u32, NodeRef<'f>>,
    taken: HashSet<String>,
    queue: Vec<NodeRef<'f>>,
    /// What is being put in place, to find circles.
    placing: Vec<Location>,
    pub(super) findings: Vec<Diagnostic>,
    pub(super) cap: usize,
    /// The last number that a name was made of, by what it was added to.
    numbers: HashMap<String, usize>,
    /// Bytes of the parts of the document that are written, beside the one that is
    /// being written: the cap is on all of them together.
    written: usize,
    held: Held,
}

impl<'f> Writer<'f> {
    pub(super) fn new(files: &'f Files<'f>, kind: Kind) -> Self {
        let cap = usize::try_from(files.limits.max_bundled_bytes).unwrap_or(usize::MAX);
        Self {
            files,
            kind,
            names: HashMap::new(),
            in_place: HashMap::new(),
            taken: HashSet::new(),
            queue: Vec::new(),
            placing: Vec::new(),
            findings: Vec::new(),
            cap,
            numbers: HashMap::new(),
            written: 0,
            held: files.meter.budget().hold(0, files.root),
        }
    }

    fn root_file(&self) -> FileId {
        self.files.root
    }

    /// The operations of the root document, path items of other files
    /// included.
    pub(super) fn operations(&self, root: NodeRef<'f>) -> Vec<Operation> {
        let mut operations = Vec::new();
        let resolve = |mut node: NodeRef<'f>| {
            for _ in 0..16 {
                let reference = node.get("$ref").and_then(NodeRef::as_str);
                match reference.and_then(|r| self.files.target(node.span().file, r)) {
                    Some(target) => node = target,
                    None => break,
                }
            }
            node
        };
        for section in ["paths", "x-ms-paths"] {
            let Some(paths) = root.get(section) else {
                continue;
            };
            for (path, item) in paths.entries() {
                let path = path.as_str().unwrap_or("");
                let mut item = item;
                let mut hops = 16;
                operations::of_path_item(path, item, &resolve, &mut operations);
                while let Some(reference) = item.get("$ref").and_then(NodeRef::as_str)
                    && hops > 0
                    && let Some(target) = self.files.target(item.span().file, reference)
                {
                    operations::of_path_item(path, target, &resolve, &mut operations);
                    item = target;
                    hops -= 1;
                }
            }
        }
        operations
    }

    /// Where components for schemas are: key and, for 3.x, the key inside.
    fn schemas_node(&self, root: NodeRef<'f>) -> Option<NodeRef<'f>> {
        match self.kind {
            Kind::Swagger2 => root.get("definitions"),
            _ => root.get("components")?.get("schemas"),
        }
    }

    fn prefix(&self) -> &'static str {
        match self.kind {
            Kind::Swagger2 => "#/definitions/",
            _ => "#/components/schemas/",
        }
    }

    pub(super) fn root(&mut self, root: NodeRef<'f>, out: &mut String) {
        if let Some(schemas) = self.schemas_node(root) {
            for (key, value) in schemas.entries() {
                let name = key.as_str().unwrap_or("").to_owned();
                self.taken.insert(name.clone());
                if value.entries().count() == 1
                    && let Some(reference) = value.get("$ref").and_then(NodeRef::as_str)
                    && let Some(target) = self.files.target(self.root_file(), reference)
                    && target.span().file != self.root_file()
                {
                    let location = (target.span().file, target.index());
                    if let std::collections::hash_map::Entry::Vacant(vacant) =
                        self.names.entry(location)
                    {
                        vacant.insert(name);
                        self.in_place.insert(value.index(), target);
                    }
                }
            }
        }
        // Everything but the schemas first: it may name further ones.
        let mut members: Vec<(String, String)> = Vec::new();
        let mut schemas = String::new();
        let mut components: Vec<(String, String)> = Vec::new();
        let swagger = self.kind == Kind::Swagger2;
        for (key, value) in root.entries() {
            let key = key.as_str().unwrap_or("");
            let mut text = String::new();
            if swagger && key == "definitions" {
                self.schema_entries(value, &mut schemas);
            } else if !swagger && key == "components" {
                for (section, value) in value.entries() {
                    let section = section.as_str().unwrap_or("");
                    if section == "schemas" {
                        self.schema_entries(value, &mut schemas);
                        components.push((section.to_owned(), String::new()));
                    } else {
                        let mut text = String::new();
                        self.written += schemas.len();
                        self.node(value, Place::Other, 2, &mut text);
                        self.written += text.len();
                        self.written -= schemas.len();
                        components.push((section.to_owned(), text));
                    }
                }
            } else {
                let place = if key == "parameters" || key == "responses" {
                    Place::Other
                } else {
                    Place::Other.under(key)
                };
                self.written += schemas.len();
                self.node(value, place, 1, &mut text);
                self.written += text.len();
                self.written -= schemas.len();
            }
            members.push((key.to_owned(), text));
        }
        while let Some(target) = self.queue.pop() {
            let name = self.names[&(target.span().file, target.index())].clone();
            if !schemas.is_empty() {
                schemas.push(',');
            }
            write_string(&mut schemas, &name);
            schemas.push(':');
            self.node(target, Place::Schema, 2, &mut schemas);
        }
        let container = if swagger { "definitions" } else { "components" };
        if !schemas.is_empty() && !members.iter().any(|(key, _)| key == container) {
            members.push((container.to_owned(), String::new()));
        }
        if !swagger && !schemas.is_empty() && !components.iter().any(|(key, _)| key == "schemas") {
            components.push(("schemas".to_owned(), String::new()));
        }
        let schemas = format!("{{{schemas}}}");
        out.push('{');
        for (i, (key, text)) in members.iter().enumerate() {
            comma(out, i);
            write_string(out, key);
            out.push(':');
            if swagger && key == "definitions" {
                out.push_str(&schemas);
            } else if !swagger && key == "components" {
                out.push('{');
                for (i, (section, text)) in components.iter().enumerate() {
                    comma(out, i);
                    write_string(out, section);
                    out.push(':');
                    out.push_str(if section == "schemas" { &schemas } else { text });
                }
                out.push('}');
            } else {
                out.push_str(text);
            }
        }
        out.push('}');
    }

    fn schema_entries(&mut self, schemas: NodeRef<'f>, out: &mut String) {
        for (key, value) in schemas.entries() {
            if !out.is_empty() {
                out.push(',');
            }
            write_string(out, key.as_str().unwrap_or(""));
            out.push(':');
            match self.in_place.get(&value.index()).copied() {
                Some(target) => self.node(target, Place::Schema, 2, out),
                None => self.node(value, Place::Schema, 2, out),
            }
        }
    }

    fn node(&mut self, node: NodeRef<'f>, place: Place, depth: usize, out: &mut String) {
        let size = self.written + out.len();
        self.files.meter.spend(1, node.span());
        if size as u64 > self.held.bytes() {
            // More than there is, so that it is not asked for each value.
            self.held.grow(size + size / 4 + (64 << 10), node.span());
        }
        if depth > MAX_NESTING || size > self.cap {
            if self.findings.is_empty() {
                let message = if size > self.cap {
                    "the bundled definition grows beyond the cap of --max-bundled-bytes".to_owned()
                } else {
                    format!("the bundled definition is nested more than {MAX_NESTING} levels deep")
                };
                self.findings.push(Diagnostic::new(
                    &rules::DOCUMENT_LIMIT,
                    node.span(),
                    message,
                ));
            }
            return out.push_str("null");
        }
        match node.kind() {
            Node::Object => self.object(node, place, depth, out),
            Node::Array => {
                out.push('[');
                for (i, item) in node.items().enumerate() {
                    comma(out, i);
                    self.node(item, place.item(), depth + 1, out);
                }
                out.push(']');
            }
            _ => write_node(out, node),
        }
    }

    fn object(&mut self, node: NodeRef<'f>, place: Place, depth: usize, out: &mut String) {
        let reference = match place {
            Place::Data => None,
            // Also of a whole map: a schema named `$ref` would be an object.
            _ => node.get("$ref").and_then(NodeRef::as_str),
        };
        if let Some(reference) = reference
            && let Some(target) = self.files.target(node.span().file, reference)
        {
            let stays = target.span().file == self.root_file()
                && reference.starts_with('#')
                && node.span().file == self.root_file();
            if !stays {
                return self.referenced(node, target, place, depth, out);
            }
        }
        out.push('{');
        for (i, (key, value)) in node.entries().enumerate() {
            comma(out, i);
            let key = key.as_str().unwrap_or("");
            write_string(out, key);
            out.push(':');
            if key == "discriminator" && matches!(place, Place::Schema | Place::Other) {
                self.discriminator(value, depth, out);
            } else {
                self.node(value, place.under(key), depth + 1, out);
            }
        }
        out.push('}');
    }

    /// `node` refers to `target`, which is not reached by its own text.
    fn referenced(
        &mut self,
        node: NodeRef<'f>,
        target: NodeRef<'f>,
        place: Place,
        depth: usize,
        out: &mut String,
    ) {
        if place == Place::Schema || target.span().file == self.root_file() {
            let text = self.name_of(target);
            out.push_str("{\"$ref\":");
            write_string(out, &text);
            if self.kind == Kind::OpenApi31 {
                self.siblings(node, place, depth, out);
            }
            return out.push('}');
        }
        let location = (target.span().file, target.index());
        if self.placing.contains(&location) {
            self.findings.push(
                Diagnostic::new(
                    &rules::REFERENCE_CYCLE,
                    node.span(),
                    "the reference leads back to itself through other files",
                )
                .related(target.span(), "it names this")
                .help("break the circle, or make it a schema"),
            );
            return out.push_str("{}");
        }
        self.placing.push(location);
        let siblings = node.entries().count() > 1;
        if siblings && target.kind() == Node::Object && target.get("$ref").is_none() {
            // Path items (and 3.1 references) may add to what they name.
            out.push('{');
            let mut first = true;
            for (key, value) in target.entries() {
                let key = key.as_str().unwrap_or("");
                if node.get(key).is_none() {
                    comma(out, usize::from(!first));
                    first = false;
                    write_string(out, key);
                    out.push(':');
                    self.node(value, place.under(key), depth + 1, out);
                }
            }
            if first {
                out.truncate(out.len() - 1);
                self.siblings_object(node, place, depth, out);
            } else {
                self.siblings(node, place, depth, out);
                out.push('}');
            }
        } else {
            self.node(target, place, depth + 1, out);
        }
        self.placing.pop();
    }

    fn siblings_object(&mut self, node: NodeRef<'f>, place: Place, depth: usize, out: &mut String) {
        let from = out.len();
        self.siblings(node, place, depth, out);
        if out.len() > from {
            out.replace_range(from..=from, "{");
        } else {
            out.push('{');
        }
        out.push('}');
    }

    /// The entries of `node` beside `$ref`, each after a comma.
    fn siblings(&mut self, node: NodeRef<'f>, place: Place, depth: usize, out: &mut String) {
        for (key, value) in node.entries() {
            let key = key.as_str().unwrap_or("");
            if key != "$ref" {
                out.push(',');
                write_string(out, key);
                out.push(':');
                self.node(value, place.under(key), depth + 1, out);
            }
        }
    }

    fn discriminator(&mut self, node: NodeRef<'f>, depth: usize, out: &mut String) {
        if node.get("mapping").is_none() {
            return self.node(node, Place::Other, depth + 1, out);
        }
        out.push('{');
        for (i, (key, value)) in node.entries().enumerate() {
            comma(out, i);
            write_string(out, key.as_str().unwrap_or(""));
            out.push(':');
            if key.as_str() != Some("mapping") {
                self.node(value, Place::Data, depth + 1, out);
                continue;
            }
            out.push('{');
            for (i, (name, value)) in value.entries().enumerate() {
                comma(out, i);
                write_string(out, name.as_str().unwrap_or(""));
                out.push(':');
                let target = value
                    .as_str()
                    .filter(|text| is_mapping_reference(text))
                    .and_then(|text| self.files.target(value.span().file, text));
                match target {
                    Some(target) => {
                        let text = self.name_of(target);
                        write_string(out, &text);
                    }
                    None => self.node(value, Place::Data, depth + 1, out),
                }
            }
            out.push('}');
        }
        out.push('}');
    }

    /// A reference to `target` in the bundled document.
    fn name_of(&mut self, target: NodeRef<'f>) -> String {
        let location = (target.span().file, target.index());
        if location.0 == self.root_file() {
            return format!("#{}", pointer_to(target));
        }
        if let Some(name) = self.names.get(&location) {
            return format!("{}{}", self.prefix(), escape(name));
        }
        let base = component_name(self.files.tree.path(location.0).name(), target);
        let mut name = base.clone();
        while !self.taken.insert(name.clone()) {
            self.files.meter.spend(1, target.span());
            let number = self.numbers.entry(base.clone()).or_insert(1);
            *number += 1;
            name = format!("{base}_{number}");
        }
        self.names.insert(location, name.clone());
        self.queue.push(target);
        format!("{}{name}", self.prefix())
    }
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}
