//! Names of content: media type, digest, size.

use super::{DOCKER_INDEX, DOCKER_MANIFEST, Error, INDEX, MANIFEST};
use crate::tree::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What content is, before one has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// Digest of the content.
    #[serde(with = "text")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Of a manifest: what kind of artifact it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Free text by key.
    #[serde(
        default,
        deserialize_with = "null_is_nothing",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The descriptor of `bytes`.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Whether this names a manifest or an index, which registries keep apart
    /// from blobs.
    pub fn is_manifest(&self) -> bool {
        [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX].contains(&self.media_type.as_str())
    }

    /// Holds `bytes` against size and digest.
    pub(crate) fn check(&self, bytes: &[u8], attempted: impl Fn() -> String) -> Result<(), Error> {
        let found = bytes.len() as u64;
        if found != self.size {
            return Err(Error::Mismatch {
                attempted: attempted(),
                expected: format!("{} bytes", self.size),
                found: format!("{found}"),
            });
        }
        let found = Digest::of(bytes);
        if found != self.digest {
            return Err(Error::Mismatch {
                attempted: attempted(),
                expected: self.digest.to_string(),
                found: found.to_string(),
            });
        }
        Ok(())
    }
}

/// `null` as Go writes it for what has no value, and reads it.
pub(super) fn null_is_nothing<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The part of a digest after `sha256:`.
pub(crate) fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

mod text {
    use crate::tree::Digest;
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}
