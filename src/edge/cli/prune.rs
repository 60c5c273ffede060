//! `prune`: old bundles out of a repository.

use super::options::ResultFormat;
use super::registry::{ModuleArgs, Named, RegistryArgs, duration, named};
use super::{Done, note, print};
use crate::edge::policies::day_before;
use crate::edge::publish::{self, Destination, Keep, Pruned};
use crate::tree::Digest;
use anyhow::Context;
use clap::Args;
use globset::{Glob, GlobMatcher};
use semver::VersionReq;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is read of a file with pins, and how many files of a folder.
const MAX_BYTES: u64 = 64 << 20;
const MAX_FILES: usize = 100_000;

/// Flags of `prune`.
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// oci://REGISTRY/REPOSITORY or oci-layout:DIR.
    #[arg(value_name = "REPO", value_parser = named)]
    at: Named,
    /// Keep as many of the newest bundles.
    #[arg(long, value_name = "N", default_value = "20")]
    keep: usize,
    /// Keep those whose source is not older than this, as in 90d; a bundle without a known
    /// time stays, too.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    keep_within: Option<Duration>,
    /// Keep those that have a tag like this, as in 'v*'. What is tagged `latest` stays.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    keep_tagged: Vec<GlobMatcher>,
    /// Keep those that have a tag which is a version in this range, as in '>=2'.
    #[arg(long, value_name = "RANGE")]
    keep_semver: Option<VersionReq>,
    /// Keep those whose digest stands in this file, or in a YAML or JSON file of this
    /// folder: pins, or what `kubectl get apimbundles,ocirepositories -A -o yaml` says; `-`
    /// is standard input.
    #[arg(long, value_name = "PATH")]
    keep_named: Vec<PathBuf>,
    #[cfg(feature = "controller")]
    #[command(flatten)]
    cluster: super::running::ClusterArgs,
    #[command(flatten)]
    module: ModuleArgs,
    /// Say what would be removed; nothing is.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
}

fn pattern(text: &str) -> Result<GlobMatcher, String> {
    let glob = Glob::new(text).map_err(|error| error.to_string())?;
    Ok(glob.compile_matcher())
}

pub(super) fn prune(arguments: &Prune, quiet: bool) -> anyhow::Result<Done> {
    let place = arguments.at.place()?;
    anyhow::ensure!(
        place.tag().is_none() && place.digest().is_none(),
        "{place}: name the repository alone"
    );
    let mut keep = Keep {
        newest: arguments.keep,
        since: None,
        tagged: arguments.keep_tagged.clone(),
        semver: arguments.keep_semver.clone(),
        named: BTreeSet::new(),
    };
    if let Some(age) = arguments.keep_within {
        let day = day_before(age).context("--keep-within: this machine's clock makes no sense")?;
        keep.since = Some(day.to_string());
    }
    for path in &arguments.keep_named {
        named_in(path, &mut keep.named)?;
    }
    match arguments.running()? {
        Some(running) => keep.named.extend(running),
        None => note(
            "no cluster was asked what runs; --keep-named takes what `kubectl get \
             apimbundles,ocirepositories -A -o yaml` says",
            quiet,
        ),
    }
    let connection = arguments.registry.connection()?;
    let at = Destination::open(place, &connection, arguments.module.suffix(place))?;
    let pruning = publish::prune(&at, &keep, arguments.dry_run);
    let pruned = crate::edge::runtime()?.block_on(pruning)?;
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", pruned.to_json()))?,
        ResultFormat::Human => print(&shown(&pruned))?,
    }
    Ok(Done::Well)
}

impl Prune {
    /// What runs in the cluster; `None` when none is asked.
    #[cfg(feature = "controller")]
    fn running(&self) -> anyhow::Result<Option<BTreeSet<Digest>>> {
        crate::edge::runtime()?.block_on(self.cluster.named())
    }

    /// A build without the controller knows no cluster.
    #[cfg(not(feature = "controller"))]
    fn running(&self) -> anyhow::Result<Option<BTreeSet<Digest>>> {
        Ok(None)
    }
}

/// Adds the digests that stand in the file or folder `path`, whatever they stand for: too
/// many are kept rather than too few.
fn named_in(path: &Path, found: &mut BTreeSet<Digest>) -> anyhow::Result<()> {
    let attempted = || format!("read the digests to keep in {}", path.display());
    if path == Path::new("-") {
        return read_digests(std::io::stdin().lock(), found).with_context(attempted);
    }
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files.clear();
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).with_context(attempted)? {
                let entry = entry.with_context(attempted)?;
                let kind = entry.file_type().with_context(attempted)?;
                let path = entry.path();
                let ending = path.extension().and_then(|ending| ending.to_str());
                if kind.is_dir() && entry.file_name() != ".git" {
                    folders.push(path);
                } else if kind.is_file() && matches!(ending, Some("yaml" | "yml" | "json")) {
                    files.push(path);
                }
                anyhow::ensure!(
                    files.len() + folders.len() <= MAX_FILES,
                    "{}: more than {MAX_FILES} files",
                    attempted()
                );
            }
        }
    }
    for file in files {
        let opened = std::fs::File::open(&file).with_context(attempted)?;
        read_digests(opened, found).with_context(attempted)?;
    }
    Ok(())
}

fn read_digests(from: impl Read, found: &mut BTreeSet<Digest>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= MAX_BYTES,
        "more than {MAX_BYTES} bytes"
    );
    publish::digests_in(&String::from_utf8_lossy(&bytes), found);
    Ok(())
}

fn shown(pruned: &Pruned) -> String {
    let mut text = String::new();
    for bundle in &pruned.bundles {
        let verdict = match (bundle.kept, pruned.dry_run) {
            (Some(why), _) => format!("kept, {why}"),
            (None, true) => "would be removed".to_owned(),
            (None, false) => "removed".to_owned(),
        };
        let _ = writeln!(
            text,
            "{}  {}  {}  {verdict}",
            bundle.digest,
            crate::diag::excerpt(&bundle.created, 40),
            bundle.tags.join(", "),
        );
    }
    let (all, gone) = (pruned.bundles.len(), pruned.removed().count());
    let verb = if pruned.dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let _ = writeln!(text, "{gone} of {all} bundles {verb}");
    text
}
