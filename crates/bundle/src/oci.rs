//! The bundle as a Flux artifact: an OCI image of one layer.

use super::Archive;
use flux_apim_diag::tree::Digest;
use libdeflater::Decompressor;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

/// Media type of the config of a Flux artifact.
pub const CONFIG_MEDIA_TYPE: &str = "application/vnd.cncf.flux.config.v1+json";
/// Media type of its layer.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
/// Field of the config that holds the digest of every resource by its type and
/// name: two bundles are compared without their layers.
pub const RESOURCES_FIELD: &str = "dev.flux-apim.resources";
const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// There is no clock in a bundle: a source that does not say when it was made
/// was made then.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Config, layer and manifest of an artifact.
#[derive(Debug)]
pub struct OciImage {
    /// The config, a JSON document.
    pub config: Vec<u8>,
    /// The layer blob: the archive.
    pub layer: Vec<u8>,
    /// The image manifest, a JSON document.
    pub manifest: Vec<u8>,
}

impl OciImage {
    /// The artifact of `archive`, whose `bundle.json` is `inventory`.
    pub fn new(archive: &Archive, inventory: &Json) -> Self {
        Self::of_layer(archive.bytes(), &tar_digest(archive), inventory)
    }

    /// The artifact whose layer is `layer`, with the tar `tar` and the
    /// inventory `inventory` in it.
    pub fn of_layer(layer: Vec<u8>, tar: &Digest, inventory: &Json) -> Self {
        let created = created(inventory);
        let mut config = json!({
            "architecture": "",
            "config": {},
            "created": created,
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [tar.to_string()]},
        });
        config[RESOURCES_FIELD] = resources(inventory);
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_MEDIA_TYPE,
            "config": descriptor(CONFIG_MEDIA_TYPE, &config),
            "layers": [descriptor(LAYER_MEDIA_TYPE, &layer)],
            "annotations": annotations(inventory, created),
        });
        Self {
            config,
            layer,
            manifest: manifest.to_string().into_bytes(),
        }
    }

    /// Digest of the manifest: the artifact's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// `index.json` of a layout that holds this image under `tag`.
    pub fn index(&self, tag: &str) -> Json {
        let mut manifest = descriptor(MANIFEST_MEDIA_TYPE, &self.manifest);
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        json!({
            "schemaVersion": 2,
            "mediaType": INDEX_MEDIA_TYPE,
            "manifests": [manifest],
        })
    }
}

/// What the manifest says of the bundle, for Flux and for people.
fn annotations(inventory: &Json, created: &str) -> Map<String, Json> {
    let source = &inventory["source"];
    let mut annotations = Map::new();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            annotations.insert(key.to_owned(), json!(value));
        }
    };
    add(
        "dev.flux-apim.environment",
        inventory["environment"].as_str(),
    );
    add(
        "dev.flux-apim.version",
        inventory["renderer"]["version"].as_str(),
    );
    add("org.opencontainers.image.created", Some(created));
    add(
        "org.opencontainers.image.revision",
        source["revision"].as_str(),
    );
    add("org.opencontainers.image.source", source["url"].as_str());
    annotations
}

/// When the source was made; its own word is taken only when it is a time.
pub fn created(inventory: &Json) -> &str {
    match inventory["source"]["created"].as_str() {
        Some(text) if is_time(text) => text,
        _ => EPOCH,
    }
}

/// Whether `text` has the form of RFC 3339.
fn is_time(text: &str) -> bool {
    let like = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, shape)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    let Some((day, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let fraction = rest.len() - zone.len();
    like(day, "0000-00-00T00:00:00")
        && (fraction == 0 || (2..=10).contains(&fraction))
        && (zone == "Z" || like(zone, "+00:00") || like(zone, "-00:00"))
}

/// The digest of every resource, by type and name.
fn resources(inventory: &Json) -> Json {
    let resources = inventory["resources"].as_array();
    let entries = resources.into_iter().flatten().filter_map(|resource| {
        let kind = resource["type"].as_str()?;
        let name = resource["name"].as_str()?;
        Some((format!("{kind} {name}"), resource["digest"].clone()))
    });
    let mut entries: Map<String, Json> = entries.collect();
    entries.sort_keys();
    Json::Object(entries)
}

fn descriptor(media_type: &str, blob: &[u8]) -> Json {
    json!({"mediaType": media_type, "digest": Digest::of(blob).to_string(), "size": blob.len()})
}

/// Digest of the tar inside the members.
fn tar_digest(archive: &Archive) -> Digest {
    let mut hasher = Sha256::new();
    let mut buffer = Vec::new();
    for member in &archive.members {
        buffer.resize(member.size, 0);
        // We made the member: it unpacks to its size.
        let _ = Decompressor::new().gzip_decompress(&member.bytes, &mut buffer);
        hasher.update(&buffer);
    }
    Digest::from_hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::is_time;

    #[test]
    fn times_are_recognised() {
        for (text, is) in [
            ("2026-11-25T07:00:00Z", true),
            ("2026-11-25T07:00:00.123Z", true),
            ("2026-11-25T07:00:00+01:00", true),
            ("2026-11-25T07:00:00", false),
            ("2026-11-25T07:00:00..1Z", false),
            ("2026-11-25T07:00:001Z", false),
            ("yesterday", false),
            ("2026-11-25T07:00:0ü", false),
        ] {
            assert_eq!(is_time(text), is, "{text}");
        }
    }
}
