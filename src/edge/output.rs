//! Where bundles go: a folder, an archive, an OCI image layout. Everything is
//! written beside its place and renamed into it.

use crate::bundle::{self, Bundle, OciImage};
use crate::tree::{Digest, SourceTree};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a bundle is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A folder; its files are replaced.
    Directory(PathBuf),
    /// A `.tar.gz`.
    Archive(PathBuf),
    /// An OCI image layout.
    Layout {
        /// The folder of the OCI image layout.
        folder: PathBuf,
        /// The tag; `latest` unless given.
        tag: String,
    },
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// Where, for people.
    pub place: String,
    /// Manifest digest of a layout, digest of an archive.
    pub digest: Option<Digest>,
}

/// A bundle that was fetched.
#[derive(Debug)]
pub struct Pulled<'a> {
    /// The files of the bundle.
    pub tree: &'a SourceTree,
    /// The bundle as a `.tar.gz`.
    pub archive: &'a [u8],
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place is named as none that is written to.
    #[error("--output {place}: {problem}; give a folder, *.tar.gz, or oci-layout:DIR[:TAG]")]
    Unknown {
        /// As it was given.
        place: String,
        /// What is wrong with that.
        problem: &'static str,
    },
    /// The place holds something else.
    #[error("{} exists and is no bundle; it is left as it is. Choose another --output", .0.display())]
    Foreign(PathBuf),
    /// Beside a bundle lies something that is not of it.
    #[error("{} holds a bundle and `{}`, which is not of it; both are left as they are. Move the file away, or choose another --output", .folder.display(), .file.display())]
    Beside {
        /// The folder that was to be written.
        folder: PathBuf,
        /// What does not belong there.
        file: PathBuf,
    },
    /// The file system refused.
    #[error("write {}: {source}; the previous output is untouched", .path.display())]
    Io {
        /// What was written.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl Output {
    /// Reads `DIR`, `*.tar.gz` or `oci-layout:DIR[:TAG]`.
    ///
    /// # Errors
    /// When it looks like something else, which a folder of that name would hide.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unknown = |problem| {
            Err(Error::Unknown {
                place: text.to_owned(),
                problem,
            })
        };
        if let Some(rest) = text.strip_prefix("oci-layout:") {
            let (folder, tag) = match rest.rsplit_once(':') {
                Some((folder, tag)) if !tag.contains('/') => (folder, tag),
                _ => (rest, "latest"),
            };
            if folder.is_empty() {
                return unknown("it names no folder");
            }
            if !is_tag(tag) {
                return unknown("its tag is none");
            }
            return Ok(Self::Layout {
                folder: folder.into(),
                tag: tag.to_owned(),
            });
        }
        match text.split_once(':') {
            _ if text.is_empty() => return unknown("it names nothing"),
            _ if text == "-" => return unknown("a bundle is not written to standard output"),
            Some(("oci", _)) => return unknown("`flux-apim publish` writes to registries"),
            // One letter is a drive.
            Some((scheme, _)) if scheme.len() > 1 && is_scheme(scheme) => {
                return unknown("nothing is written to places of this scheme");
            }
            _ => {}
        }
        if text.ends_with(".tar.gz") || text.ends_with(".tgz") {
            return Ok(Self::Archive(text.into()));
        }
        Ok(Self::Directory(text.into()))
    }

    /// Writes `bundle`.
    ///
    /// # Errors
    /// When the place holds something else, or the file system refuses; what
    /// was there before is then as it was.
    pub fn write(&self, bundle: &Bundle) -> Result<Written, Error> {
        match self {
            Self::Directory(path) => {
                let ours = is_bundle(path)?;
                replace_folder(path, ours, &|folder| {
                    for file in &bundle.files {
                        let path = folder.join(&file.path);
                        if let Some(parent) = path.parent() {
                            fs::create_dir_all(parent)?;
                        }
                        let mut out = io::BufWriter::new(fs::File::create(&path)?);
                        let mut outcome = Ok(());
                        bundle.each_text(file, &mut |text| {
                            if outcome.is_ok() {
                                outcome = out.write_all(text.as_bytes());
                            }
                        });
                        outcome?;
                        out.into_inner()
                            .map_err(io::IntoInnerError::into_error)?
                            .sync_data()?;
                    }
                    Ok(())
                })?;
                Ok(Written {
                    place: path.display().to_string(),
                    digest: None,
                })
            }
            Self::Archive(path) => {
                let archive = bundle.archive();
                let members = archive.members.iter().map(|m| m.bytes.as_slice());
                write_archive(path, members)?;
                Ok(Written {
                    place: path.display().to_string(),
                    digest: Some(archive.digest()),
                })
            }
            Self::Layout { folder, tag } => {
                let image = OciImage::new(&bundle.archive(), &bundle.inventory());
                write_layout(folder, tag, &image)
            }
        }
    }
}

