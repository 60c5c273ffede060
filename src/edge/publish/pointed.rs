//! What tags point to before they move.

use super::{AT_ONCE, Artifact, Error, LATEST};
use crate::bundle::LAYER_MEDIA_TYPE;
use crate::diag::excerpt;
use crate::edge::oci::{self, Descriptor, MANIFEST, Manifest, Target};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// What a tag points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pointed {
    /// There is no such tag.
    Nowhere,
    /// This, which may be anything.
    To(Descriptor),
    /// Something that cannot even be named.
    Foreign(String),
}

/// What each of the tags points to, asked with as little as it takes.
pub(super) async fn look_all(target: &dyn Target, tags: &[String]) -> Result<Vec<Pointed>, Error> {
    let looked = stream::iter(tags.to_vec()).map(|tag| async move {
        match target.look(&tag).await {
            Ok(None) => Ok(Pointed::Nowhere),
            Ok(Some(there)) => Ok(Pointed::To(there)),
            Err(error) if error.is_foreign() => Ok(Pointed::Foreign(error.to_string())),
            Err(error) => Err(error),
        }
    });
    Ok(looked.buffered(AT_ONCE).try_collect().await?)
}

/// The tags that do not point to `what` yet, `latest` last of them. What they take from
/// something else is noted.
pub(super) fn moving<'t>(
    tags: &'t [String],
    current: &[Pointed],
    what: &Descriptor,
    notes: &mut Vec<String>,
) -> Vec<&'t String> {
    let mut moving = Vec::new();
    for (tag, there) in tags.iter().zip(current) {
        match there {
            Pointed::To(there) if there.digest == what.digest => continue,
            Pointed::To(there) if there.media_type != MANIFEST => {
                let found = excerpt(&there.media_type, 100);
                notes.push(format!("`{tag}` pointed to something else: `{found}`"));
            }
            Pointed::Foreign(found) => {
                notes.push(format!("`{tag}` pointed to something else: {found}"));
            }
            Pointed::To(_) | Pointed::Nowhere => {}
        }
        moving.push(tag);
    }
    moving.sort_by_key(|tag| *tag == LATEST);
    moving
}

impl Pointed {
    /// The artifact there, when its layer is that of `artifact`.
    pub(super) async fn holding(
        &self,
        target: &dyn Target,
        artifact: &Artifact,
        notes: &mut Vec<String>,
    ) -> Result<Option<Descriptor>, Error> {
        let there = match self {
            Self::To(there) if there.digest == artifact.packed().descriptor().digest => {
                return Ok(Some(artifact.packed().descriptor()));
            }
            Self::To(there) if there.media_type == MANIFEST => there,
            _ => return Ok(None),
        };
        let manifest = match manifest_of(target, there).await {
            Ok(manifest) => manifest,
            Err(error) if error.is_foreign() => {
                notes.push(format!("the tag pointed to something else: {error}"));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let first = manifest.layers.first();
        let kind = first.map_or("", |layer| layer.media_type.as_str());
        if kind != LAYER_MEDIA_TYPE {
            let config = manifest.config.map(|config| config.media_type);
            let found = excerpt(config.as_deref().unwrap_or(kind), 100);
            notes.push(format!("the tag pointed to something else: `{found}`"));
        }
        let same = first.is_some_and(|layer| {
            layer.digest == artifact.layer_digest() && layer.media_type == LAYER_MEDIA_TYPE
        });
        Ok(same.then(|| there.clone()))
    }
}

async fn manifest_of(target: &dyn Target, there: &Descriptor) -> Result<Manifest, oci::Error> {
    let attempted = format!("read {} of {}", there.digest, target.name());
    Manifest::parse(&target.fetch(there).await?, &attempted)
}
