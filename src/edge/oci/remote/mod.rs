//! A repository of a registry.
//!
//! Everything that comes is capped and held against its digest; credentials go
//! to the registry and to the token service that it names, to nobody else.
//! `docs/adr/0008` says why this is our own.

mod auth;
mod challenge;
mod connection;
mod referrers;
mod registry;
mod upload;
mod wire;

pub use connection::{Connection, Retry, Uploads};
pub use registry::Registry;

pub(super) use auth::usable;
pub(super) use connection::local;
pub(super) use wire::{Request, Wire, exchange};

use super::reference::check_tag;
use super::{
    DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Error, INDEX, MANIFEST, MAX_MANIFEST, Manifest,
    Pushed, Reference, Target,
};
use crate::tree::Digest;
use async_trait::async_trait;
use auth::{Does, Scope};
use bytes::Bytes;
use registry::{Ask, Inner, json, location, media_type, next_page, stated_digest};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use std::sync::{Arc, PoisonError};

/// Pages of tags, and tags in all.
const MAX_PAGES: usize = 1000;
const MAX_TAGS: usize = 200_000;

/// A repository of a registry.
#[derive(Debug, Clone)]
pub struct Remote {
    registry: Arc<Inner>,
    /// Where it is, by the names that the registry knows.
    at: Reference,
}

#[derive(Deserialize)]
struct Tags {
    // Registries are known to say null for none.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The repository that `reference` is in. It is of this registry.
    pub fn repository(&self, reference: &Reference) -> Remote {
        let hub = self.0.name == "docker.io" || self.0.name == "index.docker.io";
        let repository = match hub && !reference.repository.contains('/') {
            true => format!("library/{}", reference.repository),
            false => reference.repository.clone(),
        };
        Remote {
            registry: self.0.clone(),
            at: Reference {
                registry: self.0.name.clone(),
                repository,
                tag: None,
                digest: None,
            },
        }
    }
}

impl Remote {
    /// The repository that `reference` is in, over a connection of its own.
    ///
    /// # Errors
    /// When the connection's parts are not what they should be.
    pub fn new(reference: &Reference, connection: &Connection) -> Result<Self, Error> {
        Ok(Registry::new(reference, connection)?.repository(reference))
    }

    fn at_repository(&self) -> &Reference {
        &self.at
    }

    fn reading(&self) -> Scope {
        Scope::new(&self.at.repository, Does::Read)
    }

    fn path_of(what: &Descriptor) -> String {
        match what.is_manifest() {
            true => format!("manifests/{}", what.digest),
            false => format!("blobs/{}", what.digest),
        }
    }

    /// Whether `what` is there, and is what it says.
    async fn head(&self, what: &Descriptor) -> Result<bool, Error> {
        let attempted = format!("look for {} in {}", what.digest, self.at);
        let url = self.registry.url(&self.at.repository, &Self::path_of(what));
        let mut ask = Ask::new(attempted.clone(), Method::HEAD, url, self.reading());
        if what.is_manifest() {
            ask = ask.with(ACCEPT, &what.media_type);
        }
        let answer = self
            .registry
            .ask(&self.at, &ask.expecting(&[200, 404]))
            .await?;
        if answer.status == 404 {
            return Ok(false);
        }
        if let Some(stated) = stated_digest(&answer.headers)
            && stated != what.digest
        {
            return Err(Error::Mismatch {
                attempted,
                expected: what.digest.to_string(),
                found: stated.to_string(),
            });
        }
        let length = answer.headers.get(CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|v| v.to_str().ok()?.parse().ok());
        match length {
            Some(length) if length != what.size && length != 0 => Err(Error::Mismatch {
                attempted,
                expected: format!("{} bytes", what.size),
                found: length.to_string(),
            }),
            _ => Ok(true),
        }
    }

