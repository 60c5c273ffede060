//! A blob on its way through a file, so that no large one is in memory whole.

use super::{Descriptor, Error};
use crate::tree::Digest;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use sha2::Digest as _;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Larger blobs go through a file.
pub(super) const LARGE: u64 = 8 << 20;
/// What is read of it at once.
const PIECE: usize = 1 << 20;

/// Bytes in a file without a name, which goes with the last clone.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Mutex<Written>>);

#[derive(Debug)]
struct Written {
    file: File,
    hash: sha2::Sha256,
    size: u64,
}

impl Spool {
    /// An empty one, where the system has its temporary files.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn new() -> Result<Self, Error> {
        let made = tempfile::tempfile();
        let file = made.map_err(|e| Error::io("make a temporary file", e))?;
        Ok(Self(Arc::new(Mutex::new(Written {
            file,
            hash: sha2::Sha256::new(),
            size: 0,
        }))))
    }

    /// Takes out what is in it.
    pub(super) fn clear(&self) -> Result<(), Error> {
        self.with("empty", |written| {
            written.hash = sha2::Sha256::new();
            written.size = 0;
            written.file.set_len(0)?;
            written.file.rewind()
        })
    }

    /// Adds `bytes` at the end. Nobody reads before all is written.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<(), Error> {
        self.with("write", |written| {
            written.hash.update(bytes);
            written.size += bytes.len() as u64;
            written.file.write_all(bytes)
        })
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.size
    }

    /// The bytes `from..to`, or what there is of them.
    pub(super) fn read(&self, from: u64, to: u64) -> Result<Bytes, Error> {
        self.with("read", |written| {
            let mut bytes = Vec::new();
            written.file.seek(SeekFrom::Start(from))?;
            let mut part = (&written.file).take(to.saturating_sub(from));
            part.read_to_end(&mut bytes)?;
            Ok(bytes.into())
        })
    }

    /// All of it, piece by piece.
    pub(super) fn pieces(&self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        stream::unfold((self.clone(), 0), |(spool, at)| async move {
            match spool.read(at, at + PIECE as u64) {
                Ok(piece) if piece.is_empty() => None,
                Ok(piece) => {
                    let next = at + piece.len() as u64;
                    Some((Ok(piece), (spool, next)))
                }
                Err(error) => Some((Err(error), (spool, u64::MAX - PIECE as u64))),
            }
        })
    }

    /// Holds what is in it against size and digest of `what`.
    pub(super) fn check(
        &self,
        what: &Descriptor,
        attempted: impl Fn() -> String,
    ) -> Result<(), Error> {
        let mismatch = |expected: String, found: String| Error::Mismatch {
            attempted: attempted(),
            expected,
            found,
        };
        let (size, hash) = {
            let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (written.size, written.hash.clone())
        };
        if size != what.size {
            let expected = format!("{} bytes", what.size);
            return Err(mismatch(expected, size.to_string()));
        }
        let hex: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let found = format!("sha256:{hex}").parse::<Digest>();
        match found {
            Ok(found) if found == what.digest => Ok(()),
            _ => Err(mismatch(what.digest.to_string(), format!("sha256:{hex}"))),
        }
    }

    fn with<T>(
        &self,
        verb: &str,
        work: impl FnOnce(&mut Written) -> io::Result<T>,
    ) -> Result<T, Error> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut written).map_err(|e| Error::io(format!("{verb} a temporary file"), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};

    #[test]
    fn what_is_written_is_read_and_checked() {
        let bytes: Vec<u8> = (0..2 * PIECE + 7).map(|n| n as u8).collect();
        let what = Descriptor::of("text/plain", &bytes);
        let spool = Spool::new().unwrap();
        spool.append(b"half of an answer").unwrap();
        spool.clear().unwrap();
        assert!(spool.check(&what, String::new).is_err());
        for part in bytes.chunks(100_003) {
            spool.append(part).unwrap();
        }
        spool.check(&what, String::new).unwrap();
        assert_eq!(spool.read(5, 9).unwrap(), bytes[5..9]);
        let size = spool.size();
        assert_eq!(
            spool.read(size - 2, size + 9).unwrap(),
            bytes[bytes.len() - 2..]
        );
        let pieces: Vec<_> = spool.pieces().collect().now_or_never().unwrap();
        let pieces: Vec<Bytes> = pieces.into_iter().map(Result::unwrap).collect();
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces.concat(), bytes);
        let other = Descriptor::of("text/plain", &vec![0; bytes.len()]);
        assert!(spool.check(&other, String::new).is_err());
    }
}
