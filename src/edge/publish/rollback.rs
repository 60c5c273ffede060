//! A tag back to a bundle that was published before.

use super::{Artifact, Destination, Error, Module, Policy, verify};
use crate::edge::oci::check_new_tag;
use crate::tree::{Digest, Limits};
use serde_json::{Value as Json, json};

/// What a rollback did.
#[derive(Debug)]
pub struct RolledBack {
    /// The repository that was written to.
    pub repository: String,
    /// The tag that names another bundle now.
    pub tag: String,
    /// What it pointed to.
    pub from: Option<Digest>,
    /// What it points to.
    pub to: Digest,
    /// Whether it had to be moved.
    pub moved: bool,
    /// Whether the tag of the Bicep module had to be moved.
    pub module_moved: bool,
}

/// Points `tag` to the bundle `to` (a tag or digest), after it was verified; with
/// `dry_run` nothing moves.
///
/// # Errors
/// When the bundle is not whole, or not what `policy` asks for; the tag is then
/// where it was.
pub async fn rollback(
    at: &Destination,
    to: &str,
    tag: &str,
    policy: &Policy,
    limits: &Limits,
    dry_run: bool,
) -> Result<RolledBack, Error> {
    check_new_tag(tag)?;
    let target = &*at.target;
    let found = verify(target, to, policy, limits).await?.found;
    let before = match target.look(tag).await {
        Err(error) if error.is_foreign() => None,
        looked => looked?,
    };
    let mut module_moved = false;
    if let Some(bicep) = &at.bicep {
        let artifact = Artifact::of_layer(&found.layer, &found.what, limits)?;
        // Without a module of that time there is none to go back to.
        if let Some(module) = artifact.module()
            && bicep.exists(&module.descriptor()).await?
        {
            let tags = [tag.to_owned()];
            let module = Module::plan(module, &**bicep, &tags).await?;
            module_moved = match dry_run {
                true => module.is_work(),
                false => module.publish().await?,
            };
        }
    }
    let before = before.map(|there| there.digest);
    let moved = before != Some(found.descriptor.digest);
    if moved && !dry_run {
        target.tag(&found.descriptor, tag).await?;
    }
    Ok(RolledBack {
        repository: at.repository.clone(),
        tag: tag.to_owned(),
        from: before,
        to: found.descriptor.digest,
        moved,
        module_moved,
    })
}

impl RolledBack {
    /// The answer of `rollback --format json`, version 1.
    pub fn to_json(&self) -> Json {
        json!({
            "version": 1,
            "repository": self.repository,
            "tag": self.tag,
            "from": self.from.map(|digest| digest.to_string()),
            "to": self.to.to_string(),
            "moved": self.moved,
        })
    }
}
