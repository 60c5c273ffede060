//! One document out of many files, without changing what it means.
//!
//! A schema of another file becomes a component of the root document (under
//! the name it already has there, when a component is nothing but a reference
//! to it); everything else that lies in another file (path items, parameters,
//! responses, ...) is put in its place. References inside the root document
//! stay. A document without references to files is written as it stands.

use super::operations::{self, Operation};
use super::reference::{self, Target};
use super::{Compiled, Kind, title};
use crate::diag::{Diagnostic, Span, excerpt, rules};
use crate::syntax::{self, Document, Format, Kind as Node, NodeRef, write_node, write_string};
use crate::tree::{FileId, Limits, ReadError, SourceTree};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Deepest nesting of values, put-in-place ones included: bounds recursion.
const MAX_NESTING: usize = 600;

/// A place in a file.
type Location = (FileId, u32);

pub(super) fn bundle(
    tree: &SourceTree,
    mut document: Document,
    kind: Kind,
    limits: &Limits,
    findings: &mut Vec<Diagnostic>,
) -> Result<Option<Compiled>, ReadError> {
    // Plain YAML scalars such as `version: 1.0` are meant as text.
    for pointer in ["/openapi", "/swagger", "/info/version", "/info/title"] {
        document.number_to_string(pointer);
    }
    let before = findings.len();
    let root = document.file();
    let mut files = Files {
        tree,
        limits,
        root,
        documents: HashMap::from([(root, document)]),
        failed: HashSet::new(),
        checked: HashSet::new(),
    };
    files.load_all(kind, findings)?;
    if findings.len() > before {
        return Ok(None);
    }
    let document = &files.documents[&root];
    let mut writer = Writer {
        files: &files,
        kind,
        names: HashMap::new(),
        in_place: HashMap::new(),
        taken: HashSet::new(),
        queue: Vec::new(),
        placing: Vec::new(),
        findings: Vec::new(),
        cap: usize::try_from(limits.max_bundled_bytes).unwrap_or(usize::MAX),
    };
    let mut operations = writer.operations(document.root());
    operations::name_all(&mut operations);
    let mut text = String::with_capacity(document.source_len());
    if files.documents.len() == 1 {
        write_node(&mut text, document.root());
    } else {
        writer.root(document.root(), &mut text);
    }
    if text.len() > writer.cap {
        writer.findings.push(too_large(root, limits));
    }
    findings.append(&mut writer.findings);
    if findings.len() > before {
        return Ok(None);
    }
    let used = files
        .documents
        .keys()
        .copied()
        .filter(|&f| f != root)
        .collect::<BTreeSet<_>>();
    Ok(Some(Compiled {
        kind,
        text,
        operations,
        title: title(document.root()),
        selector: None,
        used,
    }))
}

fn too_large(root: FileId, limits: &Limits) -> Diagnostic {
    Diagnostic::new(
        &rules::DOCUMENT_LIMIT,
        root,
        format!(
            "the bundled definition is larger than {} bytes",
            limits.max_bundled_bytes
        ),
    )
    .help("raise the cap with --max-bundled-bytes")
}

/// The documents that a definition consists of.
struct Files<'t> {
    tree: &'t SourceTree,
    limits: &'t Limits,
    root: FileId,
    documents: HashMap<FileId, Document>,
    failed: HashSet<FileId>,
    /// References that were found to resolve.
    checked: HashSet<(FileId, String)>,
}

