//! The one document: references to other files become components or what they
//! name.

use super::super::Kind;
use super::super::names::Names;
use super::super::references::is_mapping_reference;
use super::chain::{Chains, Circle, Location, location};
use super::name::{component_name, escape, pointer_to};
use super::out::{Full, MAX_NESTING, Out};
use super::place::Place;
use super::resolve::Resolver;
use crate::rules::reference_cycle;
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;
use flux_apim_syntax::{Entries, Items, Kind as Node, NodeRef, write_node};
use std::collections::{HashMap, HashSet};

/// Writes the bundled document. Does not recurse.
pub(super) struct Writer<'f, 'r> {
    resolver: &'r mut Resolver<'f>,
    root: FileId,
    kind: Kind,
    /// Names of the components that schemas of other files became.
    names: HashMap<Location, String>,
    /// Pointers to places of the root document that others refer to.
    pointers: HashMap<u32, String>,
    /// Root components that are nothing but a reference to a file, and what
    /// they name: their text is put in their place.
    in_place: HashMap<u32, NodeRef<'f>>,
    taken: Names,
    queue: Vec<NodeRef<'f>>,
    /// What is being put in place, to find circles.
    placing: HashSet<Location>,
    /// References to references that are put in place.
    chains: Chains<'f>,
    tasks: Vec<Task<'f>>,
    out: Out<'f>,
    findings: &'r mut Findings,
}

