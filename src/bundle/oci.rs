//! The bundle as a Flux artifact: an OCI image in a layout directory.

use super::{Archive, Source};
use crate::tree::Digest;
use libdeflater::Decompressor;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

/// Media type of the config of a Flux artifact.
pub const CONFIG_MEDIA_TYPE: &str = "application/vnd.cncf.flux.config.v1+json";
/// Media type of its layer.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// There is no clock in a bundle.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// Config, layer and manifest of an artifact.
#[derive(Debug)]
pub struct OciImage {
    /// The config blob.
    pub config: Vec<u8>,
    /// The layer blob: the archive.
    pub layer: Vec<u8>,
    /// The manifest.
    pub manifest: Vec<u8>,
}

impl OciImage {
    /// The artifact of `archive`.
    pub fn new(archive: &Archive, source: &Source) -> Self {
        let layer = archive.bytes();
        let config = json!({
            "architecture": "",
            "config": {},
            "created": CREATED,
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [tar_digest(archive)]},
        });
        let config = config.to_string().into_bytes();
        let mut annotations = Map::new();
        annotations.insert("org.opencontainers.image.created".into(), json!(CREATED));
        if let Some(revision) = &source.revision {
            annotations.insert("org.opencontainers.image.revision".into(), json!(revision));
        }
        if let Some(url) = &source.url {
            annotations.insert("org.opencontainers.image.source".into(), json!(url));
        }
        annotations.insert(
            "dev.flux-apim.version".into(),
            json!(env!("CARGO_PKG_VERSION")),
        );
        annotations.sort_keys();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_MEDIA_TYPE,
            "config": descriptor(CONFIG_MEDIA_TYPE, &config),
            "layers": [descriptor(LAYER_MEDIA_TYPE, &layer)],
            "annotations": annotations,
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

fn descriptor(media_type: &str, blob: &[u8]) -> Json {
    json!({"mediaType": media_type, "digest": Digest::of(blob).to_string(), "size": blob.len()})
}

/// Digest of the tar inside the members.
fn tar_digest(archive: &Archive) -> String {
    let mut hasher = Sha256::new();
    let mut buffer = Vec::new();
    for member in &archive.members {
        buffer.resize(member.size, 0);
        // We made the member: it unpacks to its size.
        let _ = Decompressor::new().gzip_decompress(&member.bytes, &mut buffer);
        hasher.update(&buffer);
    }
    Digest::from_hash(hasher.finalize().into()).to_string()
}
