//! Artifacts in memory: for tests, and where a graph is made before it goes.

use super::{Descriptor, Error, Manifest, Pushed, Target};
use crate::tree::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A repository in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    content: BTreeMap<Digest, (Descriptor, Bytes)>,
    tags: BTreeMap<String, Digest>,
}

impl Memory {
    /// A registry without repositories.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever is in there is complete: each change is one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Target for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn exists(&self, what: &Descriptor) -> Result<bool, Error> {
        Ok(self.state().content.contains_key(&what.digest))
    }

    async fn fetch(&self, what: &Descriptor) -> Result<Bytes, Error> {
        let attempted = || format!("fetch {} from memory", what.digest);
        let state = self.state();
        let (_, bytes) = state
            .content
            .get(&what.digest)
            .ok_or_else(|| Error::Missing {
                attempted: attempted(),
            })?;
        what.check(bytes, attempted)?;
        Ok(bytes.clone())
    }

    async fn push(&self, what: &Descriptor, bytes: Bytes) -> Result<Pushed, Error> {
        let attempted = || format!("push {} to memory", what.digest);
        what.check(&bytes, attempted)?;
        let mut state = self.state();
        if what.is_manifest() {
            for child in Manifest::parse(&bytes, &attempted())?.children() {
                if !state.content.contains_key(&child.digest) {
                    return Err(Error::Missing {
                        attempted: format!("{}, which refers to {}", attempted(), child.digest),
                    });
                }
            }
        }
        match state.content.insert(what.digest, (what.clone(), bytes)) {
            Some(_) => Ok(Pushed::Already),
            None => Ok(Pushed::Now),
        }
    }

    async fn resolve(&self, reference: &str) -> Result<Option<Descriptor>, Error> {
        let state = self.state();
        let digest = match reference.parse() {
            Ok(digest) => Some(digest),
            Err(_) => state.tags.get(reference).copied(),
        };
        let found = digest.and_then(|digest| state.content.get(&digest));
        Ok(found
            .map(|(descriptor, _)| descriptor)
            .filter(|descriptor| descriptor.is_manifest())
            .cloned())
    }

    async fn tag(&self, what: &Descriptor, tag: &str) -> Result<(), Error> {
        let mut state = self.state();
        if !state.content.contains_key(&what.digest) {
            return Err(Error::Missing {
                attempted: format!("point the tag {tag} to {} in memory", what.digest),
            });
        }
        state.tags.insert(tag.to_owned(), what.digest);
        Ok(())
    }

    async fn tags(&self) -> Result<Vec<String>, Error> {
        Ok(self.state().tags.keys().cloned().collect())
    }

    async fn referrers(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let state = self.state();
        let manifests = state.content.values().filter(|(d, _)| d.is_manifest());
        let mut found = Vec::new();
        for (descriptor, bytes) in manifests {
            let manifest = Manifest::parse(bytes, "read a manifest in memory")?;
            if manifest.subject.as_ref().map(|s| s.digest) == Some(of.digest) {
                found.push(manifest.referrer(descriptor));
            }
        }
        Ok(found)
    }

    async fn delete(&self, what: &Descriptor) -> Result<(), Error> {
        let mut state = self.state();
        state.content.remove(&what.digest);
        state.tags.retain(|_, digest| *digest != what.digest);
        Ok(())
    }
}