/// What is left to be written.
enum Task<'f> {
    Value(NodeRef<'f>, Place, u32),
    Items(Items<'f>, Place, u32),
    Object(Object<'f>),
    /// The entries of a discriminator, and of its mapping.
    Discriminator(Entries<'f>, u32),
    Mapping(Entries<'f>, u32),
    /// What was put in its place is written.
    Placed(Location, Location),
}

/// Entries of an object that is open.
struct Object<'f> {
    entries: Entries<'f>,
    place: Place,
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

/// Where room for more schemas is left.
enum Room {
    Schemas,
    Components,
    Document,
}

/// Writing ended early: a finding says why.
struct Ended;

type Step = Result<(), Ended>;

impl<'f, 'r> Writer<'f, 'r> {
    pub(super) fn new(
        resolver: &'r mut Resolver<'f>,
        kind: Kind,
        out: Out<'f>,
        findings: &'r mut Findings,
    ) -> Self {
        Self {
            root: resolver.files().root,
            resolver,
            kind,
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

    fn is_of_root(&self, node: NodeRef<'_>) -> bool {
        node.span().file == self.root
    }

    /// Counts what the tables take.
    fn hold_tables(&mut self) {
        const ENTRY: usize = 64;
        let entries = self.names.len() * 2 + self.pointers.len() + self.in_place.len();
        self.out.tables = entries * ENTRY + 2 * self.taken.bytes() + self.chains.bytes();
        self.out.hold();
    }

    /// Gives the components of the root their names.
    fn name_components(&mut self, root: NodeRef<'f>) {
        let Some(schemas) = self.schemas_node(root) else {
            return;
        };
        for (key, value) in schemas.entries() {
            let name = key.as_str().unwrap_or("");
            self.taken.take(name);
            if value.entries().nth(1).is_none()
                && let Some(target) = self.resolver.of(value)
                && !self.is_of_root(target)
                && !self.names.contains_key(&location(target))
            {
                self.names.insert(location(target), name.to_owned());
                self.in_place.insert(value.index(), target);
            }
        }
        self.hold_tables();
    }

    fn document(&mut self, root: NodeRef<'f>) -> Step {
        self.name_components(root);
        let swagger = self.kind == Kind::Swagger2;
        let container = if swagger { "definitions" } else { "components" };
        let mut room = Room::Document;
        self.out.push("{");
        // Everything that is there first: it may name further schemas.
        for (key, value) in root.entries() {
            let key = key.as_str().unwrap_or("");
            self.out.key(key);
            if key != container {
                let place = match key {
                    "parameters" | "responses" => Place::Other,
                    _ => Place::Other.under(key),
                };
                self.value(value, place, 1)?;
            } else if swagger {
                room = Room::Schemas;
                self.schemas(value)?;
            } else {
                room = self.components(value)?;
            }
        }
        if let Room::Document = room {
            self.out.leave_room();
        }
        self.out.push("}");
        self.out.fill_room();
        if !self.queue.is_empty() {
            let around: &[&str] = match room {
                Room::Schemas => &[],
                Room::Components => &["schemas"],
                Room::Document if swagger => &["definitions"],
                Room::Document => &["components", "schemas"],
            };
            for key in around {
                self.out.key(key);
                self.out.push("{");
            }
            while let Some(target) = self.queue.pop() {
                let name = self.names.get(&location(target));
                self.out.key(name.map_or("", String::as_str));
                self.value(target, Place::Schema, 2)?;
            }
            around.iter().for_each(|_| self.out.push("}"));
        }
        self.out.close_room();
        Ok(())
    }

    fn components(&mut self, components: NodeRef<'f>) -> Result<Room, Ended> {
        let mut room = Room::Components;
        self.out.push("{");
        for (section, value) in components.entries() {
            let section = section.as_str().unwrap_or("");
            self.out.key(section);
            if section == "schemas" {
                room = Room::Schemas;
                self.schemas(value)?;
            } else {
                self.value(value, Place::Other, 2)?;
            }
        }
        if let Room::Components = room {
            self.out.leave_room();
        }
        self.out.push("}");
        Ok(room)
    }

    /// The components that are schemas, with room for more.
    fn schemas(&mut self, schemas: NodeRef<'f>) -> Step {
        self.out.push("{");
        for (key, value) in schemas.entries() {
            self.out.key(key.as_str().unwrap_or(""));
            let target = self.in_place.get(&value.index()).copied();
            self.value(target.unwrap_or(value), Place::Schema, 2)?;
        }
        self.out.leave_room();
        self.out.push("}");
        Ok(())
    }

    /// Writes the value `node` with all that is inside.
    fn value(&mut self, node: NodeRef<'f>, place: Place, depth: u32) -> Step {
        self.tasks.push(Task::Value(node, place, depth));
        while let Some(task) = self.tasks.last_mut() {
            match task {
                Task::Value(node, place, depth) => {
                    let (node, place, depth) = (*node, *place, *depth);
                    self.tasks.pop();
                    let mut room = self.out.check();
                    if depth > MAX_NESTING {
                        room = Err(Full::Nesting);
                    }
                    if let Err(full) = room {
                        self.findings.push(full.finding(node));
                        return Err(Ended);
                    }
                    self.start(node, place, depth);
                }
                Task::Items(items, place, depth) => match items.next() {
                    Some(item) => {
                        let task = Task::Value(item, *place, *depth);
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
                Task::Discriminator(entries, depth) => {
                    let (next, depth) = (entries.next(), *depth);
                    self.discriminator_entry(next, depth);
                }
                Task::Mapping(entries, depth) => {
                    let (next, depth) = (entries.next(), *depth);
                    self.mapping_entry(next, depth);
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

    fn start(&mut self, node: NodeRef<'f>, place: Place, depth: u32) {
        match node.kind() {
            Node::Object => self.object(node, place, depth),
            Node::Array => {
                self.out.push("[");
                self.tasks
                    .push(Task::Items(node.items(), place.item(), depth + 1));
            }
            _ => write_node(self.out.raw(), node),
        }
    }

    fn object(&mut self, node: NodeRef<'f>, place: Place, depth: u32) {
        let reference = match place {
            Place::Data => None,
            // Also of a whole map: a schema named `$ref` would be an object.
            _ => node.get("$ref").and_then(NodeRef::as_str),
        };
        if let Some(reference) = reference
            && let Some(target) = self.resolver.target(node.span().file, reference)
        {
            let stays =
                self.is_of_root(target) && reference.starts_with('#') && self.is_of_root(node);
            if !stays {
                return self.referenced(node, target, place, depth);
            }
        }
        self.out.push("{");
        self.entries(node, place, depth, Without::Nothing);
    }

    /// The entries of `node`, with which the open object ends.
    fn entries(&mut self, node: NodeRef<'f>, place: Place, depth: u32, without: Without<'f>) {
        self.tasks.push(Task::Object(Object {
            entries: node.entries(),
            place,
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
        let (place, depth) = (object.place, object.depth);
        let discriminates = match object.without {
            Without::Nothing => {
                key_text == "discriminator" && matches!(place, Place::Schema | Place::Other)
            }
            Without::Reference if key_text == "$ref" => return,
            Without::KeysOf(node) if node.get(key_text).is_some() => {
                return self.resolver.files().meter.spend(1, key.span());
            }
            _ => false,
        };
        self.out.key(key_text);
        if !discriminates {
            let place = place.under(key_text);
            self.tasks.push(Task::Value(value, place, depth + 1));
        } else if value.get("mapping").is_none() {
            self.tasks.push(Task::Value(value, Place::Other, depth + 1));
        } else {
            self.out.push("{");
            self.tasks.push(Task::Discriminator(value.entries(), depth));
        }
    }

    fn discriminator_entry(&mut self, next: Option<(NodeRef<'f>, NodeRef<'f>)>, depth: u32) {
        let Some((key, value)) = next else {
            return self.close("}");
        };
        let key = key.as_str().unwrap_or("");
        self.out.key(key);
        if key == "mapping" {
            self.out.push("{");
            self.tasks.push(Task::Mapping(value.entries(), depth));
        } else {
            self.tasks.push(Task::Value(value, Place::Data, depth + 1));
        }
    }

    fn mapping_entry(&mut self, next: Option<(NodeRef<'f>, NodeRef<'f>)>, depth: u32) {
        let Some((name, value)) = next else {
            return self.close("}");
        };
        self.out.key(name.as_str().unwrap_or(""));
        let reference = value.as_str().filter(|text| is_mapping_reference(text));
        let target = reference.and_then(|text| self.resolver.target(value.span().file, text));
        match target {
            Some(target) => self.name_of(target),
            None => self.tasks.push(Task::Value(value, Place::Data, depth + 1)),
        }
    }

    /// `node` refers to `target`, which is not reached by its own text.
    fn referenced(&mut self, node: NodeRef<'f>, target: NodeRef<'f>, place: Place, depth: u32) {
        if place == Place::Schema || self.is_of_root(target) {
            self.out.push("{\"$ref\":");
            self.name_of(target);
            if self.kind == Kind::OpenApi31 {
                return self.entries(node, place, depth, Without::Reference);
            }
            return self.out.push("}");
        }
        let end = match self.end_of_chain(target) {
            Ok(end) => end,
            Err(Circle(from, to)) => return self.circle(from, to),
        };
        let placed = (location(target), location(end));
        if self.placing.contains(&placed.0) || self.placing.contains(&placed.1) {
            return self.circle(node, target);
        }
        self.placing.extend([placed.0, placed.1]);
        self.tasks.push(Task::Placed(placed.0, placed.1));
        let siblings = node.entries().nth(1).is_some();
        if siblings && target.kind() == Node::Object && target.get("$ref").is_none() {
            // Path items (and 3.1 references) may add to what they name.
            self.out.push("{");
            self.entries(node, place, depth, Without::Reference);
            self.tasks.push(Task::Object(Object {
                entries: target.entries(),
                place,
                depth,
                without: Without::KeysOf(node),
                closes: false,
            }));
        } else {
            self.tasks.push(Task::Value(end, place, depth + 1));
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

    fn circle(&mut self, node: NodeRef<'f>, target: NodeRef<'f>) {
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
