//! Whether files are what their names say. A file is read once for that, and again
//! only when it is another than it was.

use crate::reuse::Reuse;
use crate::tree::Digest;
use prometheus_client::metrics::counter::Counter;
use sha2::{Digest as _, Sha256};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of what is remembered: some thousand files.
const REMEMBERED: usize = 4 << 20;
/// Bytes of a file that are read at once.
pub(super) const CHUNK: usize = 64 << 10;

/// What tells a file from what it was before, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// Bytes.
    pub(super) size: u64,
    modified: SystemTime,
    /// Number of the file, and when anything of it changed.
    #[cfg(unix)]
    node: (u64, i64, i64),
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> io::Result<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified()?,
            #[cfg(unix)]
            node: (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    fn key(&self, path: &Path) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(self.size.to_le_bytes());
        let modified = self.modified.duration_since(UNIX_EPOCH);
        hasher.update(modified.unwrap_or_default().as_nanos().to_le_bytes());
        #[cfg(unix)]
        {
            let (number, seconds, nanoseconds) = self.node;
            hasher.update(number.to_le_bytes());
            hasher.update(seconds.to_le_bytes());
            hasher.update(nanoseconds.to_le_bytes());
        }
        hasher.update(path.as_os_str().as_encoded_bytes());
        Digest::from_hash(hasher.finalize().into())
    }
}

/// A file that was looked at.
#[derive(Debug)]
pub(super) enum Looked {
    /// It is what its name says.
    Sound(File, Identity),
    /// It is something else.
    Damaged,
    /// There is none.
    Missing,
}

/// What was found out about files. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Checks {
    known: Arc<Reuse>,
    damaged: Counter,
}

impl Checks {
    /// Counts files that are damaged in `damaged`, each once.
    pub(super) fn new(damaged: Counter) -> Self {
        Self {
            known: Arc::new(Reuse::new(REMEMBERED)),
            damaged,
        }
    }

    /// Opens the file at `path`, whose content has `digest` when it is sound. It is read
    /// when it was not looked at before.
    pub(super) fn look(&self, path: &Path, digest: Digest) -> io::Result<Looked> {
        self.look_with(path, digest, hash)
    }

    /// The same when it was looked at before; none when it has to be read.
    pub(super) fn look_again(&self, path: &Path) -> io::Result<Option<Looked>> {
        let Some((file, identity)) = open(path)? else {
            return Ok(Some(Looked::Missing));
        };
        let known = self.known.get::<bool>(&identity.key(path));
        Ok(known.map(|sound| looked(*sound, file, identity)))
    }

    fn look_with(
        &self,
        path: &Path,
        digest: Digest,
        hash: impl FnOnce(&File) -> io::Result<Digest>,
    ) -> io::Result<Looked> {
        let Some((file, identity)) = open(path)? else {
            return Ok(Looked::Missing);
        };
        let key = identity.key(path);
        if let Some(sound) = self.known.get::<bool>(&key) {
            return Ok(looked(*sound, file, identity));
        }
        let sound = hash(&file)? == digest;
        if Identity::of(&file.metadata()?)? != identity {
            return Err(io::Error::other("the file changed while it was read"));
        }
        self.known.put(key, &Arc::new(sound), 0);
        if !sound {
            self.damaged.inc();
            tracing::error!(
                path = %path.display(),
                "an artifact is damaged: its content is not what its name says; it is not served"
            );
        }
        Ok(looked(sound, file, identity))
    }

    /// The file at `path` is known to be sound: we wrote it.
    pub(super) fn is_sound(&self, path: &Path, file: &File) -> io::Result<()> {
        let identity = Identity::of(&file.metadata()?)?;
        self.known.put(identity.key(path), &Arc::new(true), 0);
        Ok(())
    }
}

fn looked(sound: bool, file: File, identity: Identity) -> Looked {
    if sound {
        Looked::Sound(file, identity)
    } else {
        Looked::Damaged
    }
}

fn open(path: &Path) -> io::Result<Option<(File, Identity)>> {
    match File::open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            let identity = Identity::of(&metadata)?;
            Ok(metadata.is_file().then_some((file, identity)))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn hash(mut file: &File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Digest::from_hash(hasher.finalize().into())),
            Ok(read) => hasher.update(chunk.get(..read).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_read_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let checks = Checks::new(Counter::default());
        let digest = Digest::of(b"good");
        let reads = std::cell::Cell::new(0);
        let look = || {
            let counted = |file: &File| {
                reads.set(reads.get() + 1);
                hash(file)
            };
            checks.look_with(&path, digest, counted).unwrap()
        };
        assert!(matches!(look(), Looked::Missing));
        fs::write(&path, b"good").unwrap();
        for _ in 0..3 {
            assert!(matches!(look(), Looked::Sound(..)));
        }
        assert_eq!(reads.get(), 1);
        // As many bytes, at what was its time.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(folder.path().join("y"), b"evil").unwrap();
        fs::rename(folder.path().join("y"), &path).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        for _ in 0..3 {
            assert!(matches!(look(), Looked::Damaged));
        }
        assert_eq!((reads.get(), checks.damaged.get()), (2, 1));
    }
}
