//! Findings and results for people.

use crate::diag::{Code, Located, Prerequisite, Report, Severity};
use crate::edge::output::Written;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many findings of one rule are shown when none is an error.
const SHOWN: usize = 3;
/// How many other places of one finding are shown.
const RELATED: usize = 5;

/// What is shown of a report.
#[derive(Default)]
pub(super) struct Shown {
    /// Errors only, and warnings where those fail.
    pub(super) quiet: bool,
    /// Whether a warning fails.
    pub(super) denied: bool,
    /// All findings, not the first few of each rule.
    pub(super) all: bool,
    /// Findings about Azure Service Operator that nobody asked for.
    pub(super) left_out: u64,
    /// What was looked at, where that is known: `106 resources, 12 definitions`.
    pub(super) checked: Option<String>,
}

/// Findings with their lines, then a count. What fails is all shown, of the rest the first
/// few of each rule; `validate --format json` and the reports in the bundle have all.
pub(super) fn report(out: &mut impl Write, report: &Report, shown: &Shown) -> io::Result<()> {
    let quiet = shown.quiet;
    let most = if shown.all { usize::MAX } else { SHOWN };
    let renderer = Renderer::styled();
    let mut seen: BTreeMap<Code, usize> = BTreeMap::new();
    for finding in report.in_force() {
        let is_denied = shown.denied && finding.severity == Severity::Warning;
        if finding.severity < Severity::Error && !is_denied {
            let count = seen.entry(finding.rule.code).or_default();
            *count += 1;
            let fails = shown.denied && finding.severity == Severity::Warning;
            if quiet && !fails || *count > most {
                continue;
            }
        }
        writeln!(out, "{}\n", renderer.render(&[group(finding)]))?;
    }
    for (code, count) in seen.iter().filter(|(_, count)| !quiet && **count > most) {
        writeln!(out, "... and {} more of {code} (--all)\n", count - most)?;
    }
    if quiet {
        return Ok(());
    }
    if shown.left_out > 0 {
        let findings = counted(shown.left_out, "finding");
        writeln!(
            out,
            "{findings} about Azure Service Operator not shown (--target aso)\n"
        )?;
    }
    prerequisites(out, &report.prerequisites, most)?;
    let summary = report.summary();
    let of = |joined: &str| match &shown.checked {
        Some(checked) => format!("{joined}{checked}"),
        None => String::new(),
    };
    if summary.error + summary.warning + summary.info > 0 {
        writeln!(
            out,
            "{}, {}, {}{}",
            counted(summary.error, "error"),
            counted(summary.warning, "warning"),
            counted(summary.info, "info"),
            of(" in ")
        )?;
    } else {
        writeln!(out, "no findings{}", of(": "))?;
    }
    if summary.suppressed > 0 {
        let findings = counted(summary.suppressed, "finding");
        writeln!(
            out,
            "{findings} suppressed by exceptions; --format json has them"
        )?;
    }
    Ok(())
}

/// What the service must have, kind by kind.
fn prerequisites(out: &mut impl Write, needs: &[Prerequisite], most: usize) -> io::Result<()> {
    if needs.is_empty() {
        return Ok(());
    }
    writeln!(out, "the service must have, and this does not bring:")?;
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for need in needs {
        kinds.entry(&need.kind).or_default().push(&need.name);
    }
    for (kind, names) in kinds {
        let shown = names[..names.len().min(most)].join(", ");
        let more = names.len().saturating_sub(most);
        match more {
            0 => writeln!(out, "  {kind}: {shown}")?,
            more => writeln!(out, "  {kind}: {shown}, and {more} more (--all)")?,
        }
    }
    writeln!(out)
}

pub(super) fn counted(n: u64, word: &str) -> String {
    match (n, word) {
        (1, word) => format!("1 {word}"),
        (n, "info") => format!("{n} info"),
        (n, "policy") => format!("{n} policies"),
        (n, word) => format!("{n} {word}s"),
    }
}

fn group(finding: &Located) -> annotate_snippets::Group<'_> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(&finding.message)
        .id(finding.rule.code.to_string());
    let mut group = annotate_snippets::Group::with_title(title);
    match (&finding.snippet, finding.range) {
        (Some(snippet), Some(range)) => {
            group = group.element(
                Snippet::source(&snippet.text)
                    .path(&finding.path)
                    .line_start(range.start.line as usize)
                    .annotation(AnnotationKind::Primary.span(snippet.mark.clone())),
            );
        }
        _ if !finding.path.is_empty() => {
            let mut origin = annotate_snippets::Origin::path(&finding.path);
            if let Some(range) = finding.range {
                origin = origin
                    .line(range.start.line as usize)
                    .char_column(range.start.column as usize);
            }
            group = group.element(origin);
        }
        _ => {}
    }
    for (path, range, message) in finding.related.iter().take(RELATED) {
        let at = range.map_or(String::new(), |r| {
            format!(":{}:{}", r.start.line, r.start.column)
        });
        group = group.element(Level::NOTE.message(format!("{message}: {path}{at}")));
    }
    if let Some(more) = finding.related.len().checked_sub(RELATED + 1) {
        group = group.element(Level::NOTE.message(format!("and {} more places", more + 1)));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help));
    }
    group
}

/// What a bundle holds, by the ARM type of each resource, and where it is.
pub(super) fn bundle(
    out: &mut impl Write,
    types: impl Iterator<Item = impl AsRef<str>>,
    files: usize,
    written: &Written,
) -> io::Result<()> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for kind in types {
        let kind = kind.as_ref();
        let short = kind.strip_prefix("Microsoft.ApiManagement/service/");
        *kinds.entry(short.unwrap_or(kind).to_owned()).or_default() += 1;
    }
    let total: usize = kinds.values().sum();
    for (kind, count) in &kinds {
        writeln!(out, "{count:>6}  {kind}")?;
    }
    writeln!(out, "{total:>6}  resources in {files} files")?;
    writeln!(out, "wrote   {}", written.place)?;
    if let Some(digest) = &written.digest {
        writeln!(out, "digest  {digest}")?;
    }
    Ok(())
}
