//! Findings as people meet them: at paths from where they stand, of targets that they
//! asked for.

use super::human::Shown;
use super::options::Common;
use crate::diag::Report;
use crate::pipeline::Checked;
use crate::render::Target;
use std::path::{Component, Path};

/// Codes of findings about Azure Service Operator alone.
const ASO: std::ops::Range<u16> = 7100..7200;

/// `report` without findings about targets that nobody asked for, and how many they are.
pub(super) fn without_others(mut report: Report, asked: &[Target]) -> (Report, u64) {
    if asked.contains(&Target::ASO) {
        return (report, 0);
    }
    let mut left_out = 0;
    report.diagnostics.retain(|finding| {
        let is_other =
            ASO.contains(&finding.rule.code.0) && finding.severity < crate::diag::Severity::Error;
        if is_other && !finding.is_suppressed() {
            left_out += finding.count;
        }
        !is_other
    });
    (report, left_out)
}

/// `report` with paths from the working directory, where `source` is a folder or a file.
pub(super) fn here(report: Report, source: &str) -> Report {
    let path = Path::new(source);
    let folder = match (path.is_dir(), path.is_file()) {
        (true, _) => Some(path),
        // A document stands in a tree with what lies beside it.
        (_, true) if !is_archive(source) => path.parent(),
        _ => None,
    };
    let Some(prefix) = folder.map(from_here).filter(|prefix| !prefix.is_empty()) else {
        return report;
    };
    report.moved(|path| format!("{prefix}/{path}"))
}

fn is_archive(source: &str) -> bool {
    source.ends_with(".tar.gz") || source.ends_with(".tgz")
}

/// `folder` from the working directory, without what says nothing.
fn from_here(folder: &Path) -> String {
    let folder = match std::env::current_dir() {
        Ok(here) if folder.is_absolute() => folder.strip_prefix(&here).unwrap_or(folder),
        _ => folder,
    };
    let mut parts: Vec<String> = Vec::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::RootDir => parts.push(String::new()),
            part => parts.push(part.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/")
}

/// What people are shown of `report`.
pub(super) fn for_people(
    report: Report,
    common: &Common,
    checked: &Checked,
    quiet: bool,
) -> (Report, Shown) {
    let (report, left_out) = match common.denies_warnings() {
        true => (report, 0),
        false => without_others(report, &checked.asked),
    };
    let shown = Shown {
        quiet,
        denied: common.denies_warnings(),
        left_out,
        ..Shown::default()
    };
    (here(report, &common.source), shown)
}
