//! A repository of a registry.
//!
//! Everything that comes is capped and held against its digest; credentials go
//! to the registry and to the token service that it names, to nobody else.
//! `docs/adr/0008` says why this is our own.

mod attempts;
mod auth;
mod challenge;
mod connection;
mod faults;
mod proxy;
mod referrers;
mod registry;
mod tags;
mod upload;
mod wire;

pub use connection::{Connection, Retry, Uploads};
pub use registry::Registry;

pub(in crate::edge) use auth::usable;
pub(super) use connection::local;
pub(super) use wire::exchange;
pub(in crate::edge) use wire::{Request, Wire, retry_after};

use super::reference::check_tag;
use super::spool::Spool;
use super::{
    DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Error, INDEX, MANIFEST, MAX_MANIFEST, Manifest,
    Pushed, Reference, Target,
};
use crate::tree::Digest;
use async_trait::async_trait;
use auth::{Does, Scope};
use bytes::Bytes;
use registry::{Ask, Inner, json, location, media_type, stated_digest};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use wire::Content;

/// A repository of a registry.
#[derive(Debug, Clone)]
pub struct Remote {
    registry: Arc<Inner>,
    /// Where it is, by the names that the registry knows.
    at: Reference,
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
            .ask(&self.at, &ask.expecting(&[200, 404, 405]))
            .await?;
        // One that does not answer this question is sent everything.
        if answer.status != 200 {
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
            .body(bytes.clone().into())
            .expecting(&[200, 201, 202]);
        let answer = self.registry.ask(&self.at, &ask).await;
        let answer = answer.map_err(|error| tags::immutable(error, reference))?;
        // A proxy or a login page answers whatever it is sent, and nothing is there.
        if answer.status == 200 && media_type(&answer.headers).as_deref() == Some("text/html") {
            let problem = "the answer is a web page, not a registry's; something between here and \
                           the registry answers, as a proxy or a login does";
            return Err(Error::malformed(attempted, problem));
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
        self.registry
            .keep(&self.at.repository, what.digest, &what.media_type, bytes);
        Ok(answer.headers.contains_key("oci-subject"))
    }

    /// Puts a manifest there; second, what a list of referrers is to say of it where the
    /// registry does not list it by itself.
    async fn place_manifest(
        &self,
        what: &Descriptor,
        bytes: &Bytes,
    ) -> Result<(Pushed, Option<Listing>), Error> {
        let attempted = format!("push the manifest {} to {}", what.digest, self.at);
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Error::Over {
                attempted,
                limit: MAX_MANIFEST,
            });
        }
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
        let mut listing = None;
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
            listing = (!known).then(|| (subject.digest, manifest.referrer(what)));
        }
        let pushed = if there { Pushed::Already } else { Pushed::Now };
        Ok((pushed, listing))
    }
}

/// Subject, and the entry of a manifest that is about it.
type Listing = (Digest, Descriptor);

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
            let (pushed, listing) = self.place_manifest(what, &bytes).await?;
            if let Some((subject, entry)) = listing {
                self.add_to_index(&subject, &[entry]).await?;
            }
            return Ok(pushed);
        }
        if self.head(what).await? {
            return Ok(Pushed::Already);
        }
        self.upload(what, &Content::Bytes(bytes)).await?;
        Ok(Pushed::Now)
    }

    async fn push_all(&self, manifests: &[(Descriptor, Bytes)]) -> Result<Vec<Pushed>, Error> {
        let mut pushed = Vec::new();
        let mut lists: BTreeMap<Digest, Vec<Descriptor>> = BTreeMap::new();
        for (what, bytes) in manifests {
            what.check(bytes, || format!("push {} to {}", what.digest, self.at))?;
            let (done, listing) = self.place_manifest(what, bytes).await?;
            pushed.push(done);
            if let Some((subject, entry)) = listing {
                lists.entry(subject).or_default().push(entry);
            }
        }
        for (subject, entries) in &lists {
            self.add_to_index(subject, entries).await?;
        }
        Ok(pushed)
    }

    async fn send(&self, what: &Descriptor, bytes: Bytes) -> Result<(), Error> {
        what.check(&bytes, || format!("push {} to {}", what.digest, self.at))?;
        self.upload(what, &Content::Bytes(bytes)).await
    }

    async fn fetch_into(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        let attempted = || format!("read {} of {}", what.digest, self.at);
        let url = self.registry.url(&self.at.repository, &Self::path_of(what));
        let ask = Ask::new(attempted(), Method::GET, url, self.reading())
            .capped(what.size)
            .into_spool(spool);
        self.registry.ask(&self.at, &ask).await?;
        spool.check(what, attempted)
    }

    async fn send_from(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        spool.check(what, || format!("push {} to {}", what.digest, self.at))?;
        self.upload(what, &Content::File(spool.clone())).await
    }

    async fn look(&self, tag: &str) -> Result<Option<Descriptor>, Error> {
        self.look_for(tag).await
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
        self.listed_tags().await
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
