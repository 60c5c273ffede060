//! Artifacts on disk, by content, and over HTTP: what ExternalArtifacts point at.
//!
//! A file is named by the digest of its bytes, written beside its place and renamed
//! into it. It is checked when it is first read, and again when it is another than it
//! was: what does not fit its name is never sent. [`Storage`] is the owner of a folder,
//! who alone removes anything; [`Artifacts`] reads.

mod check;
mod files;
mod serve;

pub use files::Artifacts;

use crate::tree::Digest;
use axum::Router;
use check::Looked;
use prometheus_client::metrics::counter::Counter;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Where artifacts lie below the address of the server.
pub const ROUTE: &str = "artifacts";
const SUFFIX: &str = ".tar.gz";
const UNFINISHED: &str = ".new-";

/// Whose artifact it is: kind, namespace and name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    folder: PathBuf,
    path: String,
}

/// How long artifacts that are no longer current stay.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Those older than this go.
    pub ttl: Duration,
    /// Of the others this many stay, the current one counted.
    pub records: usize,
}

/// An artifact that is kept and served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Place in the storage.
    pub path: String,
    /// Where it is served.
    pub url: String,
    /// Bytes.
    pub size: u64,
}

/// Why the storage could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is no Kubernetes name.
    #[error("`{0}` is no name of a Kubernetes object; nothing is stored under it")]
    Name(String),
    /// The file system refused.
    #[error("{attempted} in the artifact storage: {reason}")]
    Io {
        /// What was attempted, on what.
        attempted: String,
        /// What the file system said.
        reason: String,
    },
}

/// The storage, of which there is one for a folder. Clones share it.
#[derive(Debug, Clone)]
pub struct Storage {
    files: Artifacts,
    address: Arc<str>,
    retention: Retention,
}

impl Owner {
    /// The artifacts of an object.
    ///
    /// # Errors
    /// When a part is no DNS-1123 name, and so could be a path.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Self, Error> {
        for part in [kind, namespace, name] {
            if !is_name(part) {
                return Err(Error::Name(crate::diag::excerpt(part, 100)));
            }
        }
        Ok(Self {
            folder: [kind, namespace, name].iter().collect(),
            path: format!("{kind}/{namespace}/{name}"),
        })
    }
}

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    let outer = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 253
        && bytes.iter().copied().all(inner)
        && outer(bytes.first())
        && outer(bytes.last())
}

fn file_name(digest: Digest) -> String {
    let digest = digest.to_string();
    let hex = digest.rsplit(':').next().unwrap_or_default();
    format!("{hex}{SUFFIX}")
}

/// The digest that a file name stands for.
fn named(file: &str) -> Option<Digest> {
    format!("sha256:{}", file.strip_suffix(SUFFIX)?)
        .parse()
        .ok()
}

impl Storage {
    /// Opens the storage in the folder `root`, served at `address`
    /// (`host[:port]`, or with `https://`). What does not fit its name, and
    /// what was never finished, is removed. What is damaged is counted in `damaged`.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(
        root: &Path,
        address: &str,
        retention: Retention,
        damaged: Counter,
    ) -> Result<Self, Error> {
        let attempted = || format!("open {}", root.display());
        let files = Artifacts::new(root, damaged);
        fs::create_dir_all(root).map_err(|e| io_error(attempted(), &e))?;
        sweep(&files, root, 0).map_err(|e| io_error(attempted(), &e))?;
        let address = address.trim_end_matches('/');
        let address = if address.starts_with("http://") || address.starts_with("https://") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        Ok(Self {
            files,
            address: address.into(),
            retention,
        })
    }

    /// Serves the artifacts, and nothing else.
    pub fn router(&self) -> Router {
        self.files.router()
    }

    /// Where the artifact of `owner` with this digest is, stored or not.
    pub fn place(&self, owner: &Owner, digest: Digest, size: u64) -> Stored {
        let path = format!("{}/{}", owner.path, file_name(digest));
        Stored {
            url: format!("{}/{ROUTE}/{path}", self.address),
            path,
            size,
        }
    }

    /// Stores `bytes`, whose digest is `digest`, as the artifact of `owner`.
    ///
    /// # Errors
    /// When the file system refuses; what is there stays as it was.
    pub fn put(&self, owner: &Owner, digest: Digest, bytes: &[u8]) -> Result<Stored, Error> {
        let folder = self.files.root().join(&owner.folder);
        let path = folder.join(file_name(digest));
        let failed = |e: io::Error| io_error(format!("write {}", path.display()), &e);
        let looked = self.files.checks.look(&path, digest).map_err(failed)?;
        if !matches!(looked, Looked::Sound(..)) {
            fs::create_dir_all(&folder).map_err(failed)?;
            let mut file = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .tempfile_in(&folder)
                .map_err(failed)?;
            file.write_all(bytes).map_err(failed)?;
            file.as_file().sync_all().map_err(failed)?;
            let file = file.persist(&path).map_err(|e| failed(e.error))?;
            self.files.checks.is_sound(&path, &file).map_err(failed)?;
            fs::File::open(&folder)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
        }
        // Both ages count from now: this one is current, and the one before has
        // just ceased to be.
        let before = others(&folder, digest).map_err(failed)?.into_iter().next();
        let before = before.map(|(_, path)| path);
        for path in before.iter().chain([&path]) {
            self.touch(path).map_err(failed)?;
        }
        Ok(self.place(owner, digest, bytes.len() as u64))
    }

    /// Makes the file one of now. What is known of its content stays known.
    fn touch(&self, path: &Path) -> io::Result<()> {
        let checks = &self.files.checks;
        let known = matches!(checks.look_again(path)?, Some(Looked::Sound(..)));
        let file = fs::File::options().append(true).open(path)?;
        file.set_modified(SystemTime::now())?;
        if known {
            checks.is_sound(path, &file)?;
        }
        Ok(())
    }

    /// Whether the artifact is there and fits its digest.
    pub fn holds(&self, owner: &Owner, digest: Digest) -> bool {
        let path = self.files.path(owner, digest);
        let looked = self.files.checks.look(&path, digest);
        matches!(looked, Ok(Looked::Sound(..)))
    }

    /// Removes what the retention does not keep; `current` stays.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn collect(&self, owner: &Owner, current: Digest) -> Result<usize, Error> {
        let folder = self.files.root().join(&owner.folder);
        let failed = |e: io::Error| io_error(format!("collect {}", folder.display()), &e);
        let old = others(&folder, current).map_err(failed)?;
        let mut removed = 0;
        for (i, (modified, path)) in old.into_iter().enumerate() {
            let age = modified.elapsed().unwrap_or_default();
            if i + 1 >= self.retention.records.max(1) || age > self.retention.ttl {
                fs::remove_file(&path).map_err(failed)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes every artifact of `owner`.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, owner: &Owner) -> Result<(), Error> {
        let folder = self.files.root().join(&owner.folder);
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(io_error(format!("remove {}", folder.display()), &e))
            }
            _ => Ok(()),
        }
    }
}

