//! `.tar.gz` archives, as source-controller writes them: read into memory,
//! never unpacked to disk, nothing in them believed.

use super::directory::plain;
use super::{Error, OpenOptions, Opened, over, refused};
use crate::diag::{excerpt, rules};
use crate::tree::{ArtifactPath, Digest, Limits, SourceTree, folded};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use tar::EntryType;

/// The compression ratio counts after this much was unpacked.
const RATIO_FREE: u64 = 1 << 20;

/// All of `reader`, at most the cap on archives.
pub(super) fn read_capped(
    reader: impl Read,
    attempted: &str,
    options: &OpenOptions,
) -> Result<Vec<u8>, Error> {
    let cap = options.limits.max_archive_bytes;
    let mut bytes = Vec::new();
    reader
        .take(cap + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io(attempted, &e))?;
    if bytes.len() as u64 > cap {
        return Err(over(
            "",
            "bytes of the archive are more than",
            cap,
            cap,
            "max-archive-bytes",
        ));
    }
    Ok(bytes)
}

/// Checks the digest before one byte is parsed, then unpacks.
pub(super) fn open(bytes: &[u8], kind: &str, options: &OpenOptions) -> Result<Opened, Error> {
    let actual = Digest::of(bytes);
    check_digest(actual, options.digest)?;
    let mut origin = plain(kind);
    origin.digest = Some(actual.to_string());
    Ok(Opened {
        tree: unpack(bytes, &options.limits)?,
        origin,
        only: None,
        notes: Vec::new(),
    })
}

pub(super) fn check_digest(actual: Digest, expected: Option<Digest>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != actual => Err(refused(
            &rules::DIGEST_MISMATCH,
            "",
            format!("the source has the digest {actual}, but {expected} was asked for"),
            "take the digest from where you trust it; nothing of the source was parsed",
        )),
        _ => Ok(()),
    }
}

/// Unpacked bytes against packed ones, and against the cap on all of them.
struct Metered<R> {
    inner: R,
    packed: u64,
    unpacked: u64,
    limits: Limits,
    exceeded: Option<Error>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.unpacked += n as u64;
        let ratio = self.unpacked.saturating_sub(RATIO_FREE) / self.packed.max(1);
        if ratio > self.limits.max_compression_ratio {
            let cap = self.limits.max_compression_ratio;
            self.exceeded = Some(over(
                "",
                "unpacked bytes for each packed byte",
                ratio,
                cap,
                "max-compression-ratio",
            ));
        }
        // Headers and padding come on top of the files themselves.
        let cap = self.limits.max_total_bytes + self.limits.max_files * 2048;
        if self.unpacked > cap {
            self.exceeded = Some(over(
                "",
                "unpacked bytes",
                self.unpacked,
                self.limits.max_total_bytes,
                "max-total-bytes",
            ));
        }
        if self.exceeded.is_some() {
            return Err(std::io::Error::other("a cap was exceeded"));
        }
        Ok(n)
    }
}

fn unpack(bytes: &[u8], limits: &Limits) -> Result<SourceTree, Error> {
    let mut archive = tar::Archive::new(Metered {
        inner: MultiGzDecoder::new(bytes),
        packed: bytes.len() as u64,
        unpacked: 0,
        limits: limits.clone(),
        exceeded: None,
    });
    let outcome = entries(&mut archive, limits);
    let mut metered = archive.into_inner();
    // What follows the end of the tar must still be a whole gzip stream, and
    // padding: readers that go on would see other files than we do.
    let rest = padding(&mut metered);
    if let Some(exceeded) = metered.exceeded {
        return Err(exceeded);
    }
    let files = outcome?;
    rest.map_err(|error| corrupt(&error))?;
    Ok(SourceTree::in_memory(files))
}

fn padding(rest: &mut impl Read) -> std::io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(()),
            n if buffer[..n].iter().all(|byte| *byte == 0) => {}
            _ => return Err(std::io::Error::other("data follows the end of the tar")),
        }
    }
}

fn corrupt(error: &std::io::Error) -> Error {
    refused(
        &rules::ARCHIVE_CORRUPT,
        "",
        format!(
            "the archive cannot be read: {}",
            excerpt(&error.to_string(), 200)
        ),
        "it must be a complete gzip-compressed tar; fetch it again",
    )
}

