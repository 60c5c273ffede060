//! `validate --watch`: looks at folders until something in them changes.
//!
//! Files are asked for their size and time of change: that works on every file system, also
//! where the operating system tells nobody of changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Least time between two looks.
const PAUSE: Duration = Duration::from_millis(30);
/// A look may take this part of the time.
const SHARE: u32 = 10;

/// Files as they were seen, by path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Seen {
    /// What is below `roots` now. What cannot be read is not there.
    pub(super) fn now(roots: &[PathBuf]) -> Self {
        let mut files = BTreeMap::new();
        // Links are followed where somebody named them, as when a source is read.
        let mut stack: Vec<(PathBuf, bool)> = roots.iter().map(|r| (r.clone(), true)).collect();
        while let Some((path, is_root)) = stack.pop() {
            let metadata = match is_root {
                true => path.metadata(),
                false => path.symlink_metadata(),
            };
            let Ok(metadata) = metadata else { continue };
            if !metadata.is_dir() {
                files.insert(path, (metadata.len(), metadata.modified().ok()));
            } else if let Ok(entries) = std::fs::read_dir(&path) {
                let entries = entries.flatten();
                // Git writes there while it is asked what it tracks.
                let paths = entries.map(|entry| entry.path());
                let paths = paths.filter(|path| !path.ends_with(".git"));
                stack.extend(paths.map(|path| (path, false)));
            }
        }
        Self(files)
    }

    /// The first path that `other` has otherwise.
    fn difference<'s>(&'s self, other: &'s Self) -> Option<&'s Path> {
        let has = |seen: &Self, path: &PathBuf| seen.0.get(path).copied();
        let mut all = self.0.keys().chain(other.0.keys());
        let changed = all.find(|path| has(self, path) != has(other, path));
        changed.map(PathBuf::as_path)
    }

    /// Waits until something is otherwise than it was seen, and says what: a path, and
    /// everything as it is then.
    pub(super) fn changed(&self, roots: &[PathBuf]) -> (PathBuf, Self) {
        let mut pause = PAUSE;
        loop {
            std::thread::sleep(pause);
            let start = Instant::now();
            let now = Self::now(roots);
            if let Some(path) = self.difference(&now) {
                return (path.to_owned(), now);
            }
            pause = PAUSE.max(start.elapsed() * SHARE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn files_that_come_go_and_change_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let roots = [folder.path().to_owned()];
        let file = folder.path().join("a/b.json");
        let empty = Seen::now(&roots);
        std::fs::create_dir_all(folder.path().join("a")).unwrap();
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join(".git/index"), "x").unwrap();
        assert_eq!(empty, Seen::now(&roots));
        std::fs::write(&file, "{}").unwrap();
        let (path, first) = empty.changed(&roots);
        assert_eq!(path, file);
        std::fs::write(&file, "{} ").unwrap();
        let (path, second) = first.changed(&roots);
        assert_eq!((path, second == Seen::now(&roots)), (file.clone(), true));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(second.changed(&roots), (file, empty));
    }
}
