//! `resources.json` of a bundle, read: what is to be deployed, in order.

use crate::id::Id;
use flux_apim_diag::excerpt;
use flux_apim_diag::tree::{ArtifactPath, Digest};
use flux_apim_model::kinds::Kind;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// `apiVersion` of the file that is understood.
const API_VERSION: &str = "flux-apim.dev/resources/v1";
/// Path of the file in a bundle.
pub const RESOURCES: &str = "resources.json";

/// What a bundle deploys.
#[derive(Debug, Default)]
pub struct Resources {
    /// The api-version that its properties are of.
    pub api_version: String,
    /// The service that the project names.
    pub service: Option<String>,
    /// Values that come from outside of the bundle, by parameter.
    pub secrets: BTreeMap<String, Parameter>,
    /// Resources that no deployment deletes: ids in which `*` stands for any text.
    pub protect: Vec<String>,
    /// In the order of deployment.
    pub list: Vec<Resource>,
    places: HashMap<Id, usize>,
}

/// A value that comes from outside of the bundle.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    /// What it is for.
    pub description: String,
    /// Whether what needs it is left as it is without it.
    pub optional: bool,
}

/// One resource.
#[derive(Debug)]
pub struct Resource {
    /// Below the service.
    pub id: Id,
    /// Positions in the list, all before its own.
    pub depends_on: Vec<usize>,
    /// What it changes while it is written: writers of the same wait for each other.
    pub locks: Vec<Id>,
    /// Whether it is an API that is taken off the gateway that is built into the service.
    pub off_built_in_gateway: bool,
    /// Deployed only when this parameter is given.
    pub only_with: Option<String>,
    /// Null for what has no body. What is no literal is null in it, and named below.
    pub properties: Json,
    /// Pointer, and the resource that the place refers to; none for the service itself.
    pub references: Vec<(String, Option<Id>)>,
    /// Pointer, and the parameter with the secret.
    pub secrets: Vec<(String, String)>,
    /// Pointer, and the file of the bundle with the text.
    pub texts: Vec<(String, ArtifactPath)>,
}

/// Why `resources.json` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read resources.json of the bundle: {0}")]
pub struct Unreadable(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    arm_api_version: String,
    #[serde(default)]
    protect: Vec<String>,
    resources: Vec<Entry>,
    secrets: BTreeMap<String, Parameter>,
    service: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    depends_on: Vec<String>,
    id: String,
    locks: Vec<String>,
    #[serde(default)]
    off_built_in_gateway: bool,
    only_with: Option<String>,
    properties: Json,
    references: Vec<Reference>,
    secrets: Vec<Secret>,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Reference {
    at: String,
    to: String,
}

#[derive(Deserialize)]
struct Secret {
    at: String,
    parameter: String,
}

#[derive(Deserialize)]
struct Text {
    at: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: String,
}

impl Resources {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is of another version, or does not hang together.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let wrong = |error: serde_json::Error| Unreadable(excerpt(&error.to_string(), 300));
        let head: Head = serde_json::from_slice(bytes).map_err(wrong)?;
        if head.api_version != API_VERSION {
            return Err(Unreadable(format!(
                "it is of version `{}`, this program reads `{API_VERSION}`; use the flux-apim \
                 that made the bundle, or render it again",
                excerpt(&head.api_version, 100)
            )));
        }
        let file: File = serde_json::from_slice(bytes).map_err(wrong)?;
        let version = &file.arm_api_version;
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if version.is_empty() || !version.bytes().all(word) {
            return Err(Unreadable(format!(
                "`{}` is no api-version",
                excerpt(version, 60)
            )));
        }
        let mut resources = Self {
            api_version: file.arm_api_version,
            service: file.service,
            secrets: file.secrets,
            protect: file.protect,
            list: Vec::with_capacity(file.resources.len()),
            places: HashMap::with_capacity(file.resources.len()),
        };
        for entry in file.resources {
            let name = excerpt(&entry.id, 300);
            let resource = resources.resource(entry);
            let resource = resource.map_err(|why| Unreadable(format!("{name}: {why}")))?;
            let place = resources.list.len();
            if resources
                .places
                .insert(resource.id.clone(), place)
                .is_some()
            {
                return Err(Unreadable(format!("{name} is there twice")));
            }
            resources.list.push(resource);
        }
        Ok(resources)
    }

    fn resource(&self, entry: Entry) -> Result<Resource, String> {
        let parse = |text: &str| {
            Id::parse(text).ok_or_else(|| format!("`{}` is no id", excerpt(text, 200)))
        };
        let id = parse(&entry.id)?;
        if id.kind().is_none() {
            return Err("no kind of resource has this type".to_owned());
        }
        let before = |text: &String| {
            let known = parse(text)?;
            let place = self.places.get(&known).copied();
            place.ok_or_else(|| format!("it depends on {known}, which does not come before it"))
        };
        let depends_on: Result<Vec<usize>, String> = entry.depends_on.iter().map(before).collect();
        let locks: Result<Vec<Id>, String> = entry.locks.iter().map(|l| parse(l)).collect();
        let is_place = |at: &str| {
            let there = entry.properties.pointer(at).is_some_and(Json::is_null);
            there
                .then_some(())
                .ok_or_else(|| format!("`{}` is no place for a value", excerpt(at, 200)))
        };
        let known = |parameter: &String| match self.secrets.contains_key(parameter) {
            true => Ok(()),
            false => Err(format!("no secret is called `{}`", excerpt(parameter, 100))),
        };
        entry.only_with.as_ref().map(known).transpose()?;
        let mut references = Vec::with_capacity(entry.references.len());
        for Reference { at, to } in entry.references {
            is_place(&at)?;
            let to = match to.is_empty() {
                true => None,
                false => Some(parse(&to)?),
            };
            references.push((at, to));
        }
        let mut secrets = Vec::with_capacity(entry.secrets.len());
        for Secret { at, parameter } in entry.secrets {
            is_place(&at)?;
            known(&parameter)?;
            secrets.push((at, parameter));
        }
        let mut texts = Vec::with_capacity(entry.texts.len());
        for Text { at, path } in entry.texts {
            is_place(&at)?;
            let path = ArtifactPath::parse(&path).map_err(|error| error.to_string())?;
            texts.push((at, path));
        }
        if !(entry.properties.is_null() || entry.properties.is_object()) {
            return Err("its properties are no object".to_owned());
        }
        Ok(Resource {
            id,
            depends_on: depends_on?,
            locks: locks?,
            off_built_in_gateway: entry.off_built_in_gateway,
            only_with: entry.only_with,
            properties: entry.properties,
            references,
            secrets,
            texts,
        })
    }

    /// Where a resource is in the list.
    pub fn place(&self, id: &Id) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The resource with this id.
    pub fn find(&self, id: &Id) -> Option<&Resource> {
        self.place(id).map(|place| &self.list[place])
    }
}