fn entries(
    archive: &mut tar::Archive<Metered<MultiGzDecoder<&[u8]>>>,
    limits: &Limits,
) -> Result<BTreeMap<ArtifactPath, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    // Paths in lower case, with their spelling and whether they are folders.
    let mut seen: BTreeMap<String, (String, bool)> = BTreeMap::new();
    let mut total = 0;
    let mut count = 0;
    for entry in archive.entries().map_err(|e| corrupt(&e))? {
        let mut entry = entry.map_err(|e| corrupt(&e))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let sparse = extensions(&mut entry)?;
        let raw = entry.path_bytes().into_owned();
        let shown = excerpt(&String::from_utf8_lossy(&raw), 200);
        let no = |why: &str| {
            refused(
                &rules::ARCHIVE_ENTRY,
                &shown,
                format!("the entry `{shown}` is refused: {why}"),
                "only regular files and folders with plain relative names are read",
            )
        };
        count += 1;
        if count > limits.max_files {
            return Err(over(
                &shown,
                "files and folders",
                count,
                limits.max_files,
                "max-files",
            ));
        }
        let folder = match kind {
            _ if sparse => return Err(no("it is a sparse file")),
            EntryType::Regular | EntryType::Continuous => false,
            EntryType::Directory => true,
            EntryType::Symlink => return Err(no("it is a symbolic link")),
            EntryType::Link => return Err(no("it is a hard link")),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(no("it is a device"));
            }
            _ => return Err(no("it is neither a regular file nor a folder")),
        };
        let Ok(path) = std::str::from_utf8(&raw) else {
            return Err(no("its name is not UTF-8"));
        };
        if path.len() as u64 > limits.max_path_bytes {
            return Err(over(
                &shown,
                "bytes of the path",
                path.len() as u64,
                limits.max_path_bytes,
                "max-path-bytes",
            ));
        }
        if folder && matches!(path, "." | "./") {
            continue;
        }
        let path = ArtifactPath::parse(path).map_err(|why| no(&why.to_string()))?;
        claim(&mut seen, path.as_str(), folder).map_err(|why| no(&why))?;
        if folder {
            continue;
        }
        let size = entry.header().size().unwrap_or(u64::MAX).max(entry.size());
        if size > limits.max_file_bytes {
            return Err(over(
                &shown,
                "bytes of the file",
                size,
                limits.max_file_bytes,
                "max-file-bytes",
            ));
        }
        total += size;
        if total > limits.max_total_bytes {
            return Err(over(
                &shown,
                "bytes of all files",
                total,
                limits.max_total_bytes,
                "max-total-bytes",
            ));
        }
        // The header's size is not believed: nothing is allocated for it.
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| corrupt(&e))?;
        if bytes.len() as u64 != entry.size() {
            return Err(corrupt(&std::io::Error::other(format!(
                "`{shown}` ends early"
            ))));
        }
        files.insert(path, bytes);
    }
    Ok(files)
}

/// Reads the extended header of `entry`, which must be well-formed: readers
/// that skip what they cannot read see another name. Whether it declares a
/// sparse file.
fn extensions(entry: &mut tar::Entry<'_, impl Read>) -> Result<bool, Error> {
    let mut sparse = false;
    let records = entry.pax_extensions().map_err(|e| corrupt(&e))?;
    for record in records.into_iter().flatten() {
        let record = record.map_err(|e| corrupt(&e))?;
        sparse |= record.key_bytes().starts_with(b"GNU.sparse");
    }
    Ok(sparse)
}

/// Takes note of `path` and the folders above it.
pub(super) fn claim(
    seen: &mut BTreeMap<String, (String, bool)>,
    path: &str,
    folder: bool,
) -> Result<(), String> {
    let ends = path.match_indices('/').map(|(at, _)| (at, true));
    for (end, is_folder) in ends.chain([(path.len(), folder)]) {
        let part = &path[..end];
        let as_one = folded(part);
        match seen.get(&as_one) {
            None => {
                seen.insert(as_one, (part.to_owned(), is_folder));
            }
            Some((other, _)) if other != part => {
                return Err(format!(
                    "it differs from `{}` in case or accents' encoding only",
                    excerpt(other, 200)
                ));
            }
            Some((_, true)) if is_folder => {}
            Some((_, false)) if is_folder => {
                return Err("a file of the same name is there already".to_owned());
            }
            Some(_) => return Err("it is there twice".to_owned()),
        }
    }
    Ok(())
}