impl Output {
    /// Writes a bundle that was fetched, as [`Output::write`] does one that was
    /// rendered. A layout takes more than the bundle's files: it is refused.
    ///
    /// # Errors
    /// When the place holds something else, or the file system refuses; what
    /// was there before is then as it was.
    pub fn write_pulled(&self, pulled: &Pulled<'_>) -> Result<Written, Error> {
        match self {
            Self::Directory(path) => {
                let ours = is_bundle(path)?;
                replace_folder(path, ours, &|folder| {
                    for (id, file) in pulled.tree.files() {
                        let path = folder.join(file.as_str());
                        if let Some(parent) = path.parent() {
                            fs::create_dir_all(parent)?;
                        }
                        let bytes = pulled.tree.read(id).map_err(io::Error::other)?;
                        write_synced(&path, &bytes)?;
                    }
                    Ok(())
                })?;
                Ok(Written {
                    place: path.display().to_string(),
                    digest: None,
                })
            }
            Self::Archive(path) => {
                write_archive(path, std::iter::once(pulled.archive))?;
                Ok(Written {
                    place: path.display().to_string(),
                    digest: Some(Digest::of(pulled.archive)),
                })
            }
            Self::Layout { folder, .. } => Err(Error::Foreign(folder.clone())),
        }
    }
}

/// The grammar of tags: a letter, digit or `_`, then at most 127 of those, `.` and `-`.
fn is_tag(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || ".-".contains(c))
}

/// The grammar of schemes (RFC 3986).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Writes an archive of these parts.
fn write_archive<'a>(path: &Path, parts: impl Iterator<Item = &'a [u8]>) -> Result<(), Error> {
    if path.is_dir() {
        return Err(Error::Foreign(path.to_owned()));
    }
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".flux-apim-")
        .tempfile_in(parent)
        .map_err(failed)?;
    for part in parts {
        file.write_all(part).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    readable(file.path()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Writes `image` as a layout.
///
/// # Errors
/// When the place holds something else, or the file system refuses; what was
/// there before is then as it was.
pub fn write_layout(folder: &Path, tag: &str, image: &OciImage) -> Result<Written, Error> {
    let ours = folder.join("oci-layout").is_file();
    replace_folder(folder, ours, &|folder| layout(folder, tag, image))?;
    Ok(Written {
        place: format!("oci-layout:{}:{tag}", folder.display()),
        digest: Some(image.digest()),
    })
}

fn layout(folder: &Path, tag: &str, image: &OciImage) -> io::Result<()> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    for blob in [&image.config, &image.layer, &image.manifest] {
        let digest = Digest::of(blob).to_string();
        let name = digest.strip_prefix("sha256:").unwrap_or(&digest);
        write_synced(&blobs.join(name), blob)?;
    }
    write_synced(
        &folder.join("oci-layout"),
        b"{\"imageLayoutVersion\":\"1.0.0\"}",
    )?;
    write_synced(
        &folder.join("index.json"),
        image.index(tag).to_string().as_bytes(),
    )
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Temporary files are private; what is left is for everyone.
fn readable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Whether `path` holds a bundle, and nothing else.
fn is_bundle(path: &Path) -> Result<bool, Error> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let inventory = path.join(bundle::INVENTORY);
    if !inventory.is_file() {
        return Ok(false);
    }
    let text = fs::read(&inventory).map_err(failed)?;
    if !bundle::is_inventory(&text) {
        return Ok(false);
    }
    let inventory: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let files = inventory["files"].as_array().into_iter().flatten();
    let mut listed: BTreeSet<&Path> = files
        .filter_map(|file| file["path"].as_str().map(Path::new))
        .collect();
    listed.insert(Path::new(bundle::INVENTORY));
    let mut stack = vec![path.to_owned()];
    while let Some(folder) = stack.pop() {
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                stack.push(entry.path());
                continue;
            }
            let full = entry.path();
            let file = full.strip_prefix(path).unwrap_or(&full);
            if !listed.contains(file) {
                return Err(Error::Beside {
                    folder: path.to_owned(),
                    file: file.to_owned(),
                });
            }
        }
    }
    Ok(true)
}

