//! Paths and bytes of one source revision, read-only.
//!
//! A [`SourceTree`] lists every file in path order; [`FileId`] is a file's
//! place in that order. Bytes are asked for when they are needed, so that a
//! directory is never held in memory as a whole; who reads them is decided at
//! the edge ([`ReadFile`]).

mod digest;
mod limits;
mod path;

pub use digest::{Digest, NotADigest};
pub use limits::{Limit, Limits};
pub use path::folded;
pub use path::{ArtifactPath, PathError};
pub use path::{join, relative_to};

use crate::Held;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A file of a [`SourceTree`]: its place in path order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// Reads the bytes of a file that the tree lists.
pub trait ReadFile: Send + Sync {
    /// The file's bytes.
    ///
    /// # Errors
    /// What the world answered instead.
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError>;

    /// The digest of the file's bytes. Who knows it from before reads nothing.
    ///
    /// # Errors
    /// As [`ReadFile::read`].
    fn digest(&self, path: &ArtifactPath) -> Result<Digest, ReadError> {
        Ok(Digest::of(&self.read(path)?))
    }
}

/// The world would not give a file that the tree lists.
#[derive(Debug, Clone, thiserror::Error)]
#[error("read {path}: {reason}")]
pub struct ReadError {
    /// The file that could not be read.
    pub path: ArtifactPath,
    /// What the operating system said.
    pub reason: String,
}

#[derive(Debug)]
struct Entry {
    path: ArtifactPath,
    size: u64,
}

/// The files of one source revision.
#[derive(Clone)]
pub struct SourceTree {
    entries: Arc<[Entry]>,
    reader: Arc<dyn ReadFile>,
}

impl fmt::Debug for SourceTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceTree")
            .field("files", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl SourceTree {
    /// A tree of `files` (path and size in bytes) whose bytes `reader` gives.
    pub fn new(files: BTreeMap<ArtifactPath, u64>, reader: Arc<dyn ReadFile>) -> Self {
        let entries = files
            .into_iter()
            .map(|(path, size)| Entry { path, size })
            .collect();
        Self { entries, reader }
    }

    /// A tree held in memory.
    pub fn in_memory(files: BTreeMap<ArtifactPath, Vec<u8>>) -> Self {
        let sizes = files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.len() as u64))
            .collect();
        Self::new(sizes, Arc::new(Memory { files, _held: None }))
    }

    /// A tree held in memory, which counts as `held` while it lives.
    pub fn held(files: BTreeMap<ArtifactPath, Vec<u8>>, held: Held) -> Self {
        let sizes = files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.len() as u64))
            .collect();
        let held = Some(held);
        Self::new(sizes, Arc::new(Memory { files, _held: held }))
    }

    /// Every file, in path order.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &ArtifactPath)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(i, entry)| (file_id(i), &entry.path))
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The path of `file`.
    pub fn path(&self, file: FileId) -> &ArtifactPath {
        &self.entries[file.0 as usize].path
    }

    /// The size of `file` in bytes, as listed.
    pub fn size(&self, file: FileId) -> u64 {
        self.entries[file.0 as usize].size
    }

    /// The file at `path`.
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.entries
            .binary_search_by(|entry| entry.path.as_str().cmp(path))
            .ok()
            .map(file_id)
    }

    /// Every file below `folder` (empty for all), in path order, with its path
    /// from there.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (FileId, &'a str)> {
        let inside = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let first = self
            .entries
            .partition_point(|entry| entry.path.as_str() < inside.as_str());
        self.entries[first..]
            .iter()
            .enumerate()
            .map_while(move |(i, entry)| {
                let path = entry.path.as_str().strip_prefix(&inside)?;
                Some((file_id(first + i), path))
            })
    }

    /// The same tree without what lies below one of `folders`.
    pub fn without(&self, folders: &[String]) -> Self {
        let folders: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
        // Each folder above the file is looked up; the empty one holds all.
        let inside = |path: &ArtifactPath| {
            let path = path.as_str();
            let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
            folders.contains("") || above.any(|folder| folders.contains(folder))
        };
        let files = self.entries.iter().filter(|entry| !inside(&entry.path));
        let files = files
            .map(|entry| (entry.path.clone(), entry.size))
            .collect();
        Self::new(files, Arc::clone(&self.reader))
    }

    /// The same tree with the files that `keep` says.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&ArtifactPath) -> bool) -> Self {
        let files = self.entries.iter().filter(|entry| keep(&entry.path));
        let files = files
            .map(|entry| (entry.path.clone(), entry.size))
            .collect();
        Self::new(files, Arc::clone(&self.reader))
    }

    /// The same tree with one more file.
    #[must_use]
    pub fn with(&self, path: ArtifactPath, bytes: Vec<u8>) -> Self {
        let files = self.entries.iter();
        let mut files: BTreeMap<ArtifactPath, u64> = files
            .map(|entry| (entry.path.clone(), entry.size))
            .collect();
        files.insert(path.clone(), bytes.len() as u64);
        let rest = Arc::clone(&self.reader);
        Self::new(files, Arc::new(OneMore { path, bytes, rest }))
    }

    /// The bytes of `file`.
    ///
    /// # Errors
    /// What the reader answered instead.
    pub fn read(&self, file: FileId) -> Result<Cow<'_, [u8]>, ReadError> {
        self.reader.read(self.path(file))
    }

    /// The digest of the bytes of `file`.
    ///
    /// # Errors
    /// As [`SourceTree::read`].
    pub fn digest(&self, file: FileId) -> Result<Digest, ReadError> {
        self.reader.digest(self.path(file))
    }
}

fn file_id(index: usize) -> FileId {
    FileId(u32::try_from(index).unwrap_or(u32::MAX))
}

struct OneMore {
    path: ArtifactPath,
    bytes: Vec<u8>,
    rest: Arc<dyn ReadFile>,
}

impl ReadFile for OneMore {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        if *path == self.path {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        self.rest.read(path)
    }

    fn digest(&self, path: &ArtifactPath) -> Result<Digest, ReadError> {
        match *path == self.path {
            true => Ok(Digest::of(&self.bytes)),
            false => self.rest.digest(path),
        }
    }
}

struct Memory {
    files: BTreeMap<ArtifactPath, Vec<u8>>,
    _held: Option<Held>,
}

impl ReadFile for Memory {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        match self.files.get(path) {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => Err(ReadError {
                path: path.clone(),
                reason: "no such file".into(),
            }),
        }
    }
}