impl Resource {
    /// Whether it is an API with its definition: writing it makes operations.
    pub fn has_definition(&self) -> bool {
        self.id.kind() == Some(Kind::Api) && self.texts.iter().any(|(at, _)| at == "/value")
    }

    /// The link that puts it on the gateway that is built into the service, where it is taken
    /// off that.
    pub(crate) fn built_in_gateway(&self) -> Option<Id> {
        let link = format!("gateways/managed/apis/{}", self.id.name());
        self.off_built_in_gateway
            .then(|| Id::parse(&link))
            .flatten()
    }

    /// A digest of what is deployed: properties, references, names of secrets, digests of
    /// texts. Its name is not part of it, so that a renamed resource keeps it.
    pub(crate) fn digest(&self, texts: &BTreeMap<&str, Digest>) -> Digest {
        let mut out = String::new();
        canonical(&self.properties, &mut out);
        for (at, to) in &self.references {
            out.push_str(&format!("\n{at} -> {}", to.as_ref().map_or("", Id::folded)));
        }
        for (at, parameter) in &self.secrets {
            out.push_str(&format!("\n{at} = {parameter}"));
        }
        for (at, path) in &self.texts {
            let digest = texts.get(path.as_str());
            out.push_str(&format!(
                "\n{at} : {}",
                digest.map_or(String::new(), ToString::to_string)
            ));
        }
        Digest::of(out.as_bytes())
    }
}

/// JSON with sorted keys.
pub(crate) fn canonical(value: &Json, out: &mut String) {
    match value {
        Json::Object(map) => {
            let sorted: BTreeMap<&String, &Json> = map.iter().collect();
            out.push('{');
            for (n, (key, value)) in sorted.into_iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                canonical(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(resources: &Json) -> Vec<u8> {
        let file = json!({
            "apiVersion": API_VERSION, "armApiVersion": "2024-05-01", "service": null,
            "secrets": {"key": {"description": "a key", "optional": false}},
            "resources": resources,
        });
        file.to_string().into_bytes()
    }

    fn entry(id: &str) -> Json {
        json!({
            "dependsOn": [], "id": id, "locks": [], "properties": {"a": null},
            "references": [], "secrets": [], "texts": [],
        })
    }

    #[test]
    fn what_does_not_hang_together_is_refused() {
        let with = |key: &str, value: Json| {
            let mut entry = entry("tags/x");
            entry[key] = value;
            Resources::parse(&file(&json!([entry])))
        };
        assert!(with("locks", json!(["products/p"])).is_ok());
        assert!(with("secrets", json!([{"at": "/a", "parameter": "key"}])).is_ok());
        for (key, value, said) in [
            ("dependsOn", json!(["tags/y"]), "does not come before"),
            ("id", json!("nothing/x"), "no kind"),
            ("id", json!("tags"), "no id"),
            ("properties", json!([]), "no object"),
            ("texts", json!([{"at": "/b", "path": "x"}]), "no place"),
            ("texts", json!([{"at": "/a", "path": "../x"}]), "x"),
            (
                "secrets",
                json!([{"at": "/a", "parameter": "other"}]),
                "no secret",
            ),
            ("onlyWith", json!("other"), "no secret"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said), "{key}: {error}");
        }
        let twice = Resources::parse(&file(&json!([entry("tags/x"), entry("tags/X")])));
        assert!(twice.unwrap_err().to_string().contains("twice"));
        let newer = br#"{"apiVersion":"flux-apim.dev/resources/v2"}"#;
        assert!(
            Resources::parse(newer)
                .unwrap_err()
                .to_string()
                .contains("version")
        );
        for garbage in ["", "[]", "{", "null", "{\"apiVersion\":1}"] {
            assert!(Resources::parse(garbage.as_bytes()).is_err());
        }
    }
}
