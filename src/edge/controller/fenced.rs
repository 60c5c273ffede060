//! A registry that only the leader writes to.

use super::lease::Leadership;
use crate::edge::oci::{Descriptor, Error, Pushed, Reference, Target};
use crate::tree::Digest;
use async_trait::async_trait;
use bytes::Bytes;

/// Asks for the lease before each write.
#[derive(Debug)]
pub(super) struct Fenced<T> {
    inner: T,
    leadership: Leadership,
}

impl<T: Target> Fenced<T> {
    pub(super) fn new(inner: T, leadership: Leadership) -> Self {
        Self { inner, leadership }
    }

    fn check(&self, attempted: &str) -> Result<(), Error> {
        self.leadership.check().map_err(|lost| {
            let attempted = format!("{attempted} in {}", self.inner.name());
            Error::io(attempted, std::io::Error::other(lost))
        })
    }
}

#[async_trait]
impl<T: Target> Target for Fenced<T> {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn repository(&self) -> Option<&Reference> {
        self.inner.repository()
    }

    async fn exists(&self, what: &Descriptor) -> Result<bool, Error> {
        self.inner.exists(what).await
    }

    async fn fetch(&self, what: &Descriptor) -> Result<Bytes, Error> {
        self.inner.fetch(what).await
    }

    async fn push(&self, what: &Descriptor, bytes: Bytes) -> Result<Pushed, Error> {
        self.check("push")?;
        self.inner.push(what, bytes).await
    }

    async fn push_all(&self, manifests: &[(Descriptor, Bytes)]) -> Result<Vec<Pushed>, Error> {
        self.check("push")?;
        self.inner.push_all(manifests).await
    }

    async fn send(&self, what: &Descriptor, bytes: Bytes) -> Result<(), Error> {
        self.check("push")?;
        self.inner.send(what, bytes).await
    }

    async fn look(&self, tag: &str) -> Result<Option<Descriptor>, Error> {
        self.inner.look(tag).await
    }

    async fn resolve(&self, reference: &str) -> Result<Option<Descriptor>, Error> {
        self.inner.resolve(reference).await
    }

    async fn tag(&self, what: &Descriptor, tag: &str) -> Result<(), Error> {
        self.check("tag")?;
        self.inner.tag(what, tag).await
    }

    async fn tags(&self) -> Result<Vec<String>, Error> {
        self.inner.tags().await
    }

    async fn referrers(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        self.inner.referrers(of).await
    }

    async fn referrer_digests(&self, of: &Descriptor) -> Result<Vec<Digest>, Error> {
        self.inner.referrer_digests(of).await
    }

    async fn delete(&self, what: &Descriptor) -> Result<(), Error> {
        self.check("delete")?;
        self.inner.delete(what).await
    }

    async fn mount(&self, what: &Descriptor, from: &Reference) -> Result<bool, Error> {
        self.check("mount")?;
        self.inner.mount(what, from).await
    }
}