/// How folders begin in which a bundle is made.
const BESIDE: &str = ".flux-apim-";
/// The file in such a folder that is locked by whoever makes the bundle.
const LOCK: &str = "lock";

/// Says that `folder` is in use until the file is dropped, or its process ends.
fn hold(folder: &Path) -> io::Result<fs::File> {
    // It has its name when it is locked: others never see it otherwise.
    let unlocked = folder.join("unlocked");
    let file = fs::File::create(&unlocked)?;
    file.lock()?;
    fs::rename(&unlocked, folder.join(LOCK))?;
    Ok(file)
}

/// Removes what interrupted runs left in `parent`: folders that nobody holds.
fn clear(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(BESIDE)) {
            continue;
        }
        let lock = fs::File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            // What cannot be removed harms nobody.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes a folder beside `path` with `fill`, then puts it in its place. What
/// is there is replaced only when it is `ours`, or empty.
fn replace_folder(
    path: &Path,
    ours: bool,
    fill: &dyn Fn(&Path) -> io::Result<()>,
) -> Result<(), Error> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    // A link is replaced where it points, not itself.
    let path = &match path.canonicalize() {
        Ok(real) => real,
        Err(_) => path.to_owned(),
    };
    let exists = path.symlink_metadata().is_ok();
    if exists && !ours {
        let empty = path.is_dir() && fs::read_dir(path).map_err(failed)?.next().is_none();
        if !empty {
            return Err(Error::Foreign(path.clone()));
        }
    }
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(failed)?;
    clear(parent);
    let fresh = tempfile::Builder::new()
        .prefix(BESIDE)
        .tempdir_in(parent)
        .map_err(failed)?;
    let _held = hold(fresh.path()).map_err(failed)?;
    let made = fresh.path().join("new");
    fs::create_dir(&made).map_err(failed)?;
    fill(&made).map_err(failed)?;
    if exists {
        let old = fresh.path().join("old");
        fs::rename(path, &old).map_err(failed)?;
        if let Err(error) = fs::rename(&made, path) {
            // Put back what was there.
            let _ = fs::rename(&old, path);
            return Err(failed(error));
        }
    } else {
        fs::rename(&made, path).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interrupted_run_left_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let left = |name: &str| {
            let folder = parent.path().join(name);
            fs::create_dir_all(folder.join("new")).unwrap();
            hold(&folder).unwrap()
        };
        let running = left(".flux-apim-running");
        drop(left(".flux-apim-ended"));
        fs::create_dir(parent.path().join(".flux-apim-foreign")).unwrap();
        let bundle = parent.path().join("bundle");
        replace_folder(&bundle, false, &|folder| fs::write(folder.join("a"), "a")).unwrap();
        let mut names: Vec<String> = fs::read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [".flux-apim-foreign", ".flux-apim-running", "bundle"]
        );
        drop(running);
    }

    #[test]
    fn places_that_look_like_others_are_refused() {
        let layout = |folder: &str, tag: &str| Output::Layout {
            folder: folder.into(),
            tag: tag.to_owned(),
        };
        for (text, expected) in [
            ("bundle", Output::Directory("bundle".into())),
            ("./a:b", Output::Directory("./a:b".into())),
            ("C:/x", Output::Directory("C:/x".into())),
            ("a.tar.gz", Output::Archive("a.tar.gz".into())),
            ("oci-layout:a", layout("a", "latest")),
            ("oci-layout:a/b:v1", layout("a/b", "v1")),
            ("oci-layout:a:b/c", layout("a:b/c", "latest")),
        ] {
            assert_eq!(Output::parse(text).unwrap(), expected);
        }
        for text in [
            "",
            "-",
            "oci://x/y",
            "oci:x",
            "https://x/y",
            "file:///x",
            "s3:x",
            "oci-layout:",
            "oci-layout::v1",
            "oci-layout:a:",
            "oci-layout:a:b c",
            "oci-layout:a:.b",
        ] {
            assert!(Output::parse(text).is_err(), "{text}");
        }
    }
}
