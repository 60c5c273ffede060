//! `.tar.gz` archives, as source-controller writes them: read into memory,
//! never unpacked to disk, nothing in them believed.

use super::gzip::Members;
use super::names::Names;
use super::origin::plain;
use super::{Error, OpenOptions, Opened, over, refused, submodules, within};
use crate::diag::{Diagnostic, Held, Meter, Place, excerpt};
use crate::rules::{archive_corrupt, archive_entry_refused, digest_mismatch, symlink_skipped};
use crate::tree::{ArtifactPath, Digest, Limits, SourceTree};
use std::collections::BTreeMap;
use std::io::Read;
use tar::{EntryType, PaxExtensions};

/// The compression ratio counts after this much was unpacked.
const RATIO_FREE: u64 = 1 << 20;
/// Longest extended header that is read, in bytes: times, owners, a path.
const MAX_EXTENSION: u64 = 64 << 10;
/// Steps of a header of the tar: its checksum, the checks of its path.
const STEPS: u64 = 50;
/// Bytes that a file takes beside its path and content.
const FILE: usize = 128;

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
    let (tree, mut notes) = unpack(bytes, options)?;
    notes.extend(submodules::missing(&tree));
    Ok(Opened {
        tree,
        origin,
        only: None,
        notes,
    })
}

pub(super) fn check_digest(actual: Digest, expected: Option<Digest>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != actual => {
            Err(refused(digest_mismatch::found(actual, expected)))
        }
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
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.unpacked += n as u64;
        self.meter.spend(n as u64 / 64 + 1, Place::Source);
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

type Tar<'b> = tar::Archive<Metered<Members<&'b [u8]>>>;

fn unpack(bytes: &[u8], options: &OpenOptions) -> Result<(SourceTree, Vec<Diagnostic>), Error> {
    let limits = &options.limits;
    let mut archive = tar::Archive::new(Metered {
        inner: Members::new(bytes, limits.max_gzip_members, &options.budget),
        packed: bytes.len() as u64,
        unpacked: 0,
        limits: limits.clone(),
        exceeded: None,
        meter: options.budget.meter(),
    });
    let mut unpacked = Unpacked {
        limits,
        files: BTreeMap::new(),
        names: Names::default(),
        notes: Vec::new(),
        held: options.budget.hold(0, Place::Source),
        total: 0,
        count: 0,
    };
    let outcome = unpacked.entries(&mut archive, &options.budget.meter());
    let mut metered = archive.into_inner();
    // What follows the end of the tar must still be a whole gzip stream, and
    // padding: readers that go on would see other files than we do.
    let rest = padding(&mut metered);
    if let Some(exceeded) = metered.exceeded {
        return Err(exceeded);
    }
    if metered.inner.exceeded() {
        let cap = limits.max_gzip_members;
        let what = "members of the gzip stream are more than";
        return Err(over("", what, cap, cap, "max-gzip-members"));
    }
    outcome?;
    rest.map_err(|error| corrupt(&error))?;
    let tree = SourceTree::held(unpacked.files, unpacked.held);
    Ok((tree, unpacked.notes))
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

fn corrupt(error: &impl ToString) -> Error {
    refused(archive_corrupt::found(&error.to_string()))
}

/// What stands before an entry and is about it.
#[derive(Default)]
struct Extensions {
    /// A name that GNU tar writes by itself.
    name: Option<Vec<u8>>,
    /// The name that a link leads to, which nobody follows.
    link: bool,
    /// The extended header (pax) of the entry that follows.
    pax: Option<Vec<u8>>,
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.name.is_none() && !self.link && self.pax.is_none()
    }

    /// Takes `entry`, if it is about the next one. Its size is checked before
    /// it is read.
    fn take(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        limits: &Limits,
    ) -> Result<bool, Error> {
        let header = entry.header();
        if header.as_gnu().is_none() && header.as_ustar().is_none() {
            return Ok(false);
        }
        let twice = match header.entry_type() {
            EntryType::GNULongName => self.name.is_some(),
            EntryType::GNULongLink => std::mem::replace(&mut self.link, true),
            EntryType::XHeader => self.pax.is_some(),
            _ => return Ok(false),
        };
        if twice {
            return Err(corrupt(&"two headers of one kind describe the same entry"));
        }
        let size = entry.size();
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                // A NUL ends the name.
                let length = size.saturating_sub(1);
                if length > limits.max_path_bytes {
                    let what = "bytes of the path";
                    let cap = limits.max_path_bytes;
                    return Err(over("", what, length, cap, "max-path-bytes"));
                }
                let mut name = whole(entry, "a long name")?;
                if name.last() == Some(&0) {
                    name.pop();
                }
                self.name = Some(name);
            }
            EntryType::XHeader => {
                if size > MAX_EXTENSION {
                    let finding = archive_entry_refused::extension(size, MAX_EXTENSION);
                    return Err(refused(finding));
                }
                self.pax = Some(whole(entry, "an extended header")?);
            }
            _ => {}
        }
        Ok(true)
    }

    /// The name of the entry with the header `header`, and whether it is a
    /// sparse file. An extended header must be well-formed: readers that skip
    /// what they cannot read see another name.
    fn name_of(self, header: &tar::Header, size: u64) -> Result<(Vec<u8>, bool), Error> {
        let (mut path, mut sparse) = (None, false);
        for record in PaxExtensions::new(self.pax.as_deref().unwrap_or_default()) {
            let record = record.map_err(|e| corrupt(&e))?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" if path.is_none() => path = Some(value.to_vec()),
                b"size" if *value != *size.to_string().as_bytes() => {
                    return Err(corrupt(&"an extended header gives its file another size"));
                }
                key => sparse |= key.starts_with(b"GNU.sparse"),
            }
        }
        let name = self.name.or(path);
        Ok((
            name.unwrap_or_else(|| header.path_bytes().into_owned()),
            sparse,
        ))
    }
}

