//! Where trees come from. Every source ends as a [`SourceTree`]; a source that
//! cannot be trusted is refused with an 8xxx finding before anything is parsed.

mod archive;
#[cfg(feature = "controller")]
mod cluster;
mod directory;
mod files;
mod git;
mod gzip;
#[cfg(feature = "fetch")]
mod http;
mod kept;
mod layer;
mod layout;
mod names;
mod origin;
#[cfg(feature = "publish")]
mod registry;
mod submodules;

pub use files::Files;
pub use git::{Checkout, checkout, trouble as git_trouble};
pub use gzip::Members;
pub use kept::Kept;

use crate::bundle::Source;
use crate::diag::{Budget, Diagnostic, Stop, excerpt};
use crate::rules::source_limit;
use crate::tree::{Digest, FileId, Limits, SourceTree};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A source as it is named on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRef {
    /// A folder on this machine.
    Directory(PathBuf),
    /// A `.tar.gz` file.
    Archive(PathBuf),
    /// A `.tar.gz` on standard input.
    Stdin,
    /// A `.tar.gz` at a URL.
    Http(String),
    /// One API definition (or policy).
    File(PathBuf),
    /// A Flux artifact in a registry: `oci://...`
    Registry(String),
    /// A Flux source object in the current kube context: `KIND/NAMESPACE/NAME`.
    Flux(String),
    /// A Flux artifact in an OCI image layout.
    Layout {
        /// Folder of the layout.
        folder: PathBuf,
        /// Tag; may be left out when there is one image.
        tag: Option<String>,
    },
}

/// How a source is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Digest that the source must have.
    pub digest: Option<Digest>,
    /// Caps.
    pub limits: Limits,
    /// Media type of the layer that is read of an OCI artifact, unless it is the usual one.
    pub layer: Option<String>,
    /// What opening may spend; what the tree holds counts until it is dropped.
    pub budget: Budget,
    /// What earlier openings of folders read. With it a folder is read to be checked again:
    /// Git is not asked for revision and changes.
    pub kept: Option<Arc<Kept>>,
}

/// A source that can be read.
#[derive(Debug)]
pub struct Opened {
    /// Its files, as they were when it was opened.
    pub tree: SourceTree,
    /// What the inventory says of it.
    pub origin: Source,
    /// The one definition that was named.
    pub only: Option<FileId>,
    /// Findings about the source as a whole.
    pub notes: Vec<Diagnostic>,
}

/// Why there is no tree.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source was read and is not to be trusted.
    #[error("{}: {}", .0.rule.code, .0.message)]
    Refused(Box<Diagnostic>),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The budget was cancelled, or the memory that runs share is taken.
    #[error("{}", match .0 {
        Stop::Busy => "other runs hold the memory that the source needs",
        _ => "opening the source was ended before it was done",
    })]
    Ended(Stop),
    /// The world did not answer.
    #[error("{attempted}: {reason}")]
    Io {
        /// What was attempted, on what.
        attempted: String,
        /// What came back.
        reason: String,
    },
}

impl Error {
    fn io(attempted: impl Into<String>, reason: &impl ToString) -> Self {
        Self::Io {
            attempted: attempted.into(),
            reason: reason.to_string(),
        }
    }
}

fn refused(finding: Diagnostic) -> Error {
    Error::Refused(Box::new(finding))
}

/// The caps on the length and depth of `path`.
fn within(path: &str, limits: &Limits) -> Result<(), Error> {
    let bytes = path.len() as u64;
    let shown = excerpt(
        &String::from_utf8_lossy(&path.as_bytes()[..path.len().min(1000)]),
        200,
    );
    if bytes > limits.max_path_bytes {
        let cap = limits.max_path_bytes;
        return Err(over(
            &shown,
            "bytes of the path",
            bytes,
            cap,
            "max-path-bytes",
        ));
    }
    let segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    let depth = segments.count() as u64;
    if depth > limits.max_path_depth {
        let cap = limits.max_path_depth;
        let what = "segments of the path";
        return Err(over(&shown, what, depth, cap, "max-path-depth"));
    }
    Ok(())
}

/// Opens with `work`, which spends from the budget of `options`.
fn bounded(
    options: &OpenOptions,
    work: impl FnOnce() -> Result<Opened, Error>,
) -> Result<Opened, Error> {
    options.budget.bound(work).unwrap_or_else(|stop| {
        Err(match stop.finding() {
            Some(finding) => refused(finding),
            None => Error::Ended(stop),
        })
    })
}

