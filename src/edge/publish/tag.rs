//! More tags for a bundle that is there.

use super::pointed::{look_all, moving};
use super::read::resolve;
use super::{Destination, Error, of_module};
use crate::edge::oci::{Descriptor, Target, check_new_tag};
use crate::tree::Digest;
use serde_json::{Value as Json, json};

/// What tagging did.
#[derive(Debug)]
pub struct Tagged {
    /// The repository that was written to.
    pub repository: String,
    /// What the tags point to.
    pub digest: Digest,
    /// All of them.
    pub tags: Vec<String>,
    /// Those that had to be moved or made.
    pub moved: Vec<String>,
    /// What the reader should know beside.
    pub notes: Vec<String>,
}

/// Points `tags` to what `reference` stands for, and those of its Bicep module with them;
/// with `dry_run` nothing moves.
///
/// # Errors
/// When it is not there, or the registry refuses.
pub async fn tag(
    at: &Destination,
    reference: &str,
    tags: &[String],
    dry_run: bool,
) -> Result<Tagged, Error> {
    for tag in tags {
        check_new_tag(tag)?;
    }
    let mut notes = Vec::new();
    let what = resolve(&*at.target, reference).await?;
    let current = look_all(&*at.target, tags).await?;
    let moved = moving(tags, &current, &what, &mut notes);
    if !dry_run {
        if let Some(bicep) = &at.bicep {
            let module = bicep.look(reference).await.unwrap_or_default();
            if let Some(module) = module.filter(Descriptor::is_manifest) {
                point(&**bicep, &module, tags).await.map_err(of_module)?;
            }
        }
        for tag in &moved {
            at.target.tag(&what, tag).await?;
        }
    }
    Ok(Tagged {
        repository: at.repository.clone(),
        digest: what.digest,
        moved: moved.into_iter().cloned().collect(),
        tags: tags.to_vec(),
        notes,
    })
}

/// Points `tags` to `what`.
async fn point(target: &dyn Target, what: &Descriptor, tags: &[String]) -> Result<(), Error> {
    let current = look_all(target, tags).await?;
    for tag in moving(tags, &current, what, &mut Vec::new()) {
        target.tag(what, tag).await?;
    }
    Ok(())
}

impl Tagged {
    /// The answer of `tag --format json`, version 1.
    pub fn to_json(&self) -> Json {
        json!({
            "version": 1,
            "repository": self.repository,
            "digest": self.digest.to_string(),
            "tags": self.tags,
            "moved": self.moved,
        })
    }
}