/// All bytes of `entry`. Its size is not believed: nothing is allocated for it.
fn whole(entry: &mut tar::Entry<'_, impl Read>, what: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|e| corrupt(&e))?;
    if bytes.len() as u64 != entry.size() {
        return Err(corrupt(&format!("{what} ends early")));
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}

struct Unpacked<'l> {
    limits: &'l Limits,
    files: BTreeMap<ArtifactPath, Vec<u8>>,
    names: Names,
    notes: Vec<Diagnostic>,
    held: Held,
    total: u64,
    count: u64,
}

impl Unpacked<'_> {
    /// Reads header by header: what stands before an entry is bounded before it
    /// is read.
    fn entries(&mut self, archive: &mut Tar<'_>, meter: &Meter) -> Result<(), Error> {
        let mut before = Extensions::default();
        for entry in archive.entries().map_err(|e| corrupt(&e))?.raw(true) {
            let mut entry = entry.map_err(|e| corrupt(&e))?;
            meter.spend(STEPS, Place::Source);
            if before.take(&mut entry, self.limits)? {
                continue;
            }
            if entry.header().entry_type() == EntryType::XGlobalHeader {
                if !before.is_empty() {
                    return Err(corrupt(&"a global header follows the name of a file"));
                }
                continue;
            }
            let size = entry.size();
            let (name, sparse) = std::mem::take(&mut before).name_of(entry.header(), size)?;
            self.entry(&mut entry, &name, sparse)?;
        }
        if before.is_empty() {
            Ok(())
        } else {
            Err(corrupt(
                &"it ends with the name of a file that is not there",
            ))
        }
    }

    fn entry(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        raw: &[u8],
        sparse: bool,
    ) -> Result<(), Error> {
        let limits = self.limits;
        let shown = excerpt(&String::from_utf8_lossy(&raw[..raw.len().min(1000)]), 200);
        let no = |why: &str| refused(archive_entry_refused::entry(&shown, why));
        self.count += 1;
        if self.count > limits.max_files {
            return Err(over(
                &shown,
                "files and folders",
                self.count,
                limits.max_files,
                "max-files",
            ));
        }
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNUSparse => return Err(corrupt(&format!("`{shown}` is a sparse file"))),
            _ if sparse => return Err(no("it is a sparse file")),
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            // Readers differ in whether such data is there.
            EntryType::Symlink if entry.size() > 0 => {
                return Err(no("it is a symbolic link with data"));
            }
            EntryType::Symlink => {}
            EntryType::Link => return Err(no("it is a hard link")),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(no("it is a device"));
            }
            _ => return Err(no("it is neither a regular file nor a folder")),
        }
        let folder = kind == EntryType::Directory;
        let Ok(path) = std::str::from_utf8(raw) else {
            return Err(no("its name is not UTF-8"));
        };
        within(path, limits)?;
        if folder && matches!(path, "." | "./") {
            return Ok(());
        }
        let path = ArtifactPath::parse(path).map_err(|why| no(&why.to_string()))?;
        // A link has its name too: nothing may lie below it.
        let named = self
            .names
            .claim(path.as_str(), folder)
            .map_err(|why| no(&why))?;
        self.hold(named);
        if kind == EntryType::Symlink {
            self.hold(FILE + 4 * path.as_str().len());
            self.notes.push(symlink_skipped::found(path.as_str()));
            return Ok(());
        }
        if folder {
            return Ok(());
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
        self.total += size;
        if self.total > limits.max_total_bytes {
            return Err(over(
                &shown,
                "bytes of all files",
                self.total,
                limits.max_total_bytes,
                "max-total-bytes",
            ));
        }
        self.hold(FILE + 2 * path.as_str().len());
        self.hold(usize::try_from(size).unwrap_or(usize::MAX));
        let bytes = whole(entry, &format!("`{shown}`"))?;
        self.files.insert(path, bytes);
        Ok(())
    }

    fn hold(&mut self, more: usize) {
        let bytes = usize::try_from(self.held.bytes()).unwrap_or(usize::MAX);
        self.held.grow(bytes.saturating_add(more), Place::Source);
    }
}