impl Files<'_> {
    /// Reads every file that is reachable by references and checks that each
    /// reference points at something.
    fn load_all(&mut self, kind: Kind, findings: &mut Vec<Diagnostic>) -> Result<(), ReadError> {
        let mut queue = vec![self.root];
        while let Some(file) = queue.pop() {
            let mut references = Vec::new();
            if let Some(document) = self.documents.get(&file) {
                references_of(document, &mut references);
            }
            for (reference, span) in references {
                self.reference(file, &reference, span, kind, &mut queue, findings)?;
            }
        }
        Ok(())
    }

    fn reference(
        &mut self,
        file: FileId,
        reference: &str,
        span: Span,
        kind: Kind,
        queue: &mut Vec<FileId>,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(), ReadError> {
        if self.checked.contains(&(file, reference.to_owned())) {
            return Ok(());
        }
        let shown = excerpt(reference, 120);
        let (target, pointer) = match reference::parse(reference, self.tree.path(file)) {
            Target::Local(pointer) => (file, pointer),
            Target::Anchor if kind == Kind::OpenApi31 => return Ok(()),
            Target::Anchor => {
                findings.push(unresolved(span, format!("`{shown}` is no JSON pointer")));
                return Ok(());
            }
            Target::Remote => {
                findings.push(
                    Diagnostic::new(
                        &rules::REMOTE_REFERENCE,
                        span,
                        format!("`{shown}` is outside the source, and nothing is fetched"),
                    )
                    .help("bring the document into the tree and refer to it by a relative path"),
                );
                return Ok(());
            }
            Target::Outside => {
                findings.push(unresolved(span, format!("`{shown}` leaves the source")));
                return Ok(());
            }
            Target::File { path, pointer } => match self.tree.find(&path) {
                Some(target) => (target, pointer),
                None => {
                    findings.push(unresolved(
                        span,
                        format!("`{shown}` points at `{path}`, which does not exist"),
                    ));
                    return Ok(());
                }
            },
        };
        if self.failed.contains(&target) {
            return Ok(());
        }
        if !self.documents.contains_key(&target) {
            match self.load(target, findings)? {
                Some(document) => {
                    self.documents.insert(target, document);
                    queue.push(target);
                }
                None => {
                    self.failed.insert(target);
                    return Ok(());
                }
            }
        }
        // Places behind another reference are found once all files are read.
        if self.locate(target, &pointer).is_none() && !self.passes_reference(target, &pointer) {
            findings.push(unresolved(
                span,
                format!(
                    "`{shown}` points at nothing in `{}`",
                    self.tree.path(target)
                ),
            ));
        }
        self.checked.insert((file, reference.to_owned()));
        Ok(())
    }

    fn load(
        &self,
        file: FileId,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Option<Document>, ReadError> {
        let text = match syntax::utf8(file, self.tree.read(file)?.into_owned()) {
            Ok(text) => text,
            Err(finding) => {
                findings.push(*finding);
                return Ok(None);
            }
        };
        let options = syntax::Options {
            malformed: &rules::MALFORMED_DEFINITION,
            limits: self.limits,
        };
        let format = Format::of(self.tree.path(file).name(), &text);
        let (document, mut found) = syntax::parse(file, text, format, options);
        findings.append(&mut found);
        Ok(document)
    }

    fn locate(&self, file: FileId, pointer: &str) -> Option<NodeRef<'_>> {
        self.documents.get(&file)?.root().pointer(pointer)
    }

    /// Whether the way along `pointer` goes through a `$ref`.
    fn passes_reference(&self, file: FileId, pointer: &str) -> bool {
        let ends = pointer
            .char_indices()
            .filter(|(_, c)| *c == '/')
            .map(|(at, _)| at);
        ends.skip(1).any(|end| {
            self.locate(file, &pointer[..end])
                .is_some_and(|node| node.get("$ref").is_some())
        })
    }

    /// The node at `pointer` of `file`, following references on the way.
    fn resolve(&self, file: FileId, pointer: &str, hops: usize) -> Option<NodeRef<'_>> {
        let mut node = self.documents.get(&file)?.root();
        if pointer.is_empty() {
            return Some(node);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            let step = format!("/{token}");
            node = match node.pointer(&step) {
                Some(next) => next,
                None if hops > 0 => {
                    let reference = node.get("$ref")?.as_str()?;
                    let target = self.target(node.span().file, reference, hops - 1)?;
                    target.pointer(&step)?
                }
                None => return None,
            };
        }
        Some(node)
    }

    /// What `reference` of `file` points at.
    fn target(&self, file: FileId, reference: &str, hops: usize) -> Option<NodeRef<'_>> {
        match reference::parse(reference, self.tree.path(file)) {
            Target::Local(pointer) => self.resolve(file, &pointer, hops),
            Target::File { path, pointer } => self.resolve(self.tree.find(&path)?, &pointer, hops),
            _ => None,
        }
    }
}

fn unresolved(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, span, message)
        .help("correct the reference, or add what it names")
}

/// Keys below which a `$ref` is data.
fn is_data(key: &str) -> bool {
    matches!(key, "example" | "default" | "const" | "enum") || key.starts_with("x-")
}

/// Every `$ref` and discriminator mapping of a document, without recursion.
fn references_of(document: &Document, references: &mut Vec<(String, Span)>) {
    let mut stack = vec![(document.root(), false)];
    while let Some((node, names)) = stack.pop() {
        match node.kind() {
            Node::Object => {
                for (key, value) in node.entries() {
                    let key_text = key.as_str().unwrap_or("");
                    if key_text == "$ref"
                        && let Some(reference) = value.as_str()
                    {
                        references.push((reference.to_owned(), value.span()));
                    } else if !names && key_text == "examples" && node.get("type").is_none() {
                        // `examples` of a media type: only `$ref`s of the
                        // entries themselves are references.
                        for (_, example) in value.entries() {
                            if let Some(reference) = example.get("$ref")
                                && let Some(text) = reference.as_str()
                            {
                                references.push((text.to_owned(), reference.span()));
                            }
                        }
                    } else if names || !is_data(key_text) {
                        let holds_names = !names && holds_names(key_text);
                        stack.push((value, holds_names));
                    }
                }
                if let Some(mapping) = node.get("discriminator").and_then(|d| d.get("mapping")) {
                    for (_, value) in mapping.entries() {
                        if let Some(text) = value.as_str()
                            && is_mapping_reference(text)
                        {
                            references.push((text.to_owned(), value.span()));
                        }
                    }
                }
            }
            Node::Array => stack.extend(node.items().map(|item| (item, false))),
            _ => {}
        }
    }
}

