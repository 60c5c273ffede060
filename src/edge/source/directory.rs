//! Folders: listed at once, read file by file when asked.

use super::kept::{self, Kept};
use super::names::Names;
use super::origin::plain;
use super::{
    Error, OpenOptions, Opened, archive, git, no_digest, over, refused, submodules, within,
};
use crate::bundle::Source;
use crate::diag::{Diagnostic, Held, Place};
use crate::rules::{archive_entry_refused, ignored_by_git, source_unreadable, symlink_skipped};
use crate::tree::{ArtifactPath, Digest, ReadError, ReadFile, SourceTree};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Steps of listing one entry: the operating system is asked for its kind.
const STEPS: u64 = 100;
/// Bytes that an entry takes beside its path.
const ENTRY: usize = 128;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Opened, Error> {
    no_digest(options, path)?;
    let mut notes = Vec::new();
    let tracked = git::tracked(path);
    let (files, held) = list(path, tracked.as_ref(), options, &mut notes)?;
    let tree = tree(path, files, options, held);
    notes.extend(submodules::missing(&tree));
    Ok(Opened {
        tree,
        origin: origin(path, "directory", options),
        only: None,
        notes,
    })
}

/// One document, with the files beside it for its relative references.
pub(super) fn single(path: &Path, options: &OpenOptions) -> Result<Opened, Error> {
    let attempted = || format!("read {}", path.display());
    let kind = path.metadata().map_err(|e| Error::io(attempted(), &e))?;
    if !kind.is_file() {
        return piped(path, options);
    }
    no_digest(options, path)?;
    if let Some(problem) = other_archive(path).map_err(|e| Error::io(attempted(), &e))? {
        let shown = path.display();
        return Err(Error::Usage(format!("{shown} is {problem}")));
    }
    let path = path
        .canonicalize()
        .map_err(|e| Error::io(attempted(), &e))?;
    let size = path.metadata().map_err(|e| Error::io(attempted(), &e))?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Err(Error::Usage(format!(
            "the name of {} is not UTF-8",
            path.display()
        )));
    };
    let own = ArtifactPath::parse(name)
        .map_err(|why| refused(archive_entry_refused::name(name, why.to_string())))?;
    if size.len() > options.limits.max_file_bytes {
        return Err(over(
            name,
            "bytes of the file",
            size.len(),
            options.limits.max_file_bytes,
            "max-file-bytes",
        ));
    }
    // What lies beside may be anything: if it cannot be a tree, the document
    // stands alone.
    let (files, held) = list(folder, None, options, &mut Vec::new())
        .ok()
        .filter(|(files, _)| files.contains_key(&own))
        .unwrap_or_else(|| {
            let held = options.budget.hold(0, Place::Source);
            (BTreeMap::from([(own, size.len())]), held)
        });
    let tree = tree(folder, files, options, held);
    let mut origin = origin(folder, "file", options);
    origin.path = Some(name.to_owned());
    Ok(Opened {
        only: tree.find(name),
        tree,
        origin,
        notes: Vec::new(),
    })
}

/// What a shell puts in the place of a file, as in `<(...)`: an archive, or one document.
fn piped(path: &Path, options: &OpenOptions) -> Result<Opened, Error> {
    let attempted = format!("read {}", path.display());
    let file = std::fs::File::open(path).map_err(|e| Error::io(&attempted, &e))?;
    let bytes = archive::read_capped(file, &attempted, options)?;
    if bytes.starts_with(&GZIP) {
        return archive::open(&bytes, "archive", options);
    }
    no_digest(options, path)?;
    let name = ArtifactPath::parse("document")
        .map_err(|why| refused(archive_entry_refused::name("document", why.to_string())))?;
    let held = options.budget.hold(bytes.len(), Place::Source);
    let tree = SourceTree::held(BTreeMap::from([(name, bytes)]), held);
    Ok(Opened {
        only: tree.find("document"),
        tree,
        origin: plain("file"),
        notes: Vec::new(),
    })
}

/// What the first bytes of a compressed file are.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Where an archive that is not compressed says that it is one, and in which word.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// What is wrong with a file that is an archive and not called `*.tar.gz`.
fn other_archive(path: &Path) -> std::io::Result<Option<&'static str>> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(512).read_to_end(&mut start)?;
    let is_tar = start
        .get(TAR.0..)
        .is_some_and(|rest| rest.starts_with(TAR.1));
    Ok(if start.starts_with(b"PK\x03\x04") {
        Some("a ZIP archive; a source is a folder, or packed with `tar -czf SOURCE.tar.gz .`")
    } else if start.starts_with(&GZIP) {
        Some("compressed; an archive is called *.tar.gz or *.tgz")
    } else if is_tar {
        Some("an archive that is not compressed; `gzip` makes a .tar.gz of it")
    } else {
        None
    })
}

/// What the inventory says of the source in `folder`.
fn origin(folder: &Path, kind: &str, options: &OpenOptions) -> Source {
    match options.kept {
        Some(_) => plain(kind),
        None => git::describe(folder, kind),
    }
}

fn tree(
    root: &Path,
    files: BTreeMap<ArtifactPath, u64>,
    options: &OpenOptions,
    held: Held,
) -> SourceTree {
    let kept = options.kept.clone();
    let unchanged = kept.as_ref().map(|kept| kept.unchanged(root, files.keys()));
    let reader = Folder {
        root: root.to_owned(),
        max: options.limits.max_file_bytes,
        unchanged: unchanged.unwrap_or_default(),
        kept,
        _held: held,
    };
    SourceTree::new(files, Arc::new(reader))
}

