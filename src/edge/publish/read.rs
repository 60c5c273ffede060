//! A bundle read back, and held against everything that it says of itself.

use super::{Error, artifact};
use crate::bundle::LAYER_MEDIA_TYPE;
use crate::edge::oci::{Descriptor, MANIFEST, Manifest, Target};
use crate::tree::{Digest, Limits, SourceTree};
use bytes::Bytes;
use serde_json::Value as Json;

/// How many tags a message names.
const NAMED: usize = 10;

/// A bundle that is whole: manifest, layer, every file as the inventory says.
#[derive(Debug)]
pub struct Found {
    /// Where, by digest, for messages.
    pub what: String,
    /// The manifest's media type, digest and size.
    pub descriptor: Descriptor,
    /// What it says.
    pub manifest: Manifest,
    /// The manifest, as the registry sent it.
    pub manifest_bytes: Bytes,
    /// The bundle as a `.tar.gz`, its digest checked.
    pub layer: Bytes,
    /// The archive, unpacked.
    pub tree: SourceTree,
    /// `bundle.json`.
    pub inventory: Json,
}

impl Found {
    /// Digest of the archive.
    pub fn layer_digest(&self) -> Digest {
        Digest::of(&self.layer)
    }

    /// Whether it was made of a tree with changes that no commit has.
    pub fn is_dirty(&self) -> bool {
        super::tags::is_dirty(&self.inventory)
    }
}

/// Reads the bundle that `reference` (a tag or digest) stands for.
///
/// # Errors
/// When it is not there, no bundle, or not what its inventory says.
pub async fn read(from: &dyn Target, reference: &str, limits: &Limits) -> Result<Found, Error> {
    let descriptor = resolve(from, reference).await?;
    let what = format!("{}@{}", from.name(), descriptor.digest);
    let (manifest, manifest_bytes) = manifest(from, &descriptor, &what).await?;
    let layer = match manifest.layers.first() {
        Some(layer) if layer.media_type == LAYER_MEDIA_TYPE => layer,
        Some(layer) => {
            let found = crate::diag::excerpt(&layer.media_type, 100);
            return Err(not_a_bundle(what, format!("its first layer is `{found}`")));
        }
        None => return Err(not_a_bundle(what, "it has no layer".to_owned())),
    };
    if layer.size > limits.max_archive_bytes {
        return Err(Error::Damaged {
            problem: format!(
                "its layer has {} bytes, but the cap is {}; if that is meant, raise the cap with --max-archive-bytes",
                layer.size, limits.max_archive_bytes
            ),
            what,
        });
    }
    let layer = from.fetch(layer).await?;
    let tree = artifact::unpack(&layer, &what, limits)?;
    let inventory = artifact::checked(&tree, &what)?;
    Ok(Found {
        what,
        descriptor,
        manifest,
        manifest_bytes,
        layer,
        tree,
        inventory,
    })
}

/// What a tag or digest stands for; an error that names what there is.
pub(super) async fn resolve(from: &dyn Target, reference: &str) -> Result<Descriptor, Error> {
    if let Some(found) = from.resolve(reference).await? {
        return Ok(found);
    }
    // Only for the message: whoever may not list gets a shorter one.
    let tags: Vec<String> = from.tags().await.unwrap_or_default();
    let tags: Vec<String> = tags.into_iter().filter(|tag| !is_reserved(tag)).collect();
    let known = match tags.len() {
        0 => "; it has no tags, or does not exist".to_owned(),
        n if n > NAMED => format!("; its tags are {}, ...", tags[..NAMED].join(", ")),
        _ => format!("; its tags are {}", tags.join(", ")),
    };
    Err(Error::NotThere {
        place: from.name(),
        reference: reference.to_owned(),
        known,
    })
}

/// The image manifest `descriptor`.
pub(super) async fn manifest(
    from: &dyn Target,
    descriptor: &Descriptor,
    what: &str,
) -> Result<(Manifest, Bytes), Error> {
    if descriptor.media_type != MANIFEST {
        let found = crate::diag::excerpt(&descriptor.media_type, 100);
        return Err(not_a_bundle(what.to_owned(), format!("it is `{found}`")));
    }
    let bytes = from.fetch(descriptor).await?;
    Ok((Manifest::parse(&bytes, &format!("read {what}"))?, bytes))
}

/// Whether a tag holds referrers or signatures of something else.
pub(super) fn is_reserved(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_some_and(|rest| {
        rest.len() >= 64 && rest.bytes().take(64).all(|b| b.is_ascii_hexdigit())
    })
}

fn not_a_bundle(what: String, found: String) -> Error {
    Error::NotABundle {
        what,
        found,
        expected: "an image manifest whose first layer is `application/vnd.cncf.flux.content.v1.tar+gzip`",
    }
}
