//! Runs each shape in processes of its own, within limits.

use crate::work::{self, Command};
use anyhow::{Context, bail};
use shapes::{Asks, Shape};
use std::path::Path;
use std::process::Output;

/// Sizes of a series, as multiples of the smallest.
pub(crate) const TIMES: [usize; 4] = [1, 2, 4, 8];
/// Instructions may grow by this much when the input doubles.
pub(crate) const MAX_FACTOR: f64 = 2.3;
/// The size at which memory is measured, as a multiple of the smallest.
const MEMORY_TIMES: usize = 32;
/// CPU seconds after which a run of callgrind has failed, and for each shape of it;
/// those of a bare run.
const SECONDS: (usize, usize, usize) = (60, 20, 20);
/// KiB of address space that a bare run gets.
const SPACE: u32 = 8 << 20;

/// A run that was counted.
#[derive(Debug, Clone)]
struct Run {
    shape: String,
    command: Command,
    n: usize,
    read: usize,
    written: usize,
    instructions: u64,
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
    /// The most memory that a command took.
    pub(crate) memory: Option<Peak>,
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

/// What a run took of memory, that of the smallest input taken off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peak {
    pub(crate) command: Command,
    /// Bytes at the peak.
    pub(crate) bytes: f64,
    /// Bytes of the input.
    pub(crate) read: f64,
}

impl Peak {
    /// Peak bytes for each byte of the input.
    pub(crate) fn per_byte(&self) -> f64 {
        self.bytes / self.read
    }
}

/// How instructions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Processor,
    Callgrind,
}

/// Measures some shapes. They are counted in one process: starting callgrind takes
/// longer than what most of them do.
pub(crate) fn costs(
    shapes: &[&'static Shape],
    times: &[usize],
    counter: Counter,
) -> anyhow::Result<Vec<Cost>> {
    let mut costs = Vec::new();
    let mut left = shapes;
    while !left.is_empty() {
        let counted = counted(left, times, counter)?;
        let (done, failure) = (counted.done, &counted.failure);
        // The shape that ended the process gets the blame, the others a new one.
        let tried = done + usize::from(failure.is_some());
        for (at, shape) in left.iter().take(tried).enumerate() {
            let failures = failure.iter().filter(|_| at == done).cloned().collect();
            let mut cost = cost(shape, &counted.of(shape), failures)?;
            if cost.worst().is_some_and(|worst| worst.factor > MAX_FACTOR) {
                again(&mut cost, times, counter)?;
            }
            costs.push(cost);
        }
        if tried == 0 {
            bail!("nothing was counted of {}", left[0].name);
        }
        left = &left[tried..];
    }
    Ok(costs)
}

/// Counts at twice the largest size as well. A step that comes once, as from texts that
/// are kept as they are to those that are compressed, is none there; what grows faster
/// than the input still is.
fn again(cost: &mut Cost, times: &[usize], counter: Counter) -> anyhow::Result<()> {
    let larger = times.last().map(|times| 2 * times);
    let times: Vec<usize> = times.iter().copied().chain(larger).collect();
    let counted = counted(&[cost.shape], &times, counter)?;
    cost.failures.extend(counted.failure.clone());
    let runs = counted.of(cost.shape);
    for series in &mut cost.series {
        if let Some(again) = self::series(cost.shape, series.command, &runs) {
            series.factor = again.factor;
        }
    }
    Ok(())
}

fn cost(shape: &'static Shape, runs: &[Run], failures: Vec<String>) -> anyhow::Result<Cost> {
    let series = Command::ALL.into_iter();
    let mut cost = Cost {
        shape,
        series: series
            .filter_map(|command| self::series(shape, command, runs))
            .collect(),
        bytes: runs.iter().map(|run| run.read).max().unwrap_or(0),
        memory: None,
        failures,
    };
    cost.memory = memory(shape, &mut cost.failures)?;
    Ok(cost)
}

fn series(shape: &Shape, command: Command, runs: &[Run]) -> Option<Series> {
    let of_command: Vec<&Run> = runs.iter().filter(|run| run.command == command).collect();
    let (zero, sizes) = of_command.split_first()?;
    // What is refused at once costs less than an empty tree.
    let least = sizes.iter().map(|run| run.instructions).min()?;
    let fixed = if zero.instructions < least {
        zero.instructions
    } else {
        0
    };
    let net = |run: &Run| run.instructions.saturating_sub(fixed).max(1);
    let [.., half, whole] = sizes else {
        return None;
    };
    // A check writes nothing, and makes what a rendering writes.
    let written = |n: usize| {
        runs.iter()
            .filter(|run| run.n == n)
            .map(|run| run.written)
            .max()
    };
    let asked = |run: &Run| match shape.asks {
        Asks::Product(_) => (run.read + written(run.n).unwrap_or(0)) as f64,
        Asks::Linear => run.n as f64,
    };
    let doublings = (asked(whole) / asked(half)).log2();
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
            let seconds = SECONDS.0 + SECONDS.1 * arguments.len();
            format!("ulimit -c 0 && ulimit -t {seconds}")
        }
        None => format!(
            "ulimit -c 0 && ulimit -t {} && ulimit -v {SPACE}",
            SECONDS.2
        ),
    };
    words.push(own.display().to_string());
    words.extend_from_slice(arguments);
    std::process::Command::new("sh")
        .args(["-c", &format!("{limits} && exec \"$@\""), "sh"])
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

