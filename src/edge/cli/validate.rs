//! `flux-apim validate`: sources checked one by one, their findings shown together.

use super::options::{Common, Format, Validate};
use super::progress::Progress;
#[cfg(feature = "server")]
use super::remote;
use super::{Done, human, pipeline, places, show_all};
use crate::diag::Report;
use crate::levels::Baseline;
use crate::pipeline::Checked;
use anyhow::Context;
use std::io::{Read, Write};
use std::path::Path;

pub(super) fn validate(arguments: &Validate, quiet: bool) -> anyhow::Result<Done> {
    let keeps = arguments.baseline.is_some() || arguments.write_baseline.is_some();
    anyhow::ensure!(
        arguments.sources.len() == 1 || !keeps,
        "--baseline and --write-baseline are about one source"
    );
    let mut results = Vec::new();
    for common in arguments.each() {
        #[cfg(feature = "server")]
        if let Some(server) = arguments.remote.server()? {
            let (report, done) = remote::validate(&server, arguments, &common)?;
            results.push((common.source, report, done, None));
            continue;
        }
        let (report, done, checked) = validate_here(arguments, &common, quiet)?;
        results.push((common.source, report, done, checked));
    }
    let mut all = Report::default();
    let (mut worst, mut looked_at) = (Done::Well, Some(Checked::default()));
    let is_machine = matches!(arguments.format, Format::Json | Format::Sarif);
    let is_one = results.len() == 1;
    let mut left_out = 0;
    for (source, report, done, checked) in results {
        worst = worst.max(done);
        let asked = checked.as_ref().map_or(&[][..], |checked| &checked.asked);
        // A warning that fails is shown, whatever it is about.
        let is_whole = is_machine || arguments.flags.denies_warnings();
        let report = match is_whole {
            true => report,
            false => {
                let (report, more) = places::without_others(report, asked);
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
        looked_at = looked_at.zip(checked).map(|(all, more)| Checked {
            resources: all.resources + more.resources,
            definitions: all.definitions + more.definitions,
            policies: all.policies + more.policies,
            ..all
        });
    }
    let shown = human::Shown {
        quiet,
        denied: arguments.flags.denies_warnings(),
        all: arguments.all,
        left_out,
        checked: looked_at.map(|checked| {
            let counted = |n: usize, word| human::counted(n as u64, word);
            format!(
                "{}, {}, {}",
                counted(checked.resources, "resource"),
                counted(checked.definitions, "definition"),
                counted(checked.policies, "policy")
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
) -> anyhow::Result<(Report, Done, Option<Checked>)> {
    let progress = Progress::start("checking", quiet);
    let baseline = arguments.baseline.as_deref().map(baseline).transpose()?;
    let outcome = pipeline(common, |options| {
        arguments.rendering.set(options)?;
        options.check = true;
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
            (outcome.report, done, Some(outcome.checked))
        }
        Err(report) => (report, Done::Refused, None),
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