/// A discriminator mapping is a schema name or a reference.
fn is_mapping_reference(text: &str) -> bool {
    text.starts_with('#') || text.contains('/') && text.contains('.')
}

/// Keys whose entries have names that the author chose.
fn holds_names(key: &str) -> bool {
    matches!(
        key,
        "properties"
            | "patternProperties"
            | "definitions"
            | "$defs"
            | "schemas"
            | "dependentSchemas"
    )
}

/// Whether the value under `key` is a schema.
fn is_schema_key(key: &str) -> bool {
    matches!(
        key,
        "schema"
            | "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalItems"
    )
}

/// Whether the items under `key` are schemas.
fn is_schema_list(key: &str) -> bool {
    matches!(key, "allOf" | "oneOf" | "anyOf" | "prefixItems")
}

/// What a node is to its document.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Other,
    Schema,
    /// A map whose values are schemas.
    Schemas,
    /// A list whose items are schemas.
    SchemaList,
    /// Data: nothing inside is a reference.
    Data,
}

impl Place {
    fn under(self, key: &str) -> Self {
        match self {
            Self::Data => Self::Data,
            Self::Schemas => Self::Schema,
            _ if is_data(key) => Self::Data,
            _ if holds_names(key) => Self::Schemas,
            _ if is_schema_list(key) => Self::SchemaList,
            _ if is_schema_key(key) => Self::Schema,
            _ => Self::Other,
        }
    }

    fn item(self) -> Self {
        match self {
            Self::SchemaList | Self::Schema => Self::Schema,
            Self::Data => Self::Data,
            _ => Self::Other,
        }
    }
}

struct Writer<'f> {
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
    findings: Vec<Diagnostic>,
    cap: usize,
}

impl<'f> Writer<'f> {
    fn root_file(&self) -> FileId {
        self.files.root
    }

    /// The operations of the root document, path items of other files
    /// included.
    fn operations(&self, root: NodeRef<'f>) -> Vec<Operation> {
        let mut operations = Vec::new();
        let resolve = |mut node: NodeRef<'f>| {
            for _ in 0..16 {
                let reference = node.get("$ref").and_then(NodeRef::as_str);
                match reference.and_then(|r| self.files.target(node.span().file, r, 16)) {
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
                    && let Some(target) = self.files.target(item.span().file, reference, 16)
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

    fn root(&mut self, root: NodeRef<'f>, out: &mut String) {
        if let Some(schemas) = self.schemas_node(root) {
            for (key, value) in schemas.entries() {
                let name = key.as_str().unwrap_or("").to_owned();
                self.taken.insert(name.clone());
                if value.entries().count() == 1
                    && let Some(reference) = value.get("$ref").and_then(NodeRef::as_str)
                    && let Some(target) = self.files.target(self.root_file(), reference, 16)
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
                        self.node(value, Place::Other, 2, &mut text);
                        components.push((section.to_owned(), text));
                    }
                }
            } else {
                let place = if key == "parameters" || key == "responses" {
                    Place::Other
                } else {
                    Place::Other.under(key)
                };
                self.node(value, place, 1, &mut text);
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
        if depth > MAX_NESTING || out.len() > self.cap {
            if self.findings.is_empty() {
                let message = if out.len() > self.cap {
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
            && let Some(target) = self.files.target(node.span().file, reference, 16)
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
                    .and_then(|text| self.files.target(value.span().file, text, 16));
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
        let mut n = 1;
        while !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{base}_{n}");
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

fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The JSON pointer of a node in its document.
fn pointer_to(target: NodeRef<'_>) -> String {
    let mut pointer = String::new();
    let mut node = target.document().root();
    'down: while node.index() != target.index() {
        let inside = |child: NodeRef<'_>| {
            child.index() <= target.index() && target.index() < child.end_index()
        };
        for (key, value) in node.entries() {
            if inside(value) {
                pointer.push('/');
                pointer.push_str(&escape(key.as_str().unwrap_or("")));
                node = value;
                continue 'down;
            }
        }
        for (i, item) in node.items().enumerate() {
            if inside(item) {
                pointer.push_str(&format!("/{i}"));
                node = item;
                continue 'down;
            }
        }
        break;
    }
    pointer
}

/// A name for the component made of `target`: the last word of its place, or
/// the name of its file.
fn component_name(file: &str, target: NodeRef<'_>) -> String {
    let pointer = pointer_to(target);
    let word = match pointer.rsplit_once('/') {
        Some((_, word)) if !word.is_empty() => word,
        _ => file.split_once('.').map_or(file, |(stem, _)| stem),
    };
    let name: String = word
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        "schema".to_owned()
    } else {
        name
    }
}
