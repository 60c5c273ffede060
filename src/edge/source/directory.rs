//! Folders: listed at once, read file by file when asked.

use super::names::Names;
use super::{Error, OpenOptions, Opened, git, no_digest, over, refused, submodules, within};
use crate::diag::{Diagnostic, Held, Place};
use crate::rules::{archive_entry_refused, ignored_by_git, source_unreadable, symlink_skipped};
use crate::tree::{ArtifactPath, Limits, ReadError, ReadFile, SourceTree};
use std::borrow::Cow;
use std::collections::BTreeMap;
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
    let tree = tree(path, files, &options.limits, held);
    notes.extend(submodules::missing(&tree));
    Ok(Opened {
        tree,
        origin: git::describe(path, "directory"),
        only: None,
        notes,
    })
}

/// One document, with the files beside it for its relative references.
pub(super) fn single(path: &Path, options: &OpenOptions) -> Result<Opened, Error> {
    no_digest(options, path)?;
    let attempted = || format!("read {}", path.display());
    let path = path
        .canonicalize()
        .map_err(|e| Error::io(attempted(), &e))?;
    let size = path.metadata().map_err(|e| Error::io(attempted(), &e))?;
    if !size.is_file() {
        return Err(Error::Usage(format!(
            "{} is no regular file",
            path.display()
        )));
    }
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
    let tree = tree(folder, files, &options.limits, held);
    let mut origin = git::describe(folder, "file");
    origin.path = Some(name.to_owned());
    Ok(Opened {
        only: tree.find(name),
        tree,
        origin,
        notes: Vec::new(),
    })
}

fn tree(
    root: &Path,
    files: BTreeMap<ArtifactPath, u64>,
    limits: &Limits,
    held: Held,
) -> SourceTree {
    let reader = Folder {
        root: root.to_owned(),
        max: limits.max_file_bytes,
        _held: held,
    };
    SourceTree::new(files, Arc::new(reader))
}

struct Folder {
    root: PathBuf,
    max: u64,
    /// The paths of the tree that it reads for.
    _held: Held,
}

impl ReadFile for Folder {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        let failed = |reason: String| ReadError {
            path: path.clone(),
            reason,
        };
        let full = self.root.join(path.as_str());
        // The folder may have changed since it was listed.
        let metadata = full.symlink_metadata().map_err(|e| failed(e.to_string()))?;
        if !metadata.is_file() || metadata.len() > self.max {
            return Err(failed("the file changed while it was read".to_owned()));
        }
        std::fs::read(&full)
            .map(Cow::Owned)
            .map_err(|e| failed(e.to_string()))
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
