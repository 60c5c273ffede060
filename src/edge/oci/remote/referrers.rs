//! What refers to a manifest: the referrers API, and the tag `sha256-HEX` where
//! a registry has none.
//!
//! Without the API every pusher rewrites one index behind that tag, and no
//! registry offers a compare-and-swap. So a pusher looks again a while after it
//! has written, and writes again when its entry was lost. The while is long
//! beside its own time between reading and writing, and longer with each sign of
//! another pusher; with such a sign it looks until the index stays as it is.
//! What no pusher can see is one that was stopped for longer than all that
//! between its reading and its writing: that one takes the others' entries off,
//! and pushing again puts them back.

use super::super::descriptor::hex;
use super::super::{Descriptor, EMPTY, Error, INDEX, MAX_MANIFEST, Manifest, Target};
use super::Remote;
use super::auth::{Does, Scope};
use super::registry::{Ask, json, media_type, next_page};
use super::wire::Answer;
use crate::tree::Digest;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value as Json, json as literal};
use std::time::{Duration, Instant};

const MAX_PAGES: usize = 100;
/// More than this many referrers are an attack, or a bug.
const MAX_REFERRERS: usize = 2000;
/// Attempts to have an entry stay in an index that others write.
const ROUNDS: u32 = 10;
/// The least, and the most, that the first wait takes.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 4;

impl Remote {
    pub(super) async fn referring(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let listed = self.entries_for(of).await?;
        let read = listed.into_iter().map(|entry| self.truthful(of, entry));
        let mut found: Vec<Descriptor> = stream::iter(read)
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|entry| async move { Ok(entry) })
            .try_collect()
            .await?;
        found.sort_by_key(|descriptor| descriptor.digest);
        found.dedup_by_key(|descriptor| descriptor.digest);
        Ok(found)
    }

    /// The list as the registry gives it.
    pub(super) async fn entries_for(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let listed = match self.registry.lists_referrers() {
            Some(false) => None,
            _ => self.listed(of).await?,
        };
        self.registry.learn_lists_referrers(listed.is_some());
        match listed {
            Some(listed) => Ok(listed),
            None => self.tagged(of).await,
        }
    }

    /// By the API; `None` when the registry does not have it.
    async fn listed(&self, of: &Descriptor) -> Result<Option<Vec<Descriptor>>, Error> {
        let attempted = format!(
            "list what refers to {} in {}",
            of.digest,
            self.at_repository()
        );
        let path = format!("referrers/{}", of.digest);
        let mut next = Some(self.registry.url(&self.at.repository, &path));
        let mut found = Vec::new();
        let mut pages = 0;
        while let Some(url) = next {
            let scope = Scope::new(&self.at.repository, Does::Read);
            let ask = Ask::new(attempted.clone(), Method::GET, url.clone(), scope)
                .with(ACCEPT, INDEX)
                .capped(MAX_MANIFEST)
                .expecting(&[200, 400, 404, 405, 406, 501]);
            let answer = self.registry.ask(&self.at, &ask).await?;
            if answer.status != 200 {
                return match pages {
                    0 => Ok(None),
                    _ => Err(Error::malformed(
                        attempted,
                        "a page of the list is not there",
                    )),
                };
            }
            let Some(index) = index_in(&answer, pages == 0, &attempted)? else {
                return Ok(None);
            };
            found.extend(index.manifests);
            pages += 1;
            if found.len() > MAX_REFERRERS || pages > MAX_PAGES {
                let problem = format!("more than {MAX_REFERRERS} referrers, or pages without end");
                return Err(Error::malformed(attempted, problem));
            }
            next = next_page(&self.registry.wire, &url, &answer.headers, &attempted)?;
        }
        Ok(Some(found))
    }

    /// By the tag.
    async fn tagged(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let index = self.index_of(&of.digest).await?;
        let mut found = Vec::new();
        for entry in index["manifests"].as_array().into_iter().flatten() {
            // Entries of others that we cannot read are none of ours.
            found.extend(serde_json::from_value::<Descriptor>(entry.clone()));
        }
        Ok(found)
    }

    /// An entry as its manifest has it, where the registry is known to say
    /// otherwise: without an artifact type, or with that of the config. `None`
    /// when the manifest is gone, or refers to something else.
    async fn truthful(
        &self,
        of: &Descriptor,
        entry: Descriptor,
    ) -> Result<Option<Descriptor>, Error> {
        let doubtful = match entry.artifact_type.as_deref() {
            None | Some("" | EMPTY) => true,
            Some(kind) => kind.contains(".config.v1+json") || kind.contains(".image.v1+json"),
        };
        if !doubtful {
            return Ok(Some(entry));
        }
        if !entry.is_manifest() || entry.size > MAX_MANIFEST {
            return Ok(None);
        }
        let bytes = match self.fetch(&entry).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let attempted = format!("read {} of {}", entry.digest, self.at_repository());
        let manifest = Manifest::parse(&bytes, &attempted)?;
        let ours = manifest.subject.as_ref().map(|s| s.digest) == Some(of.digest);
        Ok(ours.then(|| manifest.referrer(&entry)))
    }

    /// Puts `entries` into the index behind the tag of `subject`: all of them at once,
    /// since there are registries where a tag is written once.
    pub(super) async fn add_to_index(
        &self,
        subject: &Digest,
        entries: &[Descriptor],
    ) -> Result<(), Error> {
        self.change_index(subject, &Change::Add(entries)).await
    }

    /// Takes `gone` out of the index behind the tag of `subject`.
    pub(super) async fn take_from_index(
        &self,
        subject: &Digest,
        gone: &Digest,
    ) -> Result<(), Error> {
        self.change_index(subject, &Change::Remove(gone)).await
    }

    async fn change_index(&self, subject: &Digest, change: &Change<'_>) -> Result<(), Error> {
        // Pushers that share this registry go one after the other.
        let _held = self.registry.listing.lock().await;
        let mut began = Instant::now();
        let mut index = self.index_of(subject).await?;
        if change.is_made(&index) {
            return Ok(());
        }
        // Signs of other pushers: entries that came, or ours that went.
        let mut signs = 0;
        for _ in 0..ROUNDS {
            change.make(&mut index);
            self.put_index(subject, &index).await?;
            // What lies between another's reading and writing is about as long
            // as ours.
            let window = began.elapsed();
            let mut last = index;
            loop {
                tokio::time::sleep(spread(window, signs)).await;
                began = Instant::now();
                index = self.index_of(subject).await?;
                if !change.is_made(&index) {
                    signs += 1;
                    break;
                }
                if index == last || signs >= ROUNDS {
                    return Ok(());
                }
                signs += 1;
                last = index;
            }
        }
        Err(Error::Network {
            attempted: format!(
                "change the list of what refers to {subject} in {}",
                self.at_repository()
            ),
            problem: format!("others rewrote the list {ROUNDS} times at the same time"),
        })
    }

    /// The index behind the tag of `subject`; an empty one when there is none, or
    /// something that is no index: the specification has that mean no referrers, and
    /// there are registries that read the tag as the digest of the subject itself.
    async fn index_of(&self, subject: &Digest) -> Result<Json, Error> {
        let tag = tag_of(subject);
        let attempted = format!("read the referrers at {}:{tag}", self.at_repository());
        let empty = literal!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []});
        let bytes = match self.manifest(&tag).await? {
            Some((what, bytes)) if what.media_type == INDEX => bytes,
            _ => return Ok(empty),
        };
        let index: Json = serde_json::from_slice(&bytes)
            .map_err(|e| Error::malformed(&attempted, format!("it is no index: {e}")))?;
        match index["manifests"].as_array() {
            Some(entries) if entries.len() <= MAX_REFERRERS => Ok(index),
            Some(_) => Err(Error::malformed(
                attempted,
                format!("more than {MAX_REFERRERS} entries"),
            )),
            None => Err(Error::malformed(
                attempted,
                "it is no index: it has no list of manifests",
            )),
        }
    }

    async fn put_index(&self, subject: &Digest, index: &Json) -> Result<(), Error> {
        let bytes = Bytes::from(index.to_string());
        let what = Descriptor::of(INDEX, &bytes);
        self.put_manifest(&what, &tag_of(subject), &bytes).await?;
        Ok(())
    }
}

