//! What is stored: resources by id. Ids are compared without case, and kept as they were
//! written first.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A resource.
#[derive(Debug, Clone)]
pub struct Entity {
    /// The whole id, as it was written when the resource was made.
    pub id: String,
    /// `Microsoft.ApiManagement/service/apis`.
    pub arm_type: String,
    /// The last segment of the id.
    pub name: String,
    /// What was stored: `properties` and whatever else the model has. Secrets are in it.
    pub body: Map<String, Value>,
    /// Counts writes of the whole store; the ETag is made of it.
    pub version: u64,
}

impl Entity {
    /// A property below `properties`.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.body.get("properties")?.get(name)
    }

    /// A property that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.property(name)?.as_str()
    }

    /// Sets a property.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let properties = self
            .body
            .entry("properties")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(properties) = properties {
            properties.insert(name.to_owned(), value.into());
        }
    }

    /// Takes a property away.
    pub fn unset(&mut self, name: &str) -> Option<Value> {
        self.body
            .get_mut("properties")?
            .as_object_mut()?
            .remove(name)
    }

    /// The ETag with its quotes.
    pub fn etag(&self) -> String {
        use base64::Engine;
        let bytes = self.version.to_be_bytes();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("\"{text}\"")
    }
}

/// All resources.
#[derive(Debug, Default)]
pub struct Store {
    by_id: BTreeMap<String, Entity>,
    version: u64,
}

fn key(id: &str) -> String {
    id.trim_end_matches('/').to_lowercase()
}

impl Store {
    /// A resource.
    pub fn get(&self, id: &str) -> Option<&Entity> {
        self.by_id.get(&key(id))
    }

    /// A resource, to be changed; the ETag changes too.
    pub fn change(&mut self, id: &str) -> Option<&mut Entity> {
        self.version += 1;
        let version = self.version;
        let entity = self.by_id.get_mut(&key(id))?;
        entity.version = version;
        Some(entity)
    }

    /// Stores a resource; one of the same id is replaced and keeps its spelling.
    pub fn put(&mut self, id: &str, arm_type: &str, body: Map<String, Value>) -> &mut Entity {
        self.version += 1;
        let version = self.version;
        let name = id.rsplit('/').next().unwrap_or_default().to_owned();
        let entity = self.by_id.entry(key(id)).or_insert_with(|| Entity {
            id: id.to_owned(),
            arm_type: arm_type.to_owned(),
            name,
            body: Map::new(),
            version,
        });
        entity.body = body;
        entity.version = version;
        entity
    }

    /// Removes a resource with everything below it.
    pub fn remove(&mut self, id: &str) -> Option<Entity> {
        for below in self.below(id).map(|e| e.id.clone()).collect::<Vec<_>>() {
            self.by_id.remove(&key(&below));
        }
        self.by_id.remove(&key(id))
    }

    /// Everything below an id, in the order of ids.
    pub fn below<'s>(&'s self, id: &str) -> impl Iterator<Item = &'s Entity> + use<'s> {
        let prefix = format!("{}/", key(id));
        let from = Bound::Excluded(prefix.clone());
        self.by_id
            .range::<String, _>((from, Bound::Unbounded))
            .take_while(move |(id, _)| id.starts_with(&prefix))
            .map(|(_, entity)| entity)
    }

    /// The resources of a collection (`.../apis`), without what is below them.
    pub fn children<'s>(&'s self, collection: &str) -> impl Iterator<Item = &'s Entity> + use<'s> {
        let depth = key(collection).matches('/').count() + 1;
        self.below(collection)
            .filter(move |entity| entity.id.matches('/').count() == depth)
    }

    /// Everything.
    pub fn all(&self) -> impl Iterator<Item = &Entity> {
        self.by_id.values()
    }

    /// How many writes there were.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Moves what is below `from`, without the collections `stay`, and `from` itself, to `to`.
    pub fn rename(&mut self, from: &str, to: &str, stay: &[&str]) {
        let stays = |id: &str| {
            let rest = key(id)[key(from).len()..]
                .trim_start_matches('/')
                .to_owned();
            let first = rest.split('/').next().unwrap_or_default();
            stay.contains(&first)
        };
        let mut moved: Vec<String> = self
            .below(from)
            .filter(|entity| !stays(&entity.id))
            .map(|entity| entity.id.clone())
            .collect();
        moved.push(from.to_owned());
        for id in moved {
            if let Some(mut entity) = self.by_id.remove(&key(&id)) {
                self.version += 1;
                entity.id = format!("{to}{}", &id[from.len()..]);
                entity.version = self.version;
                entity.name = entity.id.rsplit('/').next().unwrap_or_default().to_owned();
                self.by_id.insert(key(&entity.id), entity);
            }
        }
    }
}
