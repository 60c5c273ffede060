//! Files of folders that are opened again and again: what did not change is not read again.

use crate::tree::{ArtifactPath, Digest};
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A file that changed later than this ago may change again without another time: clocks of
/// file systems tick.
const SETTLED: Duration = Duration::from_millis(100);

/// By what a file is known to be as it was: its size and its time of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    changed: SystemTime,
}

impl Stamp {
    /// Of a file that may be kept.
    fn of(metadata: &Metadata) -> Option<Self> {
        let changed = metadata.modified().ok()?;
        let age = SystemTime::now().duration_since(changed).ok()?;
        (age > SETTLED).then_some(Self {
            len: metadata.len(),
            changed,
        })
    }
}

/// A file as it was read.
#[derive(Debug, Clone)]
pub(super) struct File {
    stamp: Stamp,
    pub(super) bytes: Arc<[u8]>,
    pub(super) digest: Digest,
}

/// Files that earlier openings of folders read, bounded in bytes.
#[derive(Debug)]
pub struct Kept {
    capacity: usize,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    by_path: HashMap<PathBuf, File>,
    bytes: usize,
}

impl Kept {
    /// Room for `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            files: Mutex::default(),
        }
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.files().by_path.is_empty()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of `paths` below `root` that are as they were read. What is there no more is
    /// forgotten.
    pub(super) fn unchanged<'p>(
        &self,
        root: &Path,
        paths: impl Iterator<Item = &'p ArtifactPath>,
    ) -> HashMap<ArtifactPath, File> {
        let mut unchanged = HashMap::new();
        let mut files = self.files();
        for path in paths {
            let full = root.join(path.as_str());
            let Some(known) = files.by_path.get(&full) else {
                continue;
            };
            let now = full.symlink_metadata().ok().filter(Metadata::is_file);
            if now.and_then(|now| Stamp::of(&now)) == Some(known.stamp) {
                unchanged.insert(path.clone(), known.clone());
            }
        }
        files.by_path.retain(|full, _| {
            let below = full.strip_prefix(root).ok().and_then(Path::to_str);
            below.is_none_or(|below| {
                ArtifactPath::parse(below).is_ok_and(|below| unchanged.contains_key(&below))
            })
        });
        files.bytes = files.by_path.values().map(|file| file.bytes.len()).sum();
        unchanged
    }

    /// Keeps `bytes` of the file at `full`, which was as `metadata` says before it was read.
    pub(super) fn put(&self, full: PathBuf, metadata: &Metadata, bytes: &[u8]) {
        let Some(stamp) = Stamp::of(metadata).filter(|stamp| stamp.len == bytes.len() as u64)
        else {
            return;
        };
        let known = self.files().by_path.get(&full).map(|file| file.stamp);
        if known == Some(stamp) {
            return;
        }
        let file = File {
            stamp,
            bytes: bytes.into(),
            digest: Digest::of(bytes),
        };
        let mut files = self.files();
        if files.bytes + bytes.len() > self.capacity {
            return;
        }
        files.bytes += bytes.len();
        if let Some(old) = files.by_path.insert(full, file) {
            files.bytes -= old.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("a");
        let paths = [ArtifactPath::parse("a").unwrap()];
        let write = |text: &str, age: u64| {
            std::fs::write(&full, text).unwrap();
            let changed = SystemTime::now() - Duration::from_secs(age);
            let file = std::fs::File::options().append(true).open(&full).unwrap();
            file.set_modified(changed).unwrap();
        };
        let kept = Kept::new(8);
        let put = |text: &str| kept.put(full.clone(), &full.metadata().unwrap(), text.as_bytes());
        let is_kept = || !kept.unchanged(folder.path(), paths.iter()).is_empty();
        write("one", 0);
        put("one");
        assert!(!is_kept(), "it changed just now");
        write("one", 60);
        put("one");
        assert!(is_kept());
        write("two", 50);
        assert!(!is_kept());
        put("one, longer than the file");
        assert!(!is_kept(), "it changed while it was read");
        put("two");
        assert!(is_kept());
        std::fs::remove_file(&full).unwrap();
        assert!(!is_kept() && kept.is_empty());
        write("longer than there is room", 60);
        put("longer than there is room");
        assert!(!is_kept());
    }
}
