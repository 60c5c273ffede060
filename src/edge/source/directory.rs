//! Folders: listed at once, read file by file when asked.

use super::{Error, OpenOptions, Opened, git, no_digest, over, refused};
use crate::bundle::Source;
use crate::diag::{Diagnostic, Place, rules};
use crate::tree::{ArtifactPath, Limits, ReadError, ReadFile, SourceTree};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Opened, Error> {
    no_digest(options, path)?;
    let mut notes = Vec::new();
    let files = list(path, &options.limits, &mut notes)?;
    Ok(Opened {
        tree: tree(path, files, &options.limits),
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
    let own = ArtifactPath::parse(name).map_err(|why| {
        refused(
            &rules::ARCHIVE_ENTRY,
            name,
            why.to_string(),
            "rename the file",
        )
    })?;
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
    let files = list(folder, &options.limits, &mut Vec::new())
        .ok()
        .filter(|files| files.contains_key(&own))
        .unwrap_or_else(|| BTreeMap::from([(own, size.len())]));
    let tree = tree(folder, files, &options.limits);
    let mut origin = git::describe(folder, "file");
    origin.path = Some(name.to_owned());
    Ok(Opened {
        only: tree.find(name),
        tree,
        origin,
        notes: Vec::new(),
    })
}

fn tree(root: &Path, files: BTreeMap<ArtifactPath, u64>, limits: &Limits) -> SourceTree {
    let reader = Folder {
        root: root.to_owned(),
        max: limits.max_file_bytes,
    };
    SourceTree::new(files, Arc::new(reader))
}

struct Folder {
    root: PathBuf,
    max: u64,
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
    limits: &Limits,
    notes: &mut Vec<Diagnostic>,
) -> Result<BTreeMap<ArtifactPath, u64>, Error> {
    let mut files = BTreeMap::new();
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    let mut total = 0;
    let mut entries = 0;
    let mut stack = vec![(root.to_owned(), String::new())];
    while let Some((folder, below)) = stack.pop() {
        let unreadable = |error: std::io::Error| {
            refused(
                &rules::SOURCE_UNREADABLE,
                &below,
                format!("the folder {} cannot be read: {error}", folder.display()),
                "give read permission, or move it out of the source",
            )
        };
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
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_symlink() {
                notes.push(
                    Diagnostic::new(
                        &rules::SYMLINK_SKIPPED,
                        Place::Path(path.clone()),
                        format!("the symbolic link `{path}` is not followed"),
                    )
                    .help("source-controller leaves links out of its archives too"),
                );
                continue;
            }
            let checked =
                ArtifactPath::parse(&path).map_err(|why| entry_refused(&path, &why.to_string()))?;
            if path.len() as u64 > limits.max_path_bytes {
                return Err(over(
                    &path,
                    "bytes of the path",
                    path.len() as u64,
                    limits.max_path_bytes,
                    "max-path-bytes",
                ));
            }
            if let Some(other) = folded.insert(checked.folded(), path.clone()) {
                return Err(entry_refused(
                    &path,
                    &format!("it differs from `{other}` in case or accents' encoding only"),
                ));
            }
            if kind.is_dir() {
                stack.push((entry.path(), path));
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
    Ok(files)
}

fn entry_refused(path: &str, why: &str) -> Error {
    refused(
        &rules::ARCHIVE_ENTRY,
        path,
        format!("`{}` is refused: {why}", crate::diag::excerpt(path, 200)),
        "remove or rename it",
    )
}

/// What an inventory says of a source without Git.
pub(super) fn plain(kind: &str) -> Source {
    Source {
        kind: kind.to_owned(),
        ..Source::default()
    }
}
