//! What Git knows about a folder: URL, revision, changes.

use super::origin::plain;
use crate::bundle::{self, Source};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Describes `folder`: with URL, revision and `dirty` when it lies in a
/// checkout and `git` is there.
pub(super) fn describe(folder: &Path, kind: &str) -> Source {
    let mut source = plain(kind);
    let Some(commit) = git(folder, &["rev-parse", "--verify", "HEAD"]) else {
        return source;
    };
    let algorithm = if commit.len() == 64 { "sha256" } else { "sha1" };
    // As Flux names revisions: by the branch, or by the tag of a detached HEAD.
    let branch = git(folder, &["symbolic-ref", "--short", "-q", "HEAD"])
        .or_else(|| git(folder, &["describe", "--tags", "--exact-match", "HEAD"]));
    source.created = git(
        folder,
        &[
            "show",
            "--no-patch",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=%cd",
            "HEAD",
        ],
    );
    source.revision = Some(match branch {
        Some(branch) => format!("{branch}@{algorithm}:{commit}"),
        None => format!("{algorithm}:{commit}"),
    });
    source.url =
        git(folder, &["config", "--get", "remote.origin.url"]).map(|url| Source::public_url(&url));
    source.dirty = is_dirty(folder);
    source
}

/// The repository that a folder lies in.
#[derive(Debug)]
pub struct Checkout {
    /// The top of its working tree.
    pub top: PathBuf,
    /// The folder below that, with slashes; empty for the top itself.
    pub below: String,
    /// The branch that is released from: that of `origin`, else the one that is checked out.
    pub branch: String,
    /// Where `origin` is, without credentials.
    pub remote: Option<String>,
}

/// The repository that `folder` lies in; `None` outside of working trees, and where Git does
/// not answer ([`trouble`] says why).
pub fn checkout(folder: &Path) -> Option<Checkout> {
    let top = git(folder, &["rev-parse", "--show-toplevel"])?;
    let below = git(folder, &["rev-parse", "--show-prefix"])?;
    let origin = ["symbolic-ref", "--short", "-q", "refs/remotes/origin/HEAD"];
    let origin = git(folder, &origin);
    let released = origin.and_then(|name| Some(name.strip_prefix("origin/")?.to_owned()));
    let here = || git(folder, &["symbolic-ref", "--short", "-q", "HEAD"]);
    Some(Checkout {
        top: top.into(),
        below: below.trim_end_matches('/').to_owned(),
        branch: released.or_else(here).unwrap_or_else(|| "main".to_owned()),
        remote: git(folder, &["config", "--get", "remote.origin.url"])
            .map(|url| Source::public_url(&url)),
    })
}

/// The files of a working tree that a commit can have.
pub(super) struct Tracked {
    files: HashSet<String>,
    /// Folders above them.
    folders: HashSet<String>,
}

impl Tracked {
    /// Whether the folder at `path` has any; whether all below it counts: repositories in
    /// it are listed by their names.
    pub(super) fn folder(&self, path: &str) -> (bool, bool) {
        let whole = self.files.contains(path);
        (whole || self.folders.contains(path), whole)
    }

    pub(super) fn file(&self, path: &str) -> bool {
        self.files.contains(path)
    }
}

/// What `folder` has of a working tree; `None` where it is no part of one, or ignored as a
/// whole.
pub(super) fn tracked(folder: &Path) -> Option<Tracked> {
    let list = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        ".",
    ];
    let names = git(folder, &list)?;
    let mut tracked = Tracked {
        files: HashSet::new(),
        folders: HashSet::new(),
    };
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let name = name.trim_end_matches('/');
        for (at, _) in name.match_indices('/') {
            tracked.folders.insert(name[..at].to_owned());
        }
        tracked.files.insert(name.to_owned());
    }
    (!tracked.files.is_empty()).then_some(tracked)
}

/// Whether anything but bundles differs from the commit: what earlier runs wrote
/// is no part of the source.
fn is_dirty(folder: &Path) -> Option<bool> {
    // Changes are named from the top of the repository.
    let prefix = git(folder, &["rev-parse", "--show-prefix"])?;
    let status = [
        "status",
        "--porcelain",
        "--no-renames",
        "-uall",
        "-z",
        "--",
        ".",
    ];
    let changes = git(folder, &status)?;
    let mut bundles = HashMap::new();
    let mut is_bundle = |below: &Path| {
        *bundles.entry(below.to_owned()).or_insert_with(|| {
            let inventory = folder.join(below).join(bundle::INVENTORY);
            std::fs::read(inventory).is_ok_and(|text| bundle::is_inventory(&text))
        })
    };
    let mut paths = changes.split('\0').filter_map(|change| change.get(3..));
    Some(paths.any(|path| {
        let path = Path::new(path.strip_prefix(&prefix).unwrap_or(path));
        let mut folders = path.ancestors().skip(1).filter(|f| *f != Path::new(""));
        !folders.any(&mut is_bundle)
    }))
}

/// Why Git says nothing about `folder`, although it lies in a checkout: the first line of
/// what it said, and what to do. `None` when it answers, and outside of checkouts.
pub fn trouble(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let top = folder
        .ancestors()
        .find(|above| above.join(".git").exists())?;
    let said = match command(&folder, &["rev-parse", "--verify", "HEAD"]).output() {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(format!(
                "{} is a Git checkout, and git is not installed: the bundle has neither source \
                 nor revision; install it, or give --revision and --source-url",
                top.display()
            ));
        }
        Err(error) => error.to_string(),
    };
    let line = said
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("");
    let line = crate::diag::excerpt(line.trim(), 200);
    let help = match said.contains("dubious ownership") || said.contains("safe.directory") {
        true => format!(
            "`git config --global --add safe.directory {}`",
            top.display()
        ),
        false => format!("`git -C {} status` shows what is wrong", top.display()),
    };
    Some(format!(
        "{} is a Git checkout, and Git cannot be asked about it: {line}; {help}, or give --revision \
         and --source-url",
        top.display()
    ))
}

/// What `git` answers, if it answers.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = command(folder, arguments).output().ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}

/// `git` without what a hostile repository could make it run: hooks and the file-system
/// monitor.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "--no-pager",
        ])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
}
