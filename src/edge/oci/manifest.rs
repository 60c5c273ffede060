//! What a manifest refers to.

use super::descriptor::null_is_nothing;
use super::{Descriptor, Error, INDEX, MANIFEST, MAX_MANIFEST};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The parts of a manifest or index that a registry looks at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 2, of everything that OCI and Docker write today.
    #[serde(default)]
    pub schema_version: u64,
    /// Its own media type; may be left out by OCI.
    #[serde(default)]
    pub media_type: Option<String>,
    /// What kind of artifact it describes.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// Of an image manifest.
    #[serde(default)]
    pub config: Option<Descriptor>,
    /// Of an image manifest.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub layers: Vec<Descriptor>,
    /// Of an index.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub manifests: Vec<Descriptor>,
    /// What it says something about.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Free text by key.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is too large, no JSON, or names content by other than SHA-256.
    pub fn parse(bytes: &[u8], attempted: &str) -> Result<Self, Error> {
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Error::Over {
                attempted: attempted.to_owned(),
                limit: MAX_MANIFEST,
            });
        }
        // A list of nothing would do for a structure of nothing but defaults.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::malformed(
                attempted,
                "it is no OCI manifest: it is no JSON object",
            ));
        }
        serde_json::from_slice(bytes)
            .map_err(|e| Error::malformed(attempted, format!("it is no OCI manifest: {e}")))
    }

    /// Everything that must be there for this to be complete.
    pub fn children(&self) -> impl Iterator<Item = &Descriptor> {
        self.config
            .iter()
            .chain(&self.layers)
            .chain(&self.manifests)
    }

    /// The artifact type as the referrers API defines it: `artifactType`, else
    /// the config's media type.
    pub fn artifact_type(&self) -> Option<&str> {
        let stated = self.artifact_type.as_deref().filter(|t| !t.is_empty());
        stated.or_else(|| self.config.as_ref().map(|c| c.media_type.as_str()))
    }

    /// The media type, guessed from the shape where it is not stated.
    pub(crate) fn media_type(&self) -> &str {
        match &self.media_type {
            Some(stated) => stated,
            None if self.config.is_none() => INDEX,
            None => MANIFEST,
        }
    }

    /// What a list of referrers says of the manifest `of`.
    pub(crate) fn referrer(&self, of: &Descriptor) -> Descriptor {
        Descriptor {
            artifact_type: self.artifact_type().map(str::to_owned),
            annotations: self.annotations.clone(),
            ..of.clone()
        }
    }
}
