//! What is sent for a resource, and what of it may be shown.

use crate::id::Id;
use crate::resources::Resource;
use flux_apim_diag::tree::{ArtifactPath, Digest};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Long texts of a bundle.
pub trait Texts: Sync {
    /// The text at `path`.
    ///
    /// # Errors
    /// In words, when it cannot be read.
    fn text(&self, path: &ArtifactPath) -> Result<String, String>;
}

/// Values that come from outside of the bundle.
pub trait Secrets: Sync {
    /// The value of a parameter, if it was given.
    fn reveal(&self, parameter: &str) -> Option<&str>;
}

/// What stands for a secret wherever something is shown or kept.
pub(crate) const MASKED: &str = "(secret)";

/// Puts bodies together.
#[derive(Clone, Copy)]
pub(crate) struct Composer<'a> {
    pub(crate) texts: &'a dyn Texts,
    pub(crate) secrets: &'a dyn Secrets,
    /// Full id of the service.
    pub(crate) service: &'a str,
}

/// A resource as it is meant to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Its properties; null for what has none. A secret that was not given is null.
    pub(crate) properties: Json,
    /// Pointers to secrets.
    pub(crate) secrets: BTreeSet<String>,
    /// Parameters that were not given.
    pub(crate) missing: Vec<String>,
    /// See [`Resource::digest`].
    pub(crate) digest: Digest,
}

impl std::fmt::Debug for Composer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composer")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Composer<'_> {
    /// The resource with texts, references and secrets in their places.
    ///
    /// # Errors
    /// When the bundle lacks a text.
    pub(crate) fn wanted(&self, resource: &Resource) -> Result<Wanted, String> {
        let mut properties = resource.properties.clone();
        let mut put = |at: &str, value: Json| {
            if let Some(place) = properties.pointer_mut(at) {
                *place = value;
            }
        };
        let mut digests = BTreeMap::new();
        for (at, path) in &resource.texts {
            let text = self
                .texts
                .text(path)
                .map_err(|why| format!("{}: {why}", resource.id))?;
            digests.insert(path.as_str(), Digest::of(text.as_bytes()));
            put(at, text.into());
        }
        for (at, to) in &resource.references {
            put(at, self.full(to.as_ref()).into());
        }
        let mut missing = Vec::new();
        for (at, parameter) in &resource.secrets {
            match self.secrets.reveal(parameter) {
                Some(value) => put(at, value.into()),
                None => missing.push(parameter.clone()),
            }
        }
        let mut secrets: BTreeSet<String> =
            resource.secrets.iter().map(|(at, _)| at.clone()).collect();
        secret_places(&resource.id, &properties, &mut secrets);
        Ok(Wanted {
            digest: resource.digest(&digests),
            properties,
            secrets,
            missing,
        })
    }

    /// Full id of a resource; of the service without one.
    pub(crate) fn full(&self, id: Option<&Id>) -> String {
        match id {
            Some(id) => format!("{}/{id}", self.service),
            None => self.service.to_owned(),
        }
    }
}

/// Notes the pointers to secrets of a resource of this kind.
pub(crate) fn secret_places(id: &Id, properties: &Json, found: &mut BTreeSet<String>) {
    let Some(row) = id.kind().map(flux_apim_model::kinds::Kind::row) else {
        return;
    };
    // A named value says by itself that it is one.
    if id.types().ends_with("namedvalues") && properties["secret"] == true {
        found.insert("/value".to_owned());
    }
    if row.secrets.is_empty() {
        return;
    }
    walk(
        properties,
        &mut String::new(),
        &mut String::new(),
        &mut |pointer, path, _| {
            if row.is_secret(path) {
                found.insert(pointer.to_owned());
            }
        },
    );
}

/// Visits each value with its pointer, and its path as the table of kinds spells it.
fn walk(
    value: &Json,
    pointer: &mut String,
    path: &mut String,
    visit: &mut dyn FnMut(&str, &str, &Json),
) {
    visit(pointer, path, value);
    let (above, before) = (pointer.len(), path.len());
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                pointer.push('/');
                pointer.push_str(&escaped(key));
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(key);
                walk(value, pointer, path, visit);
                pointer.truncate(above);
                path.truncate(before);
            }
        }
        Json::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{n}"));
                path.push_str("[]");
                walk(item, pointer, path, visit);
                pointer.truncate(above);
                path.truncate(before);
            }
        }
        _ => {}
    }
}

/// A key as part of a JSON pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Properties of a resource without its secrets.
pub(crate) fn masked(id: &Id, properties: &Json, also: &BTreeSet<String>) -> Json {
    let mut places = also.clone();
    secret_places(id, properties, &mut places);
    let mut masked = properties.clone();
    for at in &places {
        if let Some(place) = masked.pointer_mut(at)
            && !place.is_null()
        {
            *place = MASKED.into();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_masked_by_kind_and_by_place() {
        let id = Id::parse("backends/b").unwrap();
        let properties = json!({
            "url": "https://x", "credentials": {"header": {"a/b": ["hunter2"]}, "query": {}},
        });
        let shown = masked(&id, &properties, &BTreeSet::from(["/url".to_owned()]));
        assert_eq!(
            shown,
            json!({"url": MASKED, "credentials": {"header": {"a/b": [MASKED]}, "query": {}}})
        );
        let id = Id::parse("namedValues/n").unwrap();
        let secret = json!({"secret": true, "value": "hunter2"});
        assert_eq!(masked(&id, &secret, &BTreeSet::new())["value"], MASKED);
        let open = json!({"secret": false, "value": "x"});
        assert_eq!(masked(&id, &open, &BTreeSet::new()), open);
    }
}