/// A refusal because of a cap.
fn over(path: &str, what: &str, value: u64, cap: u64, flag: &str) -> Error {
    refused(source_limit::found(path, what, value, cap, flag))
}

impl std::str::FromStr for SourceRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Http(text.to_owned()));
        }
        if text.starts_with("oci://") {
            return Ok(Self::Registry(text.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("oci-layout:") {
            let (folder, tag) = match rest.rsplit_once(':') {
                Some((folder, tag)) if !tag.contains('/') => (folder, Some(tag.to_owned())),
                _ => (rest, None),
            };
            return Ok(Self::Layout {
                folder: folder.into(),
                tag,
            });
        }
        if let Some(name) = text.strip_prefix("flux:") {
            return Ok(Self::Flux(name.to_owned()));
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            return Ok(Self::Directory(path));
        }
        if !path.exists() {
            return Err(Error::Usage(format!(
                "`{}` does not exist; a source is a directory, a .tar.gz, `-`, a URL with --digest, oci://REPOSITORY:TAG, oci-layout:DIR, flux:KIND/NAMESPACE/NAME, or one OpenAPI document",
                excerpt(text, 200)
            )));
        }
        if text.ends_with(".tar.gz") || text.ends_with(".tgz") {
            return Ok(Self::Archive(path));
        }
        Ok(Self::File(path))
    }
}

/// Opens `source`.
///
/// # Errors
/// When the source is refused, or the world does not answer.
pub fn open(source: &SourceRef, options: &OpenOptions) -> Result<Opened, Error> {
    match source {
        SourceRef::Directory(path) => bounded(options, || directory::open(path, options)),
        SourceRef::File(path) => bounded(options, || directory::single(path, options)),
        SourceRef::Archive(path) => {
            let attempted = format!("read the archive {}", path.display());
            let file = std::fs::File::open(path).map_err(|e| Error::io(&attempted, &e))?;
            let bytes = archive::read_capped(file, &attempted, options)?;
            unpack(&bytes, "archive", options)
        }
        SourceRef::Stdin => {
            let stdin = std::io::stdin().lock();
            let bytes = archive::read_capped(stdin, "read the archive on standard input", options)?;
            unpack(&bytes, "stdin", options)
        }
        #[cfg(feature = "fetch")]
        SourceRef::Http(url) => http::open(url, options),
        #[cfg(not(feature = "fetch"))]
        SourceRef::Http(_) => Err(Error::Usage(
            "this build cannot fetch URLs; build with the feature `fetch`".to_owned(),
        )),
        #[cfg(feature = "publish")]
        SourceRef::Registry(reference) => {
            let credentials = crate::edge::oci::Credentials::DockerConfig;
            let connection = crate::edge::oci::Connection::new(credentials);
            registry::open(reference, options, &connection)
        }
        #[cfg(not(feature = "publish"))]
        SourceRef::Registry(_) => Err(Error::Usage(
            "this build cannot read registries; build with the feature `publish`".to_owned(),
        )),
        #[cfg(feature = "controller")]
        SourceRef::Flux(name) => cluster::open(name, options),
        #[cfg(not(feature = "controller"))]
        SourceRef::Flux(_) => Err(Error::Usage(
            "this build cannot read a cluster; build with the feature `controller`".to_owned(),
        )),
        SourceRef::Layout { folder, tag } => layout::open(folder, tag.as_deref(), options),
    }
}

/// Opens `source`; a registry is reached as `connection` says.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "publish")]
pub fn open_over(
    source: &SourceRef,
    options: &OpenOptions,
    connection: &crate::edge::oci::Connection,
) -> Result<Opened, Error> {
    match source {
        SourceRef::Registry(reference) => registry::open(reference, options, connection),
        other => open(other, options),
    }
}

/// The tree in the bytes of a `.tar.gz` that someone else fetched; `kind` is
/// what the inventory calls the source. The digest is checked before one byte
/// is parsed.
///
/// # Errors
/// When the archive is refused.
pub fn unpack(bytes: &[u8], kind: &str, options: &OpenOptions) -> Result<Opened, Error> {
    bounded(options, || archive::open(bytes, kind, options))
}

/// Digests are of archives; a folder has none.
fn no_digest(options: &OpenOptions, path: &Path) -> Result<(), Error> {
    match options.digest {
        Some(_) => Err(Error::Usage(format!(
            "--digest is for archives, URLs and OCI layouts, but {} is none",
            path.display()
        ))),
        None => Ok(()),
    }
}
