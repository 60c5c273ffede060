//! Runs the program on each source, two at a time, and reads what it says.

use crate::sources::{Kind, Source};
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

/// The longest unpacked definition that is read.
const MOST_BYTES: u64 = 64 << 20;

/// Every finding is listed, whatever their number.
const LISTED: [&str; 4] = [
    "--max-findings",
    "1000000",
    "--max-findings-per-file",
    "1000000",
];

pub struct Run {
    pub source: Source,
    /// Whether a bundle was made; of what is no tree, whether there is no error.
    pub is_rendered: bool,
    pub findings: Vec<Finding>,
}

/// A finding, as far as it is counted and drawn.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub code: String,
    pub name: String,
    pub level: String,
    pub path: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl Run {
    pub fn errors(&self) -> BTreeSet<&str> {
        let errors = self.findings.iter().filter(|found| found.level == "error");
        errors.map(|found| found.code.as_str()).collect()
    }
}

/// The report of `validate --format json`.
#[derive(Deserialize)]
struct Report {
    diagnostics: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    code: String,
    name: String,
    severity: String,
    message: String,
    path: String,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: u64,
    column: u64,
}

/// Runs the program on all `sources`; what comes back has their order.
pub fn all(program: &Path, corpus: &Path, sources: Vec<Source>) -> anyhow::Result<Vec<Run>> {
    let count = sources.len();
    let left = Mutex::new(sources.into_iter().enumerate());
    let work = || -> anyhow::Result<Vec<(usize, Run)>> {
        let place = tempfile::tempdir().context("make a folder for what is unpacked")?;
        let mut done = Vec::new();
        loop {
            let next = left.lock().ok().and_then(|mut left| left.next());
            let Some((at, source)) = next else { break };
            let shown = source.name.clone();
            let run = one(program, corpus, place.path(), source);
            done.push((at, run.with_context(|| format!("run on {shown}"))?));
        }
        Ok(done)
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        (work(), other.join())
    });
    let Ok(second) = second else {
        bail!("a thread ended")
    };
    let mut runs = first?;
    runs.extend(second?);
    runs.sort_by_key(|(at, _)| *at);
    ensure!(runs.len() == count, "a source was not run");
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

fn one(program: &Path, corpus: &Path, place: &Path, source: Source) -> anyhow::Result<Run> {
    let mut command = Command::new(program);
    command.args(["validate", "--format", "json", "--threads", "1"]);
    command.args(LISTED);
    if source.kind == Kind::Tree {
        command.args(["--target", "arm,bicep,aso"]);
    }
    let input = unpacked(&corpus.join(&source.name), place)?;
    name_source(&mut command, &input, &source);
    let answer = place.join("report.json");
    let status = wait(&mut command, &answer)?;
    let report: Report = serde_json::from_str(&std::fs::read_to_string(&answer)?)
        .with_context(|| format!("no report, and {status}"))?;
    let findings: Vec<Finding> = report.diagnostics.into_iter().map(finding).collect();
    let mut run = Run {
        is_rendered: status.success(),
        source,
        findings,
    };
    ensure!(
        run.is_rendered == run.errors().is_empty(),
        "{status} does not fit the findings"
    );
    if run.source.kind == Kind::Tree {
        run.is_rendered = render(program, &input, place, &run.source)?;
        ensure!(
            run.is_rendered == run.errors().is_empty(),
            "validate and render disagree"
        );
    }
    Ok(run)
}

fn finding(found: Diagnostic) -> Finding {
    let start = found.range.map(|range| range.start);
    Finding {
        code: found.code,
        name: found.name,
        level: found.severity,
        path: found.path,
        line: start.as_ref().map_or(0, |start| start.line),
        column: start.as_ref().map_or(0, |start| start.column),
        message: found.message,
    }
}

/// Whether a bundle comes of it.
fn render(program: &Path, input: &Path, place: &Path, source: &Source) -> anyhow::Result<bool> {
    let bundle = place.join("bundle");
    let mut command = Command::new(program);
    command.args(["render", "--quiet", "--threads", "1", "--output"]);
    command.arg(&bundle).args(["--target", "arm,bicep,aso"]);
    name_source(&mut command, input, source);
    let status = wait(&mut command, &place.join("render.txt"))?;
    let is_made = bundle.exists();
    if is_made {
        std::fs::remove_dir_all(&bundle).context("remove a bundle")?;
    }
    ensure!(
        status.success() == is_made,
        "render ended with {status}, and its bundle does not fit that"
    );
    Ok(is_made)
}

fn name_source(command: &mut Command, input: &Path, source: &Source) {
    command.args(
        source
            .environment
            .iter()
            .flat_map(|name| ["--env", name.as_str()]),
    );
    command.arg(input);
}

/// `path`, or the file in `place` that it was unpacked to.
fn unpacked(path: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    if path.extension() != Some(OsStr::new("gz")) {
        return Ok(path.to_owned());
    }
    let target = place.join(path.file_stem().context("a file without a name")?);
    let packed = flate2::read::GzDecoder::new(File::open(path)?);
    let mut packed = std::io::Read::take(packed, MOST_BYTES);
    std::io::copy(&mut packed, &mut File::create(&target)?)?;
    Ok(target)
}

/// Runs `command` with its output in `answer`, for as long as patience lasts.
fn wait(command: &mut Command, answer: &Path) -> anyhow::Result<ExitStatus> {
    // No setting of the one who runs this reaches the program.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLUX_APIM_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(File::create(answer)?).spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("it was stopped after {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