/// What came of a process that counts several shapes.
struct Counted {
    runs: Vec<Run>,
    /// How many shapes it came to the end of.
    done: usize,
    /// What ended it at the next one.
    failure: Option<String>,
}

impl Counted {
    fn of(&self, shape: &Shape) -> Vec<Run> {
        let runs = self.runs.iter();
        runs.filter(|run| run.shape == shape.name)
            .cloned()
            .collect()
    }
}

/// What a process printed, line by line, with the instructions of each.
pub(crate) fn lines(arguments: &[String], counter: Counter) -> anyhow::Result<Vec<(String, u64)>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let output = limited(arguments, (counter == Counter::Callgrind).then_some(&out))?;
    if let Some(failure) = failure(&output, "counted run") {
        bail!(failure);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counted = text.lines().enumerate().map(|(i, line)| {
        let count = match counter {
            Counter::Callgrind => dumped(&folder.path().join(format!("out.{}", i + 1)))?,
            Counter::Processor => {
                let last = line.rsplit(' ').next();
                last.context("a line has no count")?.parse()?
            }
        };
        Ok((line.to_owned(), count))
    });
    counted.collect()
}

fn counted(shapes: &[&Shape], times: &[usize], counter: Counter) -> anyhow::Result<Counted> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let times: Vec<String> = times.iter().map(ToString::to_string).collect();
    let mut arguments = vec!["work".to_owned(), times.join(",")];
    arguments.extend(shapes.iter().map(|shape| shape.name.to_owned()));
    let output = limited(&arguments, (counter == Counter::Callgrind).then_some(&out))?;
    let mut counted = Counted {
        runs: Vec::new(),
        done: 0,
        failure: failure(&output, "counted run"),
    };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line == work::DONE {
            counted.done += 1;
        } else {
            counted.runs.push(run(line)?);
        }
    }
    if counter == Counter::Callgrind {
        for (i, run) in counted.runs.iter_mut().enumerate() {
            run.instructions = dumped(&folder.path().join(format!("out.{}", i + 1)))?;
        }
    }
    Ok(counted)
}

fn run(line: &str) -> anyhow::Result<Run> {
    let words: Vec<&str> = line.split(' ').collect();
    let [shape, command, n, read, written, instructions] = words[..] else {
        bail!("`{line}` is no run");
    };
    Ok(Run {
        shape: shape.to_owned(),
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

fn memory(shape: &Shape, failures: &mut Vec<String>) -> anyhow::Result<Option<Peak>> {
    let mut most: Option<Peak> = None;
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
        // Tables that are made once are there with the smallest input already.
        let (Some((least, least_read, _)), Some((full, read, refused))) =
            (peak(1)?, peak(MEMORY_TIMES * shape.small)?)
        else {
            break;
        };
        let found = Peak {
            command,
            bytes: (full - least).max(0.0),
            read: (read - least_read).max(1.0),
        };
        if most.is_none_or(|before| found.bytes > before.bytes) {
            most = Some(found);
        }
        if refused {
            break;
        }
    }
    Ok(most)
}
