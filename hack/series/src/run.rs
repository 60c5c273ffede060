//! Runs each shape in processes of its own, within limits.

use crate::work::Command;
use anyhow::{Context, bail};
use shapes::{Asks, Input, Shape};
use std::path::Path;
use std::process::Output;

/// Sizes of a series, as multiples of the smallest.
pub(crate) const TIMES: [usize; 4] = [1, 2, 4, 8];
/// The size at which memory is measured, as a multiple of the smallest.
const MEMORY_TIMES: usize = 32;
/// CPU seconds after which a shape has failed, counted and bare.
const SECONDS: (u32, u32) = (150, 20);
/// KiB of address space that a bare run gets.
const SPACE: u32 = 8 << 20;

/// A run that was counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) command: Command,
    pub(crate) n: usize,
    pub(crate) read: usize,
    pub(crate) written: usize,
    pub(crate) instructions: u64,
}

/// One command over the sizes of a shape.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) command: Command,
    /// Instructions at each size, those of size 0 taken off.
    pub(crate) instructions: Vec<u64>,
    /// By how much instructions grow when the input doubles, between the two
    /// largest sizes.
    pub(crate) factor: f64,
}

/// What a shape costs.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    pub(crate) shape: &'static Shape,
    pub(crate) series: Vec<Series>,
    /// Bytes of the input at the largest size.
    pub(crate) bytes: usize,
    /// Peak bytes for each byte of the input, and of which command.
    pub(crate) memory: Option<(f64, Command)>,
    /// What kept a run from its end.
    pub(crate) failures: Vec<String>,
}

impl Cost {
    /// The series that grows most.
    pub(crate) fn worst(&self) -> Option<&Series> {
        self.series
            .iter()
            .max_by(|a, b| a.factor.total_cmp(&b.factor))
    }
}

/// How instructions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Processor,
    Callgrind,
}

/// Measures a shape.
pub(crate) fn cost(
    shape: &'static Shape,
    times: &[usize],
    counter: Counter,
) -> anyhow::Result<Cost> {
    let mut cost = Cost {
        shape,
        series: Vec::new(),
        bytes: 0,
        memory: None,
        failures: Vec::new(),
    };
    let runs = counted(shape, times, counter, &mut cost.failures)?;
    cost.bytes = runs.iter().map(|run| run.read).max().unwrap_or(0);
    for command in Command::ALL {
        cost.series.extend(series(shape, command, &runs));
    }
    cost.memory = memory(shape, &mut cost.failures)?;
    Ok(cost)
}

fn series(shape: &Shape, command: Command, runs: &[Run]) -> Option<Series> {
    let of_command: Vec<&Run> = runs.iter().filter(|run| run.command == command).collect();
    let (zero, sizes) = of_command.split_first()?;
    let net = |run: &Run| run.instructions.saturating_sub(zero.instructions).max(1);
    let [.., half, whole] = sizes else {
        return None;
    };
    let packed = matches!((shape.make)(1), Input::Archive(_));
    let bytes = |run: &Run| match shape.asks {
        Asks::Product(_) => (run.read + run.written - zero.read - zero.written) as f64,
        // Compressed bytes say little of how much there is.
        Asks::Linear if packed => run.n as f64,
        Asks::Linear => (run.read - zero.read) as f64,
    };
    let doublings = (bytes(whole) / bytes(half)).log2();
    let growth = (net(whole) as f64 / net(half) as f64).log2();
    Some(Series {
        command,
        instructions: sizes.iter().map(|run| net(run)).collect(),
        factor: (growth / doublings).exp2(),
    })
}

/// This program under limits; callgrind in front of it when there is an `out`.
fn limited(arguments: &[String], out: Option<&Path>) -> anyhow::Result<Output> {
    let own = std::env::current_exe().context("find this program")?;
    let mut words: Vec<String> = Vec::new();
    let limits = match out {
        Some(out) => {
            words.extend(
                [
                    "valgrind",
                    "-q",
                    "--tool=callgrind",
                    "--zero-before=*counting_begins*",
                    "--dump-before=*counting_ends*",
                ]
                .map(str::to_owned),
            );
            words.push(format!("--callgrind-out-file={}", out.display()));
            format!("ulimit -c 0 -t {}", SECONDS.0)
        }
        None => format!("ulimit -c 0 -t {} -v {SPACE}", SECONDS.1),
    };
    words.push(own.display().to_string());
    words.extend_from_slice(arguments);
    std::process::Command::new("sh")
        .args(["-c", &format!("{limits}; exec \"$@\""), "sh"])
        .args(words)
        .output()
        .context("start sh")
}

fn failure(output: &Output, what: &str) -> Option<String> {
    if output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or("");
    Some(format!("{what}: {} {last}", output.status))
}

fn counted(
    shape: &Shape,
    times: &[usize],
    counter: Counter,
    failures: &mut Vec<String>,
) -> anyhow::Result<Vec<Run>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let mut arguments = vec!["work".to_owned(), shape.name.to_owned()];
    arguments.extend(times.iter().map(|times| (times * shape.small).to_string()));
    let output = limited(&arguments, (counter == Counter::Callgrind).then_some(&out))?;
    failures.extend(failure(&output, "counted run"));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut runs = text
        .lines()
        .map(run)
        .collect::<anyhow::Result<Vec<Run>>>()?;
    if counter == Counter::Callgrind {
        for (i, run) in runs.iter_mut().enumerate() {
            run.instructions = dumped(&folder.path().join(format!("out.{}", i + 1)))?;
        }
    }
    Ok(runs)
}

fn run(line: &str) -> anyhow::Result<Run> {
    let words: Vec<&str> = line.split(' ').collect();
    let [command, n, read, written, instructions] = words[..] else {
        bail!("`{line}` is no run");
    };
    Ok(Run {
        command: Command::parse(command).context("there is no such command")?,
        n: n.parse()?,
        read: read.parse()?,
        written: written.parse()?,
        instructions: instructions.parse()?,
    })
}

/// The sum that callgrind wrote at the end of a dump.
fn dumped(path: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read what callgrind wrote to {}", path.display()))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("summary: "));
    sum.context("callgrind wrote no summary")?
        .trim()
        .parse()
        .context("read callgrind's summary")
}

fn memory(shape: &Shape, failures: &mut Vec<String>) -> anyhow::Result<Option<(f64, Command)>> {
    let mut most: Option<(f64, Command)> = None;
    for command in Command::ALL {
        let mut peak = |n: usize| -> anyhow::Result<Option<(f64, f64, bool)>> {
            let words = ["peak", shape.name, &n.to_string(), command.as_str()];
            let output = limited(&words.map(str::to_owned), None)?;
            if let Some(failure) = failure(&output, command.as_str()) {
                failures.push(failure);
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&output.stdout);
            let words: Vec<&str> = text.split_whitespace().collect();
            let [peak, bytes, refused] = words[..] else {
                bail!("`{text}` is no peak");
            };
            Ok(Some((
                peak.parse::<f64>()? * 1024.0,
                bytes.parse()?,
                refused == "true",
            )))
        };
        let (Some((empty, ..)), Some((full, bytes, refused))) =
            (peak(0)?, peak(MEMORY_TIMES * shape.small)?)
        else {
            break;
        };
        let ratio = (full - empty).max(0.0) / bytes;
        if most.is_none_or(|(before, _)| ratio > before) {
            most = Some((ratio, command));
        }
        if refused {
            break;
        }
    }
    Ok(most)
}