    /// A manifest by tag or digest, and what it is.
    async fn manifest(&self, reference: &str) -> Result<Option<(Descriptor, Bytes)>, Error> {
        let by_digest = reference.parse::<Digest>().ok();
        if by_digest.is_none() {
            check_tag(reference, reference)?;
        }
        let sign = if by_digest.is_some() { '@' } else { ':' };
        let attempted = format!("read {}{sign}{reference}", self.at);
        let path = format!("manifests/{reference}");
        let url = self.registry.url(&self.at.repository, &path);
        let all = [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(", ");
        let ask = Ask::new(attempted.clone(), Method::GET, url, self.reading())
            .with(ACCEPT, &all)
            .capped(MAX_MANIFEST)
            .expecting(&[200, 404]);
        let answer = self.registry.ask(&self.at, &ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let manifest: Manifest = json(&answer, &attempted)?;
        let stated = media_type(&answer.headers);
        let kind = match (&manifest.media_type, stated) {
            (Some(own), _) => own.clone(),
            (None, Some(stated)) if stated.contains("manifest") || stated.contains("index") => {
                stated
            }
            (None, _) => manifest.media_type().to_owned(),
        };
        let found = Descriptor::of(&kind, &answer.body);
        let expected = by_digest.or_else(|| stated_digest(&answer.headers));
        if let Some(expected) = expected.filter(|expected| *expected != found.digest) {
            return Err(Error::Mismatch {
                attempted,
                expected: expected.to_string(),
                found: found.digest.to_string(),
            });
        }
        if manifest.schema_version != 2 {
            let version = manifest.schema_version;
            let problem = format!("its schemaVersion is {version}; 2 is what we read");
            return Err(Error::malformed(attempted, problem));
        }
        if !found.is_manifest() {
            let kind = crate::diag::excerpt(&kind, 100);
            return Err(Error::malformed(
                attempted,
                format!("it is of the media type `{kind}`, no manifest or index"),
            ));
        }
        let found = Descriptor {
            artifact_type: manifest.artifact_type.clone(),
            ..found
        };
        self.registry
            .keep(&self.at.repository, found.digest, &kind, &answer.body);
        Ok(Some((found, answer.body)))
    }

    /// Puts a manifest by tag or digest; whether the registry lists it as a
    /// referrer by itself.
    async fn put_manifest(
        &self,
        what: &Descriptor,
        reference: &str,
        bytes: &Bytes,
    ) -> Result<bool, Error> {
        let sign = if reference.contains(':') { '@' } else { ':' };
        let attempted = format!("push the manifest {}{sign}{reference}", self.at);
        let path = format!("manifests/{reference}");
        let url = self.registry.url(&self.at.repository, &path);
        let scope = Scope::new(&self.at.repository, Does::Write);
        let ask = Ask::new(attempted.clone(), Method::PUT, url, scope)
            .with(CONTENT_TYPE, &what.media_type)
            .body(bytes.clone())
            .expecting(&[200, 201, 202]);
        let answer = self.registry.ask(&self.at, &ask).await?;
        if let Some(stated) = stated_digest(&answer.headers)
            && stated != what.digest
        {
            return Err(Error::Mismatch {
                attempted,
                expected: what.digest.to_string(),
                found: stated.to_string(),
            });
        }
        self.registry
            .keep(&self.at.repository, what.digest, &what.media_type, bytes);
        Ok(answer.headers.contains_key("oci-subject"))
    }

    async fn push_manifest(&self, what: &Descriptor, bytes: &Bytes) -> Result<Pushed, Error> {
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Error::Over {
                attempted: format!("push the manifest {} to {}", what.digest, self.at),
                limit: MAX_MANIFEST,
            });
        }
        let attempted = format!("push the manifest {} to {}", what.digest, self.at);
        let manifest = Manifest::parse(bytes, &attempted)?;
        let there = self.head(what).await?;
        let mut native = self.registry.lists_referrers().unwrap_or(false);
        if !there {
            let listed = self
                .put_manifest(what, &what.digest.to_string(), bytes)
                .await?;
            if listed {
                self.registry.learn_lists_referrers(true);
            }
            native |= listed;
        }
        if let Some(subject) = &manifest.subject
            && !native
        {
            // One that was there may have lost its listing half-way.
            let known = there
                && self.registry.lists_referrers().is_none()
                && self
                    .referring(subject)
                    .await?
                    .iter()
                    .any(|r| r.digest == what.digest);
            if !known {
                self.add_to_index(&subject.digest, &manifest.referrer(what))
                    .await?;
            }
        }
        Ok(if there { Pushed::Already } else { Pushed::Now })
    }
}

#[async_trait]
impl Target for Remote {
    fn name(&self) -> String {
        format!("oci://{}", self.at)
    }

    fn repository(&self) -> Option<&Reference> {
        Some(&self.at)
    }

    fn sibling(&self, suffix: &str) -> Result<Option<Box<dyn Target>>, Error> {
        Ok(Some(Box::new(Self {
            registry: self.registry.clone(),
            at: self.at.sibling(suffix)?,
        })))
    }

    async fn exists(&self, what: &Descriptor) -> Result<bool, Error> {
        self.head(what).await
    }

    async fn fetch(&self, what: &Descriptor) -> Result<Bytes, Error> {
        let attempted = || format!("read {} of {}", what.digest, self.at);
        if let Some((_, bytes)) = self.registry.kept(&self.at.repository, &what.digest) {
            what.check(&bytes, attempted)?;
            return Ok(bytes);
        }
        if what.is_manifest() && what.size > MAX_MANIFEST {
            return Err(Error::Over {
                attempted: attempted(),
                limit: MAX_MANIFEST,
            });
        }
        let url = self.registry.url(&self.at.repository, &Self::path_of(what));
        let mut ask = Ask::new(attempted(), Method::GET, url, self.reading()).capped(what.size);
        if what.is_manifest() {
            ask = ask.with(ACCEPT, &what.media_type);
        }
        let answer = self.registry.ask(&self.at, &ask).await?;
        what.check(&answer.body, attempted)?;
        if what.is_manifest() {
            self.registry.keep(
                &self.at.repository,
                what.digest,
                &what.media_type,
                &answer.body,
            );
        }
        Ok(answer.body)
    }

