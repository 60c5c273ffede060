//! The outermost object of the bundled document, and its components: schemas of other
//! files become some of them.

use super::super::shape::{Is, Version};
use super::chain::location;
use super::writer::{Ended, Step, Writer};
use flux_apim_syntax::NodeRef;
use std::collections::HashSet;

/// Where room for more schemas is left.
enum Room {
    Schemas,
    Components,
    Document,
}

impl<'f> Writer<'f, '_> {
    /// The entries of `node`, and those of what its `$ref` leads to: a whole map may
    /// stand in another file.
    fn all_of(&mut self, node: NodeRef<'f>) -> Vec<(NodeRef<'f>, NodeRef<'f>)> {
        let mut entries = Vec::new();
        let (mut keys, mut met) = (HashSet::new(), HashSet::new());
        let mut next = Some(node);
        while let Some(node) = next.filter(|node| met.insert(location(*node))) {
            let target = self.resolver.of(node);
            let target = target.filter(|target| !self.is_of_root(*target));
            for (key, value) in node.entries() {
                self.resolver.files().meter.spend(1, key.span());
                let text = key.as_str().unwrap_or("");
                let is_followed = target.is_some() && text == "$ref";
                if !is_followed && keys.insert(text) {
                    entries.push((key, value));
                }
            }
            next = target;
        }
        entries
    }

    /// The components that are schemas.
    fn schemas_of(&mut self, root: NodeRef<'f>) -> Option<NodeRef<'f>> {
        let (folder, schemas) = match self.version {
            Version::V2 => return root.get("definitions"),
            _ => ("components", "schemas"),
        };
        let components = self.all_of(root.get(folder)?);
        let mut found = components.into_iter();
        Some(found.find(|(key, _)| key.as_str() == Some(schemas))?.1)
    }

    /// Gives the components of the root their names.
    fn name_components(&mut self, root: NodeRef<'f>) {
        let Some(schemas) = self.schemas_of(root) else {
            return;
        };
        let entries = self.all_of(schemas);
        for (key, value) in &entries {
            let name = key.as_str().unwrap_or("");
            self.taken.take(name);
            if !self.is_of_root(*value) {
                self.names.insert(location(*value), name.to_owned());
            }
        }
        for (key, value) in entries {
            if value.entries().nth(1).is_none()
                && let Some(target) = self.resolver.of(value)
                && !self.is_of_root(target)
                && !self.names.contains_key(&location(target))
            {
                let name = key.as_str().unwrap_or("").to_owned();
                self.names.insert(location(target), name);
                self.in_place.insert(location(value), target);
            }
        }
        self.hold_tables();
    }

    pub(super) fn document(&mut self, root: NodeRef<'f>) -> Step {
        self.name_components(root);
        let two = self.version == Version::V2;
        let container = if two { "definitions" } else { "components" };
        let mut room = Room::Document;
        self.out.push("{");
        // Everything that is there first: it may name further schemas.
        for (key, value) in root.entries() {
            let key = key.as_str().unwrap_or("");
            self.out.key(key);
            let is = self.document.entry(key, self.version).is;
            if key != container {
                self.value(value, is, 1)?;
            } else if two {
                room = Room::Schemas;
                self.schemas(value)?;
            } else {
                room = self.components(value, is)?;
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
                Room::Document if two => &["definitions"],
                Room::Document => &["components", "schemas"],
            };
            for key in around {
                self.out.key(key);
                self.out.push("{");
            }
            while let Some(target) = self.queue.pop() {
                let name = self.names.get(&location(target));
                self.out.key(name.map_or("", String::as_str));
                self.value(target, Is::Schema, 2)?;
            }
            around.iter().for_each(|_| self.out.push("}"));
        }
        self.out.close_room();
        Ok(())
    }

    fn components(&mut self, components: NodeRef<'f>, is: Is) -> Result<Room, Ended> {
        let mut room = Room::Components;
        self.out.push("{");
        for (section, value) in self.all_of(components) {
            let section = section.as_str().unwrap_or("");
            self.out.key(section);
            if section == "schemas" {
                room = Room::Schemas;
                self.schemas(value)?;
            } else {
                let is = is.entry(section, self.version).is;
                self.value(value, is, 2)?;
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
        for (key, value) in self.all_of(schemas) {
            self.out.key(key.as_str().unwrap_or(""));
            let target = self.in_place.get(&location(value)).copied();
            self.value(target.unwrap_or(value), Is::Schema, 2)?;
        }
        self.out.leave_room();
        self.out.push("}");
        Ok(())
    }
}
