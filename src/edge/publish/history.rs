//! The bundles of a repository, newest first, and what changed between them.

use super::published::logged;
use super::read::{is_reserved, manifest};
use super::{Choice, Error, Times, read};
use crate::bundle::{CONFIG_MEDIA_TYPE, LAYER_MEDIA_TYPE, RESOURCES_FIELD};
use crate::edge::oci::{Descriptor, Target};
use crate::tree::{Digest, Limits};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value as Json, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Requests at once.
const AT_ONCE: usize = 8;
/// Configs hold a line for each resource.
const MAX_CONFIG: u64 = 64 << 20;

/// How two bundles differ, in resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// Only in the newer one.
    pub added: usize,
    /// In both, and not the same.
    pub changed: usize,
    /// Only in the older one.
    pub removed: usize,
}

impl Changes {
    const NONE: Self = Self {
        added: 0,
        changed: 0,
        removed: 0,
    };
}

/// A bundle of the history.
#[derive(Debug)]
pub struct Entry {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Tags that point to it.
    pub tags: Vec<String>,
    /// When its source was made.
    pub created: String,
    /// When it was published; none when nobody knows, or that was not asked.
    pub published: Option<String>,
    /// Revision of its source.
    pub revision: Option<String>,
    /// The environment that the bundle was rendered for.
    pub environment: Option<String>,
    /// How many resources it has.
    pub resources: usize,
    /// Against the next older bundle of the same environment.
    pub changes: Option<Changes>,
    /// Version of the renderer that made it.
    pub renderer: Option<String>,
    /// Whether nothing but the renderer differs from the next older bundle.
    pub rerendered: bool,
}

/// The bundles of a repository.
#[derive(Debug)]
pub struct History {
    /// The repository whose bundles are listed.
    pub repository: String,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Tags of something else.
    pub others: usize,
    /// Older bundles that were left out.
    pub left_out: usize,
}

type Resources = BTreeMap<String, String>;

/// Lists at most `limit` bundles of those that `choice` chooses. Where `times` are given, when
/// each was published is asked of them and of its signatures.
///
/// # Errors
/// When the repository cannot be read.
pub async fn history(
    from: &dyn Target,
    repository: &str,
    choice: &Choice,
    limit: usize,
    times: Option<&Times>,
    limits: &Limits,
) -> Result<History, Error> {
    let (mut bundles, others) = bundles(from).await?;
    bundles.retain(|bundle| choice.takes(&bundle.entry));
    bundles.sort_by(newest_first);
    let left_out = bundles.len().saturating_sub(limit);
    // One more, for what changed since.
    bundles.truncate(limit.saturating_add(1));
    let mut entries: Vec<Entry> = Vec::new();
    let shown = bundles.len().saturating_sub(limit);
    let mut older: BTreeMap<Option<String>, (Resources, Option<String>)> = BTreeMap::new();
    for (n, bundle) in bundles.into_iter().rev().enumerate() {
        let resources = bundle.resources(from, limits).await?;
        let published = match times.filter(|_| n >= shown) {
            Some(times) => bundle.published(from, times).await?,
            None => None,
        };
        let mut entry = bundle.entry;
        entry.published = published;
        entry.resources = resources.len();
        let now = (resources, entry.renderer.clone());
        let before = older.insert(entry.environment.clone(), now);
        if let Some((before, renderer)) = before {
            let changes = changes(&before, &older[&entry.environment].0);
            entry.rerendered = changes == Changes::NONE && renderer != entry.renderer;
            entry.changes = Some(changes);
        }
        entries.push(entry);
    }
    entries.reverse();
    entries.truncate(limit);
    Ok(History {
        repository: repository.to_owned(),
        entries,
        others,
        left_out,
    })
}

