//! Old bundles taken out of a repository, with what is said about them.
//!
//! Whatever one rule keeps stays. Age is that of the source's commit; a bundle without
//! a known time is never removed for its age. A registry removes a manifest with every
//! tag that points to it, so a bundle goes as a whole: referrers and signatures first,
//! then the lists of them, then the bundle, then its Bicep module.

use super::choice::{is_in, is_since};
use super::history::{Listed, bundles, newest_first};
use super::read::is_reserved;
use super::{Destination, Error, of_module};
use crate::edge::oci::{Descriptor, Target};
use crate::tree::Digest;
use globset::GlobMatcher;
use semver::VersionReq;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Tags that somebody may follow without naming them here.
const ALWAYS: &str = "latest";

/// What stays.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// As many of the newest.
    pub newest: usize,
    /// Those whose source is not older than this day, as `2026-01-31`.
    pub since: Option<String>,
    /// Those that have a tag like one of these.
    pub tagged: Vec<GlobMatcher>,
    /// Those that have a tag which is a version in this range.
    pub semver: Option<VersionReq>,
    /// Those that pins and custom resources name.
    pub named: BTreeSet<Digest>,
}

/// A bundle and what becomes of it.
#[derive(Debug)]
pub struct Verdict {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Tags that point to it.
    pub tags: Vec<String>,
    /// When its source was made.
    pub created: String,
    /// Why it stays; nothing when it goes.
    pub kept: Option<&'static str>,
}

/// What pruning did.
#[derive(Debug)]
pub struct Pruned {
    /// The repository that was looked through.
    pub repository: String,
    /// Every bundle, newest first.
    pub bundles: Vec<Verdict>,
    /// Other artifacts, which stay.
    pub others: usize,
    /// Whether nothing was removed, only said.
    pub dry_run: bool,
}

/// Adds the digests that stand anywhere in `text`, whatever they stand for: too many are
/// kept rather than too few.
pub fn digests_in(text: &str, found: &mut BTreeSet<Digest>) {
    for (at, _) in text.match_indices("sha256:") {
        let digest = text.get(at..at + "sha256:".len() + 64);
        found.extend(digest.and_then(|digest| digest.parse::<Digest>().ok()));
    }
}

/// Removes the bundles that `keep` does not keep; with `dry_run` it only says which.
///
/// # Errors
/// When the repository cannot be read, or the registry removes nothing.
pub async fn prune(at: &Destination, keep: &Keep, dry_run: bool) -> Result<Pruned, Error> {
    let (mut listed, others) = bundles(&*at.target).await?;
    listed.sort_by(newest_first);
    let mut verdicts = Vec::new();
    let mut going = Vec::new();
    for (place, bundle) in listed.into_iter().enumerate() {
        let kept = keep.reason(place, &bundle);
        verdicts.push(Verdict {
            digest: bundle.entry.digest,
            tags: bundle.entry.tags.clone(),
            created: bundle.entry.created.clone(),
            kept,
        });
        if kept.is_none() {
            going.push(bundle);
        }
    }
    if !dry_run {
        for bundle in &going {
            remove(&*at.target, &bundle.what).await?;
        }
        if let Some(bicep) = &at.bicep {
            let gone = going.iter().flat_map(|bundle| &bundle.entry.tags);
            let gone: BTreeSet<&String> = gone.collect();
            remove_modules(&**bicep, &gone).await.map_err(of_module)?;
        }
    }
    Ok(Pruned {
        repository: at.repository.clone(),
        bundles: verdicts,
        others,
        dry_run,
    })
}

impl Keep {
    /// Why the bundle at `place`, counted from the newest, stays.
    fn reason(&self, place: usize, bundle: &Listed) -> Option<&'static str> {
        let entry = &bundle.entry;
        let tagged = |glob: &GlobMatcher| entry.tags.iter().any(|tag| glob.is_match(tag));
        if self.named.contains(&entry.digest) {
            return Some("named by a pin, or by what runs");
        }
        if entry.tags.iter().any(|tag| tag == ALWAYS) {
            return Some("tagged latest");
        }
        let version = |range: &VersionReq| entry.tags.iter().any(|tag| is_in(range, tag));
        if self.tagged.iter().any(tagged) || self.semver.as_ref().is_some_and(version) {
            return Some("tagged");
        }
        if place < self.newest {
            return Some("among the newest");
        }
        match is_since(&entry.created, self.since.as_deref()?) {
            None => Some("of no known time"),
            Some(true) => Some("new enough"),
            Some(false) => None,
        }
    }
}

/// Removes `what` and what is said about it. The list of referrers goes before they do:
/// it need not be written anew for each of them.
async fn remove(target: &dyn Target, what: &Descriptor) -> Result<(), Error> {
    let referrers = target.referrers(what).await?;
    let beside = what.digest.to_string().replace(':', "-");
    for tag in ["", ".sig", ".att", ".sbom"].map(|end| format!("{beside}{end}")) {
        let there = match target.look(&tag).await {
            Err(error) if error.is_foreign() => None,
            looked => looked?,
        };
        // There are registries that read the first of these as the digest itself.
        let own = |there: &Descriptor| there.digest != what.digest && there.is_manifest();
        if let Some(there) = there.filter(own) {
            target.delete(&there).await?;
        }
    }
    for referrer in &referrers {
        target.delete(referrer).await?;
    }
    target.delete(what).await?;
    tracing::info!(digest = %what.digest, at = target.name(), "removed");
    Ok(())
}

/// Removes the modules that only tags of removed bundles point to.
async fn remove_modules(target: &dyn Target, gone: &BTreeSet<&String>) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let tags = match target.tags().await {
        Err(error) if error.is_missing() => return Ok(()),
        tags => tags?,
    };
    let mut used: BTreeMap<Digest, (Descriptor, bool)> = BTreeMap::new();
    for tag in tags.iter().filter(|tag| !is_reserved(tag)) {
        if let Some(there) = target.look(tag).await? {
            let stays = !gone.contains(tag);
            let entry = used.entry(there.digest).or_insert((there, false));
            entry.1 |= stays;
        }
    }
    for (module, _) in used.values().filter(|(_, stays)| !stays) {
        target.delete(module).await?;
    }
    Ok(())
}

impl Pruned {
    /// The bundles that went, or would go.
    pub fn removed(&self) -> impl Iterator<Item = &Verdict> {
        self.bundles.iter().filter(|bundle| bundle.kept.is_none())
    }

    /// The answer of `prune --format json`, version 1.
    pub fn to_json(&self) -> Json {
        let shown = |verdict: &Verdict| {
            json!({
                "digest": verdict.digest.to_string(),
                "tags": verdict.tags,
                "created": verdict.created,
                "kept": verdict.kept,
            })
        };
        json!({
            "version": 1,
            "repository": self.repository,
            "dry_run": self.dry_run,
            "bundles": self.bundles.iter().map(shown).collect::<Vec<_>>(),
            "removed": self.removed().count(),
            "others": self.others,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_wherever_they_stand() {
        let hex = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
        let mut found = BTreeSet::new();
        let text =
            format!("digest: sha256:{hex}\nurl: oci://r/a@sha256:{hex}\nsha256:short\nsha256:");
        digests_in(&text, &mut found);
        assert_eq!(found.len(), 1);
    }
}
