//! Flux artifacts in an OCI image layout.

use super::archive::{check_digest, read_capped};
use super::{Error, OpenOptions, Opened, layer, refused, unpack};
use crate::rules::not_an_artifact;
use crate::tree::Digest;
use serde_json::Value as Json;
use std::path::Path;

/// Manifests and indices are small.
const MAX_JSON: u64 = 4 << 20;

pub(super) fn open(
    folder: &Path,
    tag: Option<&str>,
    options: &OpenOptions,
) -> Result<Opened, Error> {
    let attempted = format!("read the OCI layout {}", folder.display());
    let read = |path: &str, cap: u64| -> Result<Vec<u8>, Error> {
        let file = std::fs::File::open(folder.join(path))
            .map_err(|e| Error::io(&attempted, &format!("{path}: {e}")))?;
        let mut options = options.clone();
        options.limits.max_archive_bytes = cap;
        read_capped(file, &attempted, &options)
    };
    let index = json(&read("index.json", MAX_JSON)?)?;
    let manifests = index["manifests"].as_array().cloned().unwrap_or_default();
    let names = |m: &Json| {
        m["annotations"]["org.opencontainers.image.ref.name"]
            .as_str()
            .map(str::to_owned)
    };
    let chosen: Vec<&Json> = manifests
        .iter()
        .filter(|m| tag.is_none() || names(m).as_deref() == tag)
        .collect();
    let [descriptor] = chosen.as_slice() else {
        let known: Vec<String> = manifests.iter().filter_map(names).collect();
        return Err(Error::Usage(format!(
            "{} has {} images for `{}`; its tags are {}",
            folder.display(),
            chosen.len(),
            tag.unwrap_or("any tag"),
            known.join(", ")
        )));
    };
    let blob = |descriptor: &Json, cap: u64| -> Result<(Vec<u8>, Digest), Error> {
        let digest: Digest = descriptor["digest"]
            .as_str()
            .unwrap_or("")
            .parse()
            .map_err(|e: crate::tree::NotADigest| no_artifact(&e.to_string()))?;
        let path = format!("blobs/{}", digest.to_string().replace(':', "/"));
        let bytes = read(&path, cap)?;
        check_digest(Digest::of(&bytes), Some(digest))?;
        if descriptor["size"].as_u64() != Some(bytes.len() as u64) {
            return Err(no_artifact(&format!(
                "the size of {digest} is not what the manifest says"
            )));
        }
        Ok((bytes, digest))
    };
    let (manifest, digest) = blob(descriptor, MAX_JSON)?;
    check_digest(digest, options.digest)?;
    let manifest = json(&manifest)?;
    let layers = manifest["layers"].as_array().map_or(&[][..], Vec::as_slice);
    let types = layers
        .iter()
        .map(|layer| layer["mediaType"].as_str().unwrap_or(""));
    let chosen = layer::choose(&types.collect::<Vec<_>>(), options.layer.as_deref())?;
    let layer = layers.get(chosen.place).unwrap_or(&Json::Null);
    let (layer, _) = blob(layer, options.limits.max_archive_bytes)?;
    let trusted = OpenOptions {
        digest: None,
        ..options.clone()
    };
    let mut opened = unpack(&layer, "oci-layout", &trusted)?;
    opened.notes.extend(chosen.note);
    let annotation = |name: &str| manifest["annotations"][name].as_str().map(str::to_owned);
    opened.origin.digest = Some(digest.to_string());
    opened.origin.url = annotation("org.opencontainers.image.source");
    opened.origin.revision = annotation("org.opencontainers.image.revision");
    opened.origin.created = annotation("org.opencontainers.image.created");
    Ok(opened)
}

fn json(bytes: &[u8]) -> Result<Json, Error> {
    serde_json::from_slice(bytes).map_err(|e| no_artifact(&e.to_string()))
}

pub(super) fn no_artifact(why: &str) -> Error {
    refused(not_an_artifact::found(why))
}