/// What is to become of an index.
enum Change<'e> {
    Add(&'e [Descriptor]),
    Remove(&'e Digest),
}

impl Change<'_> {
    fn is_made(&self, index: &Json) -> bool {
        match self {
            Self::Add(entries) => entries.iter().all(|entry| has(index, &entry.digest)),
            Self::Remove(gone) => !has(index, gone),
        }
    }

    fn make(&self, index: &mut Json) {
        let missing: Vec<Json> = match self {
            Self::Add(entries) => entries
                .iter()
                .filter(|entry| !has(index, &entry.digest))
                .map(|entry| literal!(entry))
                .collect(),
            Self::Remove(_) => Vec::new(),
        };
        let Some(listed) = index["manifests"].as_array_mut() else {
            return;
        };
        listed.extend(missing);
        if let Self::Remove(gone) = self {
            listed.retain(|entry| !names(entry, gone));
        }
    }
}

/// The index in an answer. What comes first and is none is a web page, or whatever a
/// registry puts at paths that it does not know: it has no referrers API.
fn index_in(answer: &Answer, first: bool, attempted: &str) -> Result<Option<Manifest>, Error> {
    let stated = media_type(&answer.headers);
    let read: Result<Manifest, Error> = json(answer, attempted);
    let is_index = match (stated.as_deref(), &read) {
        (Some(INDEX), _) => true,
        // Some state no more than that it is JSON.
        (None | Some("application/json"), Ok(_)) => {
            let lists = serde_json::from_slice::<Json>(&answer.body);
            lists.is_ok_and(|index| index["manifests"].is_array())
        }
        _ => false,
    };
    match (is_index, first) {
        (false, true) => Ok(None),
        _ => read.map(Some),
    }
}

fn tag_of(subject: &Digest) -> String {
    format!("sha256-{}", hex(subject))
}

fn has(index: &Json, digest: &Digest) -> bool {
    let entries = index["manifests"].as_array();
    entries.is_some_and(|entries| entries.iter().any(|entry| names(entry, digest)))
}

fn names(entry: &Json, digest: &Digest) -> bool {
    entry["digest"].as_str() == Some(digest.to_string().as_str())
}

/// A while beside `window`, the longer the more signs of others there were, and
/// not the same for everyone.
fn spread(window: Duration, signs: u32) -> Duration {
    let mut byte = [0];
    // Without randomness all wait as long; then it takes more rounds.
    let _ = getrandom::fill(&mut byte);
    let base = window.clamp(SHORTEST, LONGEST);
    base * (signs + 1) + base * u32::from(byte[0]) / 255
}
