//! `flux-apim validate`: sources checked one by one, their findings shown together.

use super::options::{Common, Format, Validate};
use super::progress::Progress;
#[cfg(feature = "server")]
use super::remote;
use super::watch::Seen;
use super::{Done, fix, human, pipeline_again, places, print, show_all};
use crate::diag::Report;
use crate::edge::source::Kept;
use crate::levels::Baseline;
use crate::render::Target;
use crate::reuse::Reuse;
use anyhow::Context;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn validate(arguments: &Validate, quiet: bool) -> anyhow::Result<Done> {
    match arguments.watch {
        true => watched(arguments, quiet),
        false => once(arguments, quiet, None),
    }
}

/// Bytes of definitions and their findings that are kept from one check to the next, and
/// of files.
const KEPT: usize = 512 << 20;

/// What checks leave to those behind them.
struct Before {
    /// What was made of files.
    made: Arc<Reuse>,
    /// The files.
    read: Arc<Kept>,
}

/// Checks whenever something changes. What did not change is not compiled again.
fn watched(arguments: &Validate, quiet: bool) -> anyhow::Result<Done> {
    let before = Before {
        made: Arc::new(Reuse::new(KEPT)),
        read: Arc::new(Kept::new(KEPT)),
    };
    let mut roots: Vec<PathBuf> = arguments.sources.iter().map(PathBuf::from).collect();
    for root in &roots {
        anyhow::ensure!(
            root.exists(),
            "--watch looks at folders and files: {} is none",
            root.display()
        );
    }
    roots.extend(arguments.flags.config.as_ref().map(PathBuf::from));
    let mut seen = Seen::now(&roots);
    loop {
        // What goes wrong may be right after the next change.
        if let Err(error) = once(arguments, quiet, Some(&before)) {
            if is_nobody_there(&error) {
                return Err(error);
            }
            let _ = writeln!(anstream::stderr(), "{error:#}");
        }
        let (path, now) = seen.changed(&roots);
        seen = now;
        if !quiet {
            let _ = writeln!(anstream::stderr(), "{} changed", path.display());
        }
    }
}

/// Whether whoever read what is printed is gone.
fn is_nobody_there(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Checks every source once. `before` has what earlier checks left.
fn once(arguments: &Validate, quiet: bool, before: Option<&Before>) -> anyhow::Result<Done> {
    let keeps = arguments.baseline.is_some() || arguments.write_baseline.is_some();
    anyhow::ensure!(
        arguments.sources.len() == 1 || !keeps,
        "--baseline and --write-baseline are about one source"
    );
    let mut results = Vec::new();
    let mut diff = String::new();
    for common in arguments.each() {
        #[cfg(feature = "server")]
        if let Some(server) = arguments.remote.server()? {
            anyhow::ensure!(
                !arguments.fix && !arguments.diff,
                "--fix and --diff mend what is checked here; leave --server out"
            );
            let (report, done) = remote::validate(&server, arguments, &common)?;
            let asked = arguments.rendering.target.clone();
            results.push((common.source, report, done, asked));
            continue;
        }
        let (mut report, mut done, mut asked) = validate_here(arguments, &common, quiet, before)?;
        if arguments.fix || arguments.diff {
            let fixed = fix::fixed(&report, &common)?;
            if arguments.diff {
                diff.push_str(&fixed.diff());
            } else if !fixed.is_empty() {
                fixed.write(quiet)?;
                (report, done, asked) = validate_here(arguments, &common, quiet, before)?;
            }
        }
        results.push((common.source, report, done, asked));
    }
    if arguments.diff {
        print(&diff)?;
        // What could be mended is worth failing for, as a formatter fails.
        let of_diff = match diff.is_empty() {
            true => Done::Well,
            false => Done::Findings,
        };
        let worst = results.iter().map(|(.., done, _)| *done);
        return Ok(worst.fold(of_diff, Done::max));
    }
    let mut all = Report::default();
    let mut worst = Done::Well;
    let is_machine = matches!(arguments.format, Format::Json | Format::Sarif);
    let is_one = results.len() == 1;
    let mut left_out = 0;
    for (source, report, done, asked) in results {
        worst = worst.max(done);
        // A warning that fails is shown, whatever it is about.
        let is_whole = is_machine || arguments.flags.denies_warnings();
        let report = match is_whole {
            true => report,
            false => {
                let (report, more) = places::without_others(report, &asked);
                left_out += more;
                report
            }
        };
        let report = match arguments.format {
            Format::Json if is_one => report,
            Format::Json => report.of_source(&source),
            _ => places::here(report, &source),
        };
        all = all.with(report);
    }
    let shown = human::Shown {
        quiet,
        denied: arguments.flags.denies_warnings(),
        all: arguments.all,
        left_out,
        checked: all.looked_at.map(|counts| {
            format!(
                "{}, {}, {}",
                human::counted(counts.resources, "resource"),
                human::counted(counts.definitions, "definition"),
                human::counted(counts.policies, "policy")
            )
        }),
    };
    show_all(&all, arguments.format, &shown)?;
    Ok(worst)
}

/// Checks one source here.
fn validate_here(
    arguments: &Validate,
    common: &Common,
    quiet: bool,
    before: Option<&Before>,
) -> anyhow::Result<(Report, Done, Vec<Target>)> {
    let progress = Progress::start("checking", quiet);
    let baseline = arguments.baseline.as_deref().map(baseline).transpose()?;
    let read = before.map(|before| &before.read);
    let outcome = pipeline_again(common, read, |options| {
        arguments.rendering.set(options)?;
        options.check = true;
        options.reuse = before.map(|before| Arc::clone(&before.made));
        options.baseline = baseline;
        options.write_baseline = arguments.write_baseline.is_some();
        Ok(())
    })?;
    drop(progress);
    Ok(match outcome {
        Ok(outcome) => {
            if let (Some(file), Some(baseline)) = (&arguments.write_baseline, &outcome.baseline) {
                write_baseline(file, baseline, quiet)?;
            }
            let done = common.judge(&outcome.report);
            (outcome.report, done, outcome.asked)
        }
        Err(report) => (report, Done::Refused, Vec::new()),
    })
}

/// Bytes of a baseline.
const MAX_BASELINE: u64 = 256 << 20;

fn baseline(file: &Path) -> anyhow::Result<Baseline> {
    let attempted = || format!("read the baseline {}", file.display());
    let opened = std::fs::File::open(file).with_context(attempted)?;
    let mut text = String::new();
    let mut reader = opened.take(MAX_BASELINE + 1);
    reader.read_to_string(&mut text).with_context(attempted)?;
    anyhow::ensure!(
        text.len() as u64 <= MAX_BASELINE,
        "{}: it has more than {MAX_BASELINE} bytes",
        attempted()
    );
    Baseline::read(&text).with_context(attempted)
}

/// Writes it beside `file` and renames it: a reader sees the old one or the new one.
fn write_baseline(file: &Path, baseline: &Baseline, quiet: bool) -> anyhow::Result<()> {
    let attempted = || format!("write the baseline {}", file.display());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(attempted)?;
    beside
        .write_all(baseline.to_json().as_bytes())
        .with_context(attempted)?;
    beside.persist(file).with_context(attempted)?;
    if !quiet {
        let len = baseline.len();
        let _ = writeln!(
            anstream::stderr(),
            "wrote {} with {len} findings",
            file.display()
        );
    }
    Ok(())
}
