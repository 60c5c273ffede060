//! The artifacts of a folder, for whoever serves them. Nothing is changed here: the
//! folder may be another's.

use super::check::{CHUNK, Checks, Identity, Looked};
use super::{Owner, file_name, named};
use crate::edge::listen::Shares;
use crate::tree::Digest;
use prometheus_client::metrics::counter::Counter;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Artifacts that are sent at once to one network.
const READERS: usize = 128;
/// And to all.
const ALL_READERS: usize = 512;

/// The artifacts of a folder. Clones share what is known of them.
#[derive(Debug, Clone)]
pub struct Artifacts {
    root: Arc<PathBuf>,
    pub(super) checks: Checks,
    /// Who reads a file for the first time; others wait for what it finds.
    first: Arc<Mutex<()>>,
    pub(super) readers: Shares,
}

/// An artifact that is there, as a request names it.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) digest: Digest,
    pub(super) file: File,
    pub(super) identity: Identity,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Absent {
    Missing,
    Damaged,
    Unreadable(io::Error),
}

impl Artifacts {
    /// Those below `root`. Each that is damaged is counted in `damaged`.
    pub fn new(root: &Path, damaged: Counter) -> Self {
        Self {
            root: Arc::new(root.to_owned()),
            checks: Checks::new(damaged),
            first: Arc::default(),
            readers: Shares::new(READERS, ALL_READERS),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, owner: &Owner, digest: Digest) -> PathBuf {
        self.root.join(&owner.folder).join(file_name(digest))
    }

    /// The artifact of `kind`, `namespace`, `name` and `file`.
    pub(super) async fn find(
        &self,
        (kind, namespace, name, file): (&str, &str, &str, &str),
    ) -> Result<Artifact, Absent> {
        let owner = Owner::new(kind, namespace, name).map_err(|_| Absent::Missing)?;
        let digest = named(file).ok_or(Absent::Missing)?;
        let path = self.path(&owner, digest);
        let known = self.blocking(&path, Checks::look_again);
        let looked = match known.await? {
            Some(looked) => looked,
            None => {
                let _first = self.first.lock().await;
                let read = move |checks: &Checks, path: &Path| checks.look(path, digest);
                self.blocking(&path, read).await?
            }
        };
        match looked {
            Looked::Sound(file, identity) => Ok(Artifact {
                digest,
                file,
                identity,
            }),
            Looked::Damaged => Err(Absent::Damaged),
            Looked::Missing => Err(Absent::Missing),
        }
    }

    /// File systems block.
    async fn blocking<T: Send + 'static>(
        &self,
        path: &Path,
        look: impl FnOnce(&Checks, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Absent> {
        let (checks, path) = (self.checks.clone(), path.to_owned());
        let looking = tokio::task::spawn_blocking(move || look(&checks, &path));
        let looked = looking.await.map_err(io::Error::other).flatten();
        looked.map_err(Absent::Unreadable)
    }
}

impl Artifact {
    /// The bytes from `at` on, at most `left` and a chunk. A file that is not any more
    /// what was checked is an error.
    pub(super) fn chunk(&self, at: u64, left: u64) -> io::Result<Vec<u8>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))?;
        let len = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        if Identity::of(&file.metadata()?)? != self.identity {
            return Err(io::Error::other("the file changed while it was sent"));
        }
        Ok(bytes)
    }
}