struct Folder {
    root: PathBuf,
    max: u64,
    /// Files as an earlier opening read them.
    unchanged: HashMap<ArtifactPath, kept::File>,
    kept: Option<Arc<Kept>>,
    /// The paths of the tree that it reads for.
    _held: Held,
}

impl ReadFile for Folder {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        let failed = |reason: String| ReadError {
            path: path.clone(),
            reason,
        };
        if let Some(file) = self.unchanged.get(path) {
            return Ok(Cow::Borrowed(&file.bytes));
        }
        let full = self.root.join(path.as_str());
        // The folder may have changed since it was listed.
        let metadata = full.symlink_metadata().map_err(|e| failed(e.to_string()))?;
        if !metadata.is_file() || metadata.len() > self.max {
            return Err(failed("the file changed while it was read".to_owned()));
        }
        let bytes = std::fs::read(&full).map_err(|e| failed(e.to_string()))?;
        if let Some(kept) = &self.kept {
            kept.put(full, &metadata, &bytes);
        }
        Ok(Cow::Owned(bytes))
    }

    fn digest(&self, path: &ArtifactPath) -> Result<Digest, ReadError> {
        match self.unchanged.get(path) {
            Some(file) => Ok(file.digest),
            None => Ok(Digest::of(&self.read(path)?)),
        }
    }
}

/// Every regular file below `root`, `.git` left out.
fn list(
    root: &Path,
    tracked: Option<&git::Tracked>,
    options: &OpenOptions,
    notes: &mut Vec<Diagnostic>,
) -> Result<(BTreeMap<ArtifactPath, u64>, Held), Error> {
    let limits = &options.limits;
    let mut held = options.budget.hold(0, Place::Source);
    let mut files = BTreeMap::new();
    let mut names = Names::default();
    let mut total = 0;
    let mut entries = 0;
    let mut left_out: Vec<String> = Vec::new();
    let mut stack = vec![(root.to_owned(), String::new(), tracked)];
    while let Some((folder, below, tracked)) = stack.pop() {
        let unreadable =
            |error: std::io::Error| refused(source_unreadable::folder(&below, &folder, &error));
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(entry_refused(
                    &below,
                    &format!("the name {name:?} is not UTF-8"),
                ));
            };
            if name == ".git" {
                continue;
            }
            let path = if below.is_empty() {
                name.to_owned()
            } else {
                format!("{below}/{name}")
            };
            entries += 1;
            if entries > limits.max_files {
                return Err(over(
                    &path,
                    "files and folders",
                    entries,
                    limits.max_files,
                    "max-files",
                ));
            }
            options.budget.spend(STEPS, Place::Source);
            within(&path, limits)?;
            let mut more = 4 * path.len() + ENTRY;
            let kind = entry.file_type().map_err(unreadable)?;
            let mut inside = tracked;
            if let Some(known) = tracked {
                let (is_there, whole) = match kind.is_dir() {
                    true => known.folder(&path),
                    false => (known.file(&path), false),
                };
                if !is_there {
                    if is_called_as_read(&below, name, kind.is_dir()) {
                        left_out.push(path);
                    }
                    continue;
                }
                inside = inside.filter(|_| !whole);
            }
            if kind.is_symlink() {
                grow(&mut held, more);
                notes.push(symlink_skipped::found(&path));
                continue;
            }
            let checked =
                ArtifactPath::parse(&path).map_err(|why| entry_refused(&path, &why.to_string()))?;
            more += names
                .claim(&path, kind.is_dir())
                .map_err(|why| entry_refused(&path, &why))?;
            grow(&mut held, more);
            if kind.is_dir() {
                stack.push((entry.path(), path, inside));
            } else if kind.is_file() {
                let size = entry.metadata().map_err(unreadable)?.len();
                if size > limits.max_file_bytes {
                    return Err(over(
                        &path,
                        "bytes of the file",
                        size,
                        limits.max_file_bytes,
                        "max-file-bytes",
                    ));
                }
                total += size;
                if total > limits.max_total_bytes {
                    return Err(over(
                        &path,
                        "bytes of all files",
                        total,
                        limits.max_total_bytes,
                        "max-total-bytes",
                    ));
                }
                files.insert(checked, size);
            } else {
                return Err(entry_refused(
                    &path,
                    "it is neither a regular file nor a folder",
                ));
            }
        }
    }
    left_out.sort();
    if let Some(first) = left_out.first() {
        notes.push(ignored_by_git::found(first, left_out.len() - 1));
    }
    Ok((files, held))
}

/// Whether a file is called as one that layouts read, or a folder as one that is a
/// resource: what is missing of those would be missed.
fn is_called_as_read(folder: &str, name: &str, is_folder: bool) -> bool {
    if is_folder {
        let above = folder.rsplit('/').next().unwrap_or("");
        return [
            "apis",
            "products",
            "backends",
            "named values",
            "namedValues",
        ]
        .contains(&above);
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    name.ends_with("Information.json")
        || name == "policy.xml"
        || ["specification", "openapi", "swagger"].contains(&stem)
        || (name.starts_with("configuration.") && name.ends_with(".yaml"))
}

fn grow(held: &mut Held, more: usize) {
    let bytes = usize::try_from(held.bytes()).unwrap_or(usize::MAX);
    held.grow(bytes.saturating_add(more), Place::Source);
}

fn entry_refused(path: &str, why: &str) -> Error {
    refused(archive_entry_refused::in_folder(path, why))
}
