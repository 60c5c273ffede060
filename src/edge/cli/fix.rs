//! `validate --fix` and `--diff`: the safe fixes of findings, made or shown.

use super::config_path;
use super::human::counted;
use super::options::Common;
use crate::diag::{LocatedFix, Replacement, Report};
use anyhow::Context;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Files as they would be once every safe fix is made.
pub(super) struct Fixed {
    /// Each file with its text before and after.
    files: BTreeMap<PathBuf, (String, String)>,
    /// Findings that are mended by that.
    findings: usize,
}

/// The folder that paths of findings about `source` start at; only what lies on the disk
/// can be mended.
fn root(source: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(source);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let is_archive = [".tar.gz", ".tgz"].iter().any(|end| source.ends_with(end));
    anyhow::ensure!(
        path.is_file() && !is_archive,
        "--fix and --diff change files: {source} is neither a folder nor one document"
    );
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    Ok(parent.unwrap_or(Path::new(".")).to_owned())
}

/// Applies the safe fixes of what counts in `report`, in memory. Of fixes that touch the
/// same characters the first is made; the rest is found again by the next run.
pub(super) fn fixed(report: &Report, common: &Common) -> anyhow::Result<Fixed> {
    let root = root(&common.source)?;
    let outside = common.config.as_deref();
    let mut fixed = Fixed {
        files: BTreeMap::new(),
        findings: 0,
    };
    let fixes = report.in_force().filter_map(|finding| finding.fix.as_ref());
    let mut taken: BTreeMap<&str, Vec<&Replacement>> = BTreeMap::new();
    for fix in fixes.filter(|fix| fix.is_safe) {
        if is_free(fix, &taken) {
            fixed.findings += 1;
            for edit in &fix.edits {
                taken.entry(&edit.path).or_default().push(edit);
            }
        }
    }
    for (path, mut edits) in taken {
        let file = match outside.filter(|outside| config_path(outside) == path) {
            // An environment file that may lie outside of the source.
            Some(outside) if !root.join(path).exists() => PathBuf::from(outside),
            _ => root.join(path),
        };
        let before = std::fs::read_to_string(&file)
            .with_context(|| format!("read {} to mend it", file.display()))?;
        edits.sort_by_key(|edit| edit.range.start.offset);
        let mut after = before.clone();
        for edit in edits.into_iter().rev() {
            let range = edit.range.start.offset as usize..edit.range.end.offset as usize;
            anyhow::ensure!(
                after.get(range.clone()).is_some(),
                "{} changed while it was checked; run the command again",
                file.display()
            );
            after.replace_range(range, &edit.text);
        }
        fixed.files.insert(file, (before, after));
    }
    Ok(fixed)
}

/// Whether no edit of `fix` touches one that is made already.
fn is_free(fix: &LocatedFix, taken: &BTreeMap<&str, Vec<&Replacement>>) -> bool {
    fix.edits.iter().all(|edit| {
        let others = taken.get(edit.path.as_str()).into_iter().flatten();
        let mut others = others.map(|other| &other.range);
        others.all(|other| {
            edit.range.end.offset <= other.start.offset
                || other.end.offset <= edit.range.start.offset
        })
    })
}

impl Fixed {
    /// Whether nothing would change.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// A unified diff, with paths as a tool takes them from where people stand.
    pub(super) fn diff(&self) -> String {
        let mut out = String::new();
        for (path, (before, after)) in &self.files {
            let path = path.strip_prefix(".").unwrap_or(path);
            let path = path.display().to_string();
            let diff = TextDiff::from_lines(before, after);
            let mut diff = diff.unified_diff();
            let _ = write!(out, "{}", diff.header(&path, &path));
        }
        out
    }

    /// Writes the files, each beside itself and renamed into place.
    pub(super) fn write(&self, quiet: bool) -> anyhow::Result<()> {
        for (file, (before, after)) in &self.files {
            let attempted = || format!("write {}", file.display());
            let now = std::fs::read_to_string(file).with_context(attempted)?;
            anyhow::ensure!(
                now == *before,
                "{} changed while it was checked; run the command again",
                file.display()
            );
            let folder = file.parent().unwrap_or(Path::new("."));
            let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(attempted)?;
            beside.write_all(after.as_bytes()).with_context(attempted)?;
            let permissions = std::fs::metadata(file)
                .with_context(attempted)?
                .permissions();
            beside
                .as_file()
                .set_permissions(permissions)
                .with_context(attempted)?;
            beside.persist(file).with_context(attempted)?;
        }
        if !quiet && !self.is_empty() {
            let _ = writeln!(
                anstream::stderr(),
                "mended {} in {}",
                counted(self.findings as u64, "finding"),
                counted(self.files.len() as u64, "file")
            );
        }
        Ok(())
    }
}