    async fn push(&self, what: &Descriptor, bytes: Bytes) -> Result<Pushed, Error> {
        what.check(&bytes, || format!("push {} to {}", what.digest, self.at))?;
        if what.is_manifest() {
            return self.push_manifest(what, &bytes).await;
        }
        if self.head(what).await? {
            return Ok(Pushed::Already);
        }
        self.upload(what, &bytes).await?;
        Ok(Pushed::Now)
    }

    async fn resolve(&self, reference: &str) -> Result<Option<Descriptor>, Error> {
        let found = self.manifest(reference).await?;
        Ok(found.map(|(descriptor, _)| descriptor))
    }

    async fn tag(&self, what: &Descriptor, tag: &str) -> Result<(), Error> {
        check_tag(tag, tag)?;
        let bytes = self.fetch(what).await?;
        self.put_manifest(what, tag, &bytes).await?;
        Ok(())
    }

    async fn tags(&self) -> Result<Vec<String>, Error> {
        let attempted = format!("list the tags of {}", self.at);
        let mut url = self.registry.url(&self.at.repository, "tags/list");
        url.query_pairs_mut().append_pair("n", "1000");
        let mut next = Some(url);
        let mut found = Vec::new();
        let mut pages = 0;
        while let Some(url) = next {
            let ask = Ask::new(attempted.clone(), Method::GET, url.clone(), self.reading());
            let answer = self.registry.ask(&self.at, &ask).await?;
            let page: Tags = json(&answer, &attempted)?;
            found.extend(page.tags.unwrap_or_default());
            pages += 1;
            if pages > MAX_PAGES || found.len() > MAX_TAGS {
                return Err(Error::malformed(attempted, "tags without end"));
            }
            next = next_page(&self.registry.wire, &url, &answer.headers, &attempted)?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn referrers(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        self.referring(of).await
    }

    async fn referrer_digests(&self, of: &Descriptor) -> Result<Vec<Digest>, Error> {
        let entries = self.entries_for(of).await?;
        Ok(entries.into_iter().map(|entry| entry.digest).collect())
    }

    async fn delete(&self, what: &Descriptor) -> Result<(), Error> {
        let mut subject = None;
        if what.is_manifest() {
            let Some((_, bytes)) = self.manifest(&what.digest.to_string()).await? else {
                return Ok(());
            };
            let attempted = format!("read {} of {}", what.digest, self.at);
            subject = Manifest::parse(&bytes, &attempted)?.subject;
        }
        let attempted = format!("delete {} from {}", what.digest, self.at);
        let url = self.registry.url(&self.at.repository, &Self::path_of(what));
        let scope = Scope::new(&self.at.repository, Does::Delete);
        let ask = Ask::new(attempted, Method::DELETE, url, scope);
        let ask = ask.expecting(&[200, 202, 204, 404]);
        self.registry.ask(&self.at, &ask).await?;
        self.registry.forget(&self.at.repository, &what.digest);
        match subject {
            Some(subject) if self.registry.lists_referrers() != Some(true) => {
                self.take_from_index(&subject.digest, &what.digest).await
            }
            _ => Ok(()),
        }
    }

    async fn mount(&self, what: &Descriptor, from: &Reference) -> Result<bool, Error> {
        if from.registry != self.at.registry || what.is_manifest() {
            return Ok(false);
        }
        if from.repository == self.at.repository {
            return self.head(what).await;
        }
        let attempted = format!("take {} over from {} to {}", what.digest, from, self.at);
        let mut url = self.registry.url(&self.at.repository, "blobs/uploads/");
        url.query_pairs_mut()
            .append_pair("mount", &what.digest.to_string())
            .append_pair("from", &from.repository);
        let scope = Scope {
            from: Some(from.repository.clone()),
            ..Scope::new(&self.at.repository, Does::Write)
        };
        let ask = Ask::new(attempted.clone(), Method::POST, url.clone(), scope);
        // Whatever is not done this way is done by pushing, and refused there.
        let ask = ask.expecting(&[201, 202, 400, 403, 404, 405]);
        let answer = match self.registry.ask(&self.at, &ask).await {
            Err(error) if error.is_unauthorized() => return Ok(false),
            answered => answered?,
        };
        if answer.status == 202 {
            let place = location(&url, &answer.headers, &attempted)?;
            self.registry.wire.check(&place, &attempted)?;
            let key = (self.at.repository.clone(), what.digest);
            let mut opened = self
                .registry
                .opened
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            opened.insert(key, place);
        }
        Ok(answer.status == 201)
    }
}
