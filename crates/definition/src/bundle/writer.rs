//! The one document: references to other files become components or what they
//! name.

use super::super::names::Names;
use super::super::reference::is_mapping_reference;
use super::super::shape::{Is, Version};
use super::chain::{Chains, Circle, Location, location};
use super::name::{component_name, escape, pointer_to};
use super::out::{Full, MAX_NESTING, Out};
use super::resolve::Resolver;
use crate::rules::reference_cycle;
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;
use flux_apim_syntax::{Entries, Items, NodeKind, NodeRef, write_node};
use std::collections::{HashMap, HashSet};

/// Writes the bundled document. Does not recurse.
pub(super) struct Writer<'f, 'r> {
    pub(super) resolver: &'r mut Resolver<'f>,
    root: FileId,
    pub(super) version: Version,
    /// What the document is.
    pub(super) document: Is,
    /// Names of the components that schemas of other files became.
    pub(super) names: HashMap<Location, String>,
    /// Pointers to places of the root document that others refer to.
    pointers: HashMap<u32, String>,
    /// Components of the root that are nothing but a reference to a file, and what
    /// they name: their text is put in their place.
    pub(super) in_place: HashMap<Location, NodeRef<'f>>,
    pub(super) taken: Names,
    pub(super) queue: Vec<NodeRef<'f>>,
    /// What is being put in place, to find circles.
    placing: HashSet<Location>,
    /// References to references that are put in place.
    chains: Chains<'f>,
    tasks: Vec<Task<'f>>,
    pub(super) out: Out<'f>,
    findings: &'r mut Findings,
}

