//! Registries as such: content by digest, tags, referrers. Nothing in here
//! knows what a bundle is.
//!
//! A [`Target`] is a place for artifacts: [`Memory`], an image [`Layout`] on
//! disk, a repository of a registry. [`copy`] moves a graph between any two of
//! them. What is pushed is named by its [`Descriptor`] first and held against
//! it; what is fetched is held against it too, so no target can hand out other
//! bytes than those that were asked for.

mod azure;
mod copy;
mod credentials;
mod descriptor;
mod error;
mod json_service;
mod layout;
mod manifest;
mod memory;
mod reference;
mod remote;
mod spool;

pub use azure::Service;
pub use copy::{copy, copy_referrers};
pub(super) use credentials::claims_of;
pub use credentials::{Credentials, acr};
pub use descriptor::Descriptor;
pub use error::{Error, Shown};
pub use json_service::JsonService;
pub use layout::Layout;
pub use manifest::Manifest;
pub use memory::Memory;
pub use reference::{Place, Reference, check_new_tag};
pub use remote::{Connection, Registry, Remote, Retry, Uploads};
pub(super) use remote::{Request, Wire, retry_after, usable};
pub use spool::Spool;

use crate::tree::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Media type of an image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an image manifest as Docker writes it.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Media type of a manifest list as Docker writes it.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Media type of the blob [`EMPTY_BLOB`].
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The blob that stands where an artifact has no config.
pub const EMPTY_BLOB: &[u8] = b"{}";
/// Annotation of a layout's index that holds the tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Manifests are small; registries refuse larger ones.
pub const MAX_MANIFEST: u64 = 4 << 20;

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was there; nothing was sent.
    Already,
    /// It is there now.
    Now,
}

impl Place {
    /// The place itself, over `connection` where it is in a registry.
    ///
    /// # Errors
    /// When the connection's parts are not what they should be.
    pub fn open(&self, connection: &Connection) -> Result<Box<dyn Target>, Error> {
        Ok(match self {
            Self::Registry { reference } => Box::new(Remote::new(reference, connection)?),
            Self::Layout { folder, .. } => Box::new(Layout::new(folder)),
        })
    }
}

/// A place for artifacts.
#[async_trait]
pub trait Target: Send + Sync + Debug {
    /// What people call this place, for messages.
    fn name(&self) -> String;

    /// The repository, when this is one: what [`Target::mount`] can take from.
    fn repository(&self) -> Option<&Reference> {
        None
    }

    /// Another repository beside this one: its path and `suffix`. `None` where
    /// there are no repositories.
    ///
    /// # Errors
    /// When that is no repository.
    fn sibling(&self, suffix: &str) -> Result<Option<Box<dyn Target>>, Error> {
        let _ = suffix;
        Ok(None)
    }

    /// Whether `what` is there.
    async fn exists(&self, what: &Descriptor) -> Result<bool, Error>;

    /// The bytes of `what`, held against its size and digest.
    async fn fetch(&self, what: &Descriptor) -> Result<Bytes, Error>;

    /// Puts `bytes` there, by digest. They must be what `what` says; whatever a
    /// manifest refers to must be there before it.
    async fn push(&self, what: &Descriptor, bytes: Bytes) -> Result<Pushed, Error>;

    /// Puts manifests there, each as [`Target::push`] does. Those that are about one
    /// subject are listed as its referrers together, after all of them are there.
    async fn push_all(&self, manifests: &[(Descriptor, Bytes)]) -> Result<Vec<Pushed>, Error> {
        let mut pushed = Vec::new();
        for (what, bytes) in manifests {
            pushed.push(self.push(what, bytes.clone()).await?);
        }
        Ok(pushed)
    }

    /// Writes the blob `what` into `spool`, held against its size and digest.
    async fn fetch_into(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        let bytes = self.fetch(what).await?;
        spool.clear()?;
        spool.append(&bytes)
    }

    /// Sends the blob `what`, which is in `spool`, even where it seems to be there.
    async fn send_from(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        self.send(what, spool.read(0, what.size)?).await
    }

    /// Sends the blob `what` even where it seems to be there.
    async fn send(&self, what: &Descriptor, bytes: Bytes) -> Result<(), Error> {
        self.push(what, bytes).await.map(drop)
    }

    /// What a tag stands for, whatever that is: nothing of it is read, and a question that
    /// registries do not count as a pull is enough where they answer it.
    async fn look(&self, tag: &str) -> Result<Option<Descriptor>, Error> {
        self.resolve(tag).await
    }

    /// What a tag or a digest stands for; `None` when it is not there.
    async fn resolve(&self, reference: &str) -> Result<Option<Descriptor>, Error>;

    /// Points `tag` to the manifest `what`, which is there.
    async fn tag(&self, what: &Descriptor, tag: &str) -> Result<(), Error>;

    /// All tags, sorted.
    async fn tags(&self) -> Result<Vec<String>, Error>;

    /// The manifests whose subject is `of`, sorted by digest. `artifact_type`
    /// and `annotations` are those of the manifests themselves: registries are
    /// known to report others.
    async fn referrers(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error>;

    /// The digests of the manifests that are listed as referrers of `of`,
    /// without a look into them.
    async fn referrer_digests(&self, of: &Descriptor) -> Result<Vec<Digest>, Error> {
        let referrers = self.referrers(of).await?;
        Ok(referrers
            .into_iter()
            .map(|referrer| referrer.digest)
            .collect())
    }

    /// Takes `what`, and every tag that points to it, away. What is not there
    /// is no error.
    async fn delete(&self, what: &Descriptor) -> Result<(), Error>;

    /// Takes the blob `what` over from another repository of the same registry
    /// without sending it. `false` when that cannot be done: push it.
    async fn mount(&self, what: &Descriptor, from: &Reference) -> Result<bool, Error> {
        let _ = (what, from);
        Ok(false)
    }
}