/// What lies in `folder` beside the artifact `current`, the newest first.
fn others(folder: &Path, current: Digest) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut others = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().and_then(named) != Some(current) {
            others.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    others.sort_by(|a, b| b.cmp(a));
    Ok(others)
}

fn io_error(attempted: String, reason: &io::Error) -> Error {
    Error::Io {
        attempted,
        reason: reason.to_string(),
    }
}

/// Removes below `folder` what is unfinished or damaged. Only folders as deep
/// as an owner's are ours.
fn sweep(files: &Artifacts, folder: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if entry.file_type()?.is_dir() {
            if depth < 3 {
                sweep(files, &path, depth + 1)?;
            }
        } else if name.starts_with(UNFINISHED) {
            fs::remove_file(&path)?;
        } else if let Some(digest) = named(name)
            && matches!(files.checks.look(&path, digest)?, Looked::Damaged)
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(root: &Path) -> Storage {
        let retention = Retention {
            ttl: Duration::from_secs(60),
            records: 2,
        };
        Storage::open(
            root,
            "flux-apim.flux-system.svc",
            retention,
            Counter::default(),
        )
        .unwrap()
    }

    fn owner() -> Owner {
        Owner::new("externalartifact", "apis", "contoso").unwrap()
    }

    fn put(storage: &Storage, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        storage.put(&owner(), digest, bytes).unwrap();
        digest
    }

    #[test]
    fn an_artifact_survives_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let digest = put(&storage(root.path()), b"one");
        assert!(storage(root.path()).holds(&owner(), digest));
    }

    #[test]
    fn opening_removes_what_is_damaged_or_unfinished() {
        let root = tempfile::tempdir().unwrap();
        let first = storage(root.path());
        let (good, bad) = (put(&first, b"good"), put(&first, b"bad"));
        let folder = root.path().join("externalartifact/apis/contoso");
        fs::write(folder.join(file_name(bad)), b"changed").unwrap();
        fs::write(folder.join(".new-x"), b"half").unwrap();
        let again = storage(root.path());
        assert!(again.holds(&owner(), good));
        let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn what_was_damaged_later_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let storage = storage(root.path());
        let digest = put(&storage, b"good");
        let path = storage.files.path(&owner(), digest);
        fs::write(&path, b"evil").unwrap();
        assert!(!storage.holds(&owner(), digest));
        assert_eq!(fs::read(&path).unwrap(), b"evil", "asking changes nothing");
        put(&storage, b"good");
        assert!(storage.holds(&owner(), digest));
        assert_eq!(fs::read(&path).unwrap(), b"good");
    }

    #[test]
    fn what_was_written_need_not_be_read() {
        let root = tempfile::tempdir().unwrap();
        let storage = storage(root.path());
        for digest in [put(&storage, b"1"), put(&storage, b"2")] {
            let path = storage.files.path(&owner(), digest);
            let known = storage.files.checks.look_again(&path).unwrap();
            assert!(matches!(known, Some(Looked::Sound(..))), "{known:?}");
        }
    }

    #[test]
    fn records_and_the_current_one_stay() {
        let root = tempfile::tempdir().unwrap();
        let storage = storage(root.path());
        let digests: Vec<_> = [b"1", b"2", b"3", b"4"].map(|b| put(&storage, b)).into();
        let current = digests[0];
        assert_eq!(storage.collect(&owner(), current).unwrap(), 2);
        assert!(storage.holds(&owner(), current));
        assert_eq!(storage.collect(&owner(), current).unwrap(), 0);
    }

    #[test]
    fn the_age_of_the_one_before_counts_from_when_it_was_replaced() {
        let root = tempfile::tempdir().unwrap();
        let storage = storage(root.path());
        let first = put(&storage, b"1");
        let folder = root.path().join("externalartifact/apis/contoso");
        let file = fs::File::options()
            .append(true)
            .open(folder.join(file_name(first)));
        let hours_ago = SystemTime::now() - Duration::from_secs(7200);
        file.unwrap().set_modified(hours_ago).unwrap();
        let second = put(&storage, b"2");
        assert_eq!(storage.collect(&owner(), second).unwrap(), 0);
        assert!(storage.holds(&owner(), first));
    }

    #[test]
    fn names_that_could_be_paths_are_refused() {
        for name in ["..", ".", "a/b", "", "A", "-a", "a\0"] {
            assert!(
                Owner::new("externalartifact", "ns", name).is_err(),
                "{name:?}"
            );
        }
    }
}
