//! Manifests with the blobs that they name, before they go anywhere.

use super::Error;
use crate::bundle::OciImage;
use crate::edge::oci::{Descriptor, EMPTY, EMPTY_BLOB, MANIFEST, Pushed, Target};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value as Json, json};

/// Blobs that are sent at once.
const AT_ONCE: usize = 4;
const TITLE: &str = "org.opencontainers.image.title";
const CREATED: &str = "org.opencontainers.image.created";
/// Media types of a Bicep module, as `bicep publish` writes them.
const MODULE: &str = "application/vnd.ms.bicep.module.artifact";
const MODULE_CONFIG: &str = "application/vnd.ms.bicep.module.config.v1+json";
const MODULE_LAYER: &str = "application/vnd.ms.bicep.module.layer.v1+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A manifest and its blobs.
#[derive(Debug, Clone)]
pub struct Packed {
    manifest: Bytes,
    blobs: Vec<(Descriptor, Bytes)>,
}

impl Packed {
    /// A bundle as Flux reads it.
    pub(super) fn bundle(image: OciImage) -> Self {
        let config = blob(crate::bundle::CONFIG_MEDIA_TYPE, image.config);
        let layer = blob(crate::bundle::LAYER_MEDIA_TYPE, image.layer);
        Self {
            manifest: image.manifest.into(),
            blobs: vec![config, layer],
        }
    }

    /// A Bicep module whose compiled template is `template`.
    pub(super) fn module(template: Vec<u8>, description: &str, created: &str) -> Self {
        let config = blob(MODULE_CONFIG, EMPTY_BLOB.to_vec());
        let layer = blob(MODULE_LAYER, template);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": MODULE,
            "config": {
                "mediaType": MODULE_CONFIG,
                "digest": config.0.digest.to_string(),
                "size": config.0.size,
                "annotations": {},
            },
            "layers": [{
                "mediaType": MODULE_LAYER,
                "digest": layer.0.digest.to_string(),
                "size": layer.0.size,
                "annotations": {TITLE: "Compiled ARM template"},
            }],
            "annotations": {
                "org.opencontainers.image.description": description,
                CREATED: created,
            },
        });
        Self::of(&manifest, vec![config, layer])
    }

    /// Signatures over payloads, as cosign keeps them under a tag. `payloads` are those
    /// that may not be there yet.
    pub(super) fn signatures(layers: &[Descriptor], payloads: Vec<(Descriptor, Bytes)>) -> Self {
        let digests: Vec<String> = layers.iter().map(|l| l.digest.to_string()).collect();
        let never = "0001-01-01T00:00:00Z";
        let config = json!({
            "architecture": "",
            "created": never,
            "history": vec![json!({"created": never}); layers.len()],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": digests},
            "config": {},
        });
        let config = blob(IMAGE_CONFIG, config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.0,
            "layers": layers,
        });
        let mut blobs = vec![config];
        blobs.extend(payloads);
        Self::of(&manifest, blobs)
    }

    /// A blob that says something about `subject`.
    pub(super) fn referrer(
        media_type: &str,
        content: Vec<u8>,
        subject: &Descriptor,
        annotations: &Map<String, Json>,
    ) -> Self {
        let config = blob(EMPTY, EMPTY_BLOB.to_vec());
        let layer = blob(media_type, content);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": media_type,
            "config": config.0,
            "layers": [layer.0],
            "subject": {
                "mediaType": subject.media_type,
                "digest": subject.digest.to_string(),
                "size": subject.size,
            },
            "annotations": annotations,
        });
        Self::of(&manifest, vec![config, layer])
    }

    fn of(manifest: &Json, blobs: Vec<(Descriptor, Bytes)>) -> Self {
        Self {
            manifest: manifest.to_string().into(),
            blobs,
        }
    }

    /// What the manifest is.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(MANIFEST, &self.manifest)
    }

    /// The manifest, as it is sent.
    pub fn manifest(&self) -> &Bytes {
        &self.manifest
    }

    /// What the manifest names.
    pub fn blobs(&self) -> &[(Descriptor, Bytes)] {
        &self.blobs
    }

    /// The last blob: the layer.
    pub fn layer(&self) -> Option<&(Descriptor, Bytes)> {
        self.blobs.last()
    }

    /// Puts blobs, then manifest there: by digest, no tag moves.
    pub(super) async fn push(&self, to: &dyn Target) -> Result<Pushed, Error> {
        let pushed = push_all(to, std::slice::from_ref(self)).await?;
        Ok(pushed.first().copied().unwrap_or(Pushed::Already))
    }
}

/// Puts the blobs, then the manifests there: by digest, no tag moves. Those that are
/// about one subject are listed together.
pub(super) async fn push_all(to: &dyn Target, all: &[Packed]) -> Result<Vec<Pushed>, Error> {
    // Of their own, or the future could not be sent between threads.
    let blobs: Vec<_> = all.iter().flat_map(|packed| packed.blobs.clone()).collect();
    stream::iter(blobs.clone())
        .map(|(what, bytes)| async move { to.push(&what, bytes).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let manifests: Vec<_> = all
        .iter()
        .map(|packed| (packed.descriptor(), packed.manifest.clone()))
        .collect();
    let pushed = match to.push_all(&manifests).await {
        Err(error) if error.lacks_blobs() => {
            tracing::info!(%error, at = to.name(), "sending the blobs again");
            for (what, bytes) in blobs {
                to.send(&what, bytes).await?;
            }
            to.push_all(&manifests).await?
        }
        pushed => pushed?,
    };
    for ((what, _), pushed) in manifests.iter().zip(&pushed) {
        tracing::info!(digest = %what.digest, at = to.name(), ?pushed, "manifest");
    }
    Ok(pushed)
}

/// A blob with its descriptor.
pub(super) fn blob(media_type: &str, bytes: Vec<u8>) -> (Descriptor, Bytes) {
    (Descriptor::of(media_type, &bytes), bytes.into())
}