/// The bundles that tags point to, and how many other artifacts there are. Tags are
/// looked up by questions that registries do not count as pulls; each different manifest
/// is read once.
pub(super) async fn bundles(from: &dyn Target) -> Result<(Vec<Listed>, usize), Error> {
    let tags = from.tags().await?;
    let tags = tags.into_iter().filter(|tag| !is_reserved(tag));
    let looked: Vec<(String, Option<Descriptor>, bool)> = stream::iter(tags)
        .map(|tag| async move {
            match from.look(&tag).await {
                // A tag may go between the list and the question.
                Ok(there) => Ok::<_, Error>((tag, there, false)),
                Err(error) if error.is_foreign() => Ok((tag, None, true)),
                Err(error) => Err(error.into()),
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut others = 0;
    let mut by_digest: BTreeMap<Digest, (Descriptor, Vec<String>)> = BTreeMap::new();
    for (tag, there, foreign) in looked {
        others += usize::from(foreign);
        if let Some(there) = there {
            let entry = by_digest.entry(there.digest);
            entry.or_insert_with(|| (there, Vec::new())).1.push(tag);
        }
    }
    let read: Vec<Option<Listed>> = stream::iter(by_digest.into_values())
        .map(|(what, tags)| listed(from, what, tags))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    others += read.iter().filter(|found| found.is_none()).count();
    Ok((read.into_iter().flatten().collect(), others))
}

/// A bundle before its resources are read.
pub(super) struct Listed {
    pub(super) entry: Entry,
    pub(super) what: Descriptor,
    config: Option<Descriptor>,
    layer: Option<Digest>,
}

impl Listed {
    /// When it was published, by whoever saw it first.
    async fn published(&self, from: &dyn Target, times: &Times) -> Result<Option<String>, Error> {
        let digests: Vec<Digest> = self.layer.into_iter().chain([self.what.digest]).collect();
        let logged = logged(from, &self.what).await?;
        Ok(times.of(&digests).into_iter().chain(&logged).min().cloned())
    }

    /// Digests of its resources: from the config, or from the bundle where an
    /// older version or another tool wrote the config.
    async fn resources(&self, from: &dyn Target, limits: &Limits) -> Result<Resources, Error> {
        if let Some(config) = &self.config {
            let config: Json =
                serde_json::from_slice(&from.fetch(config).await?).unwrap_or_default();
            if let Some(resources) = config[RESOURCES_FIELD].as_object() {
                let text = |value: &Json| value.as_str().unwrap_or("").to_owned();
                return Ok(resources
                    .iter()
                    .map(|(k, v)| (k.clone(), text(v)))
                    .collect());
            }
        }
        let found = read(from, &self.entry.digest.to_string(), limits).await?;
        let resources = found.inventory["resources"].as_array();
        let text = |value: &Json| value.as_str().unwrap_or("").to_owned();
        Ok(resources
            .into_iter()
            .flatten()
            .map(|r| {
                (
                    format!("{} {}", text(&r["type"]), text(&r["name"])),
                    text(&r["digest"]),
                )
            })
            .collect())
    }
}

/// What the manifest says; `None` when it is no bundle.
async fn listed(
    from: &dyn Target,
    what: Descriptor,
    tags: Vec<String>,
) -> Result<Option<Listed>, Error> {
    let name = format!("{}@{}", from.name(), what.digest);
    let (manifest, _) = match manifest(from, &what, &name).await {
        Ok(manifest) => manifest,
        // Whatever it is, it is none of ours.
        Err(Error::NotABundle { .. }) => return Ok(None),
        Err(Error::Oci(error)) if error.is_foreign() || error.is_missing() => return Ok(None),
        Err(error) => return Err(error),
    };
    let layer = manifest.layers.first();
    let ours = manifest.annotations.contains_key("dev.flux-apim.version");
    if !ours || layer.is_none_or(|layer| layer.media_type != LAYER_MEDIA_TYPE) {
        return Ok(None);
    }
    let annotation = |key: &str| manifest.annotations.get(key).cloned();
    Ok(Some(Listed {
        entry: Entry {
            digest: what.digest,
            tags,
            created: annotation("org.opencontainers.image.created").unwrap_or_default(),
            published: None,
            revision: annotation("org.opencontainers.image.revision"),
            environment: annotation("dev.flux-apim.environment"),
            resources: 0,
            changes: None,
            renderer: annotation("dev.flux-apim.version"),
            rerendered: false,
        },
        what,
        layer: layer.map(|layer| layer.digest),
        config: manifest
            .config
            .filter(|config| config.media_type == CONFIG_MEDIA_TYPE && config.size <= MAX_CONFIG),
    }))
}

/// The newest bundle that `choice` takes: by version where it names a range, else by time.
///
/// # Errors
/// When the repository cannot be read, or holds none.
pub async fn newest(from: &dyn Target, choice: &Choice) -> Result<Digest, Error> {
    let (mut listed, _) = bundles(from).await?;
    listed.retain(|bundle| choice.takes(&bundle.entry));
    listed.sort_by(|a, b| {
        let versions = (choice.version(&a.entry), choice.version(&b.entry));
        versions.1.cmp(&versions.0).then_with(|| newest_first(a, b))
    });
    match listed.first() {
        Some(bundle) => Ok(bundle.entry.digest),
        None => Err(Error::Usage(format!(
            "{} holds no bundle that the range, prefix and age take; `flux-apim history` shows what \
             there is",
            from.name()
        ))),
    }
}

/// The bundle that was published before the one that `tag` points to, for the same
/// environment.
///
/// # Errors
/// When there is none, or the registry refuses.
pub async fn before(from: &dyn Target, tag: &str) -> Result<Digest, Error> {
    let (mut listed, _) = bundles(from).await?;
    listed.sort_by(newest_first);
    let now = listed
        .iter()
        .position(|bundle| bundle.entry.tags.iter().any(|other| other == tag));
    let Some(now) = now else {
        return Err(Error::Usage(format!(
            "{}:{tag} points to no bundle: --to names the one to go back to",
            from.name()
        )));
    };
    let environment = &listed[now].entry.environment;
    let mut older = listed[now + 1..].iter();
    match older.find(|bundle| bundle.entry.environment == *environment) {
        Some(bundle) => Ok(bundle.entry.digest),
        None => Err(Error::Usage(format!(
            "{} holds no bundle that is older than {tag}; `flux-apim history` shows what there is",
            from.name()
        ))),
    }
}

/// By time, then by the highest tag, numbers in it as numbers.
pub(super) fn newest_first(a: &Listed, b: &Listed) -> Ordering {
    let highest = |listed: &Listed| {
        let tags = listed.entry.tags.iter().filter(|tag| *tag != "latest");
        tags.map(|tag| natural(tag)).max()
    };
    b.entry
        .created
        .cmp(&a.entry.created)
        .then_with(|| highest(b).cmp(&highest(a)))
        .then_with(|| a.entry.digest.cmp(&b.entry.digest))
}

/// Digits and the text between them.
fn natural(tag: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = tag;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let text = after.bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (text, after) = after.split_at(text);
        parts.push((number.parse().unwrap_or(u64::MAX), text.to_owned()));
        rest = after;
    }
    parts
}

fn changes(before: &Resources, now: &Resources) -> Changes {
    let kept = now
        .iter()
        .filter_map(|(name, digest)| Some((before.get(name)?, digest)));
    let (mut same, mut changed) = (0, 0);
    for (before, now) in kept {
        if before == now {
            same += 1;
        } else {
            changed += 1;
        }
    }
    Changes {
        added: now.len() - same - changed,
        changed,
        removed: before.len() - same - changed,
    }
}

impl History {
    /// The answer of `history --format json`, version 1.
    pub fn to_json(&self) -> Json {
        let entries: Vec<Json> = self
            .entries
            .iter()
            .map(|entry| {
                let changes = entry.changes.map(|changes| {
                    json!({
                        "added": changes.added, "changed": changes.changed,
                        "removed": changes.removed,
                    })
                });
                json!({
                    "digest": entry.digest.to_string(),
                    "tags": entry.tags,
                    "created": entry.created,
                    "published": entry.published,
                    "revision": entry.revision,
                    "environment": entry.environment,
                    "resources": entry.resources,
                    "changes": changes,
                    "renderer": entry.renderer,
                    "rerendered": entry.rerendered,
                })
            })
            .collect();
        json!({
            "version": 1,
            "repository": self.repository,
            "entries": entries,
            "others": self.others,
            "left_out": self.left_out,
        })
    }
}