/// What is left to be written.
enum Task<'f> {
    Value(NodeRef<'f>, Is, u32),
    Items(Items<'f>, Is, u32),
    Object(Object<'f>),
    /// What was put in its place is written.
    Placed(Location, Location),
}

/// Entries of an object that is open.
struct Object<'f> {
    entries: Entries<'f>,
    is: Is,
    depth: u32,
    without: Without<'f>,
    /// Whether the object ends with them.
    closes: bool,
}

/// Which entries are not written.
enum Without<'f> {
    Nothing,
    Reference,
    KeysOf(NodeRef<'f>),
}

/// Writing ended early: a finding says why.
pub(super) struct Ended;

pub(super) type Step = Result<(), Ended>;

impl<'f, 'r> Writer<'f, 'r> {
    pub(super) fn new(
        resolver: &'r mut Resolver<'f>,
        (version, document): (Version, Is),
        out: Out<'f>,
        findings: &'r mut Findings,
    ) -> Self {
        Self {
            root: resolver.files().root,
            resolver,
            version,
            document,
            names: HashMap::new(),
            pointers: HashMap::new(),
            in_place: HashMap::new(),
            taken: Names::default(),
            queue: Vec::new(),
            placing: HashSet::new(),
            chains: Chains::default(),
            tasks: Vec::new(),
            out,
            findings,
        }
    }

    /// Writes the document `root`. Whether findings say that it is none.
    pub(super) fn write(mut self, root: NodeRef<'f>) -> Option<String> {
        let before = self.findings.len();
        let written = self.document(root);
        (written.is_ok() && self.findings.len() == before).then(|| self.out.into_text())
    }

    fn prefix(&self) -> &'static str {
        match self.version {
            Version::V2 => "#/definitions/",
            _ => "#/components/schemas/",
        }
    }

    pub(super) fn is_of_root(&self, node: NodeRef<'_>) -> bool {
        node.span().file == self.root
    }

    /// Counts what the tables take.
    pub(super) fn hold_tables(&mut self) {
        const ENTRY: usize = 64;
        let entries = self.names.len() * 2 + self.pointers.len() + self.in_place.len();
        self.out.tables = entries * ENTRY + 2 * self.taken.bytes() + self.chains.bytes();
        self.out.hold();
    }

    /// Writes the value `node` with all that is inside.
    pub(super) fn value(&mut self, node: NodeRef<'f>, is: Is, depth: u32) -> Step {
        self.tasks.push(Task::Value(node, is, depth));
        while let Some(task) = self.tasks.last_mut() {
            match task {
                Task::Value(node, is, depth) => {
                    let (node, is, depth) = (*node, *is, *depth);
                    self.tasks.pop();
                    let mut room = self.out.check();
                    if depth > MAX_NESTING {
                        room = Err(Full::Nesting);
                    }
                    if let Err(full) = room {
                        self.findings.push(full.finding(node));
                        return Err(Ended);
                    }
                    self.start(node, is, depth);
                }
                Task::Items(items, is, depth) => match items.next() {
                    Some(item) => {
                        let task = Task::Value(item, *is, *depth);
                        self.out.comma();
                        self.tasks.push(task);
                    }
                    None => self.close("]"),
                },
                Task::Object(object) => {
                    if let Some((key, value)) = object.entries.next() {
                        self.entry(key, value);
                    } else if object.closes {
                        self.close("}");
                    } else {
                        self.tasks.pop();
                    }
                }
                Task::Placed(first, last) => {
                    self.placing.remove(first);
                    self.placing.remove(last);
                    self.tasks.pop();
                }
            }
        }
        Ok(())
    }

    /// The innermost array or object is written.
    fn close(&mut self, bracket: &str) {
        self.out.push(bracket);
        self.tasks.pop();
    }

    fn start(&mut self, node: NodeRef<'f>, is: Is, depth: u32) {
        match node.kind() {
            NodeKind::Object => self.object(node, is, depth),
            NodeKind::Array => {
                self.out.push("[");
                let item = is.item();
                self.tasks.push(Task::Items(node.items(), item, depth + 1));
            }
            NodeKind::String if matches!(is, Is::Mapping) => self.mapping(node),
            _ => write_node(self.out.raw(), node),
        }
    }

    /// A schema that a discriminator names.
    fn mapping(&mut self, node: NodeRef<'f>) {
        let is_reference = is_mapping_reference(node.as_str().unwrap_or(""));
        let target = is_reference.then(|| self.resolver.target(node)).flatten();
        match target {
            Some(target) => self.name_of(target),
            None => write_node(self.out.raw(), node),
        }
    }

    fn object(&mut self, node: NodeRef<'f>, is: Is, depth: u32) {
        let reference = match is {
            Is::Any => None,
            // Also of a whole map: a schema named `$ref` would be an object.
            _ => node.get("$ref"),
        };
        if let Some(reference) = reference
            && let Some(target) = self.resolver.target(reference)
            && !self.stays(reference, target)
        {
            return self.referenced(node, target, is, depth);
        }
        self.out.push("{");
        self.entries(node, is, depth, Without::Nothing);
    }

    /// Whether `reference` means the same in the bundled document as where it is.
    fn stays(&mut self, reference: NodeRef<'f>, target: NodeRef<'f>) -> bool {
        if !self.is_of_root(reference) {
            return false;
        }
        let text = reference.as_str().unwrap_or("");
        match self.is_of_root(target) {
            // A name that another schema has may be no place: `https://...`.
            true => text.starts_with('#'),
            // The map of components may be in another file: it is put in its place.
            false => self.is_component(text),
        }
    }

    fn is_component(&self, text: &str) -> bool {
        let depth = match self.version {
            Version::V2 => 2,
            _ if text.starts_with("#/components/") => 3,
            _ => return false,
        };
        text.starts_with("#/") && text.matches('/').count() == depth
    }

    /// The entries of `node`, with which the open object ends.
    fn entries(&mut self, node: NodeRef<'f>, is: Is, depth: u32, without: Without<'f>) {
        self.tasks.push(Task::Object(Object {
            entries: node.entries(),
            is,
            depth,
            without,
            closes: true,
        }));
    }

    /// An entry of the innermost object.
    fn entry(&mut self, key: NodeRef<'f>, value: NodeRef<'f>) {
        let Some(Task::Object(object)) = self.tasks.last() else {
            return;
        };
        let key_text = key.as_str().unwrap_or("");
        let (is, depth) = (object.is, object.depth);
        match object.without {
            Without::Reference if key_text == "$ref" => return,
            Without::KeysOf(node) if node.get(key_text).is_some() => {
                return self.resolver.files().meter.spend(1, key.span());
            }
            _ => {}
        }
        self.out.key(key_text);
        let inside = is.entry(key_text, self.version).is;
        self.tasks.push(Task::Value(value, inside, depth + 1));
    }

    /// `node` refers to `target`, which is not reached by its own text.
    fn referenced(&mut self, node: NodeRef<'f>, target: NodeRef<'f>, is: Is, depth: u32) {
        if matches!(is, Is::Schema) || is.refers() && self.is_of_root(target) {
            self.out.push("{\"$ref\":");
            self.name_of(target);
            if self.version == Version::V31 {
                return self.entries(node, is, depth, Without::Reference);
            }
            return self.out.push("}");
        }
        let end = match self.end_of_chain(target) {
            Ok(end) => end,
            Err(Circle(from, to)) => return self.circle(from, to, is),
        };
        let placed = (location(target), location(end));
        if self.placing.contains(&placed.0) || self.placing.contains(&placed.1) {
            return self.circle(node, target, is);
        }
        self.placing.extend([placed.0, placed.1]);
        self.tasks.push(Task::Placed(placed.0, placed.1));
        let siblings = node.entries().nth(1).is_some();
        if siblings && target.kind() == NodeKind::Object && target.get("$ref").is_none() {
            // Path items (and 3.1 references) may add to what they name.
            self.out.push("{");
            self.entries(node, is, depth, Without::Reference);
            self.tasks.push(Task::Object(Object {
                entries: target.entries(),
                is,
                depth,
                without: Without::KeysOf(node),
                closes: false,
            }));
        } else {
            self.tasks.push(Task::Value(end, is, depth + 1));
        }
    }

    /// `target`, or the end of the references to references that it starts, as long
    /// as they are in other files than the root.
    fn end_of_chain(&mut self, target: NodeRef<'f>) -> Result<NodeRef<'f>, Circle<'f>> {
        if target.get("$ref").is_none() {
            return Ok(target);
        }
        let root = self.root;
        let resolver = &mut *self.resolver;
        let end = self.chains.end(target, |link| {
            let next = resolver.of(link)?;
            (next.span().file != root && next.get("$ref").is_some()).then_some(next)
        });
        self.hold_tables();
        end
    }

    fn circle(&mut self, node: NodeRef<'f>, target: NodeRef<'f>, is: Is) {
        // What no reader looks at stays as it is written.
        if matches!(is, Is::Unknown) {
            return write_node(self.out.raw(), node);
        }
        self.findings
            .push(reference_cycle::found(node.span(), target.span()));
        self.out.push("{}");
    }

    /// Writes a reference to `target` in the bundled document.
    fn name_of(&mut self, target: NodeRef<'f>) {
        let location = location(target);
        let meter = self.resolver.files().meter;
        if location.0 == self.root {
            let pointer = self.pointers.entry(location.1).or_insert_with(|| {
                meter.spend(16, target.span());
                format!("#{}", pointer_to(target))
            });
            self.out.string(pointer);
            return self.hold_tables();
        }
        if !self.names.contains_key(&location) {
            let tree = self.resolver.files().shared.tree();
            let base = component_name(tree.path(location.0).name(), target);
            meter.spend(16 + (base.len() / 16) as u64, target.span());
            let name = self.taken.unique(&base, '_', 2);
            self.names.insert(location, name);
            self.queue.push(target);
            self.hold_tables();
        }
        let name = self.names.get(&location).map_or("", String::as_str);
        let reference = format!("{}{}", self.prefix(), escape(name));
        self.out.string(&reference);
    }
}
