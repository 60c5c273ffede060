//! The work that is counted, in a process of its own.

use anyhow::Context;
use flux_apim::changes;
use flux_apim::diag::Budget;
use flux_apim::edge::source::{self, OpenOptions, SourceRef};
use flux_apim::pipeline::{self, Options};
use flux_apim::tree::{ArtifactPath, SourceTree};
use perf_event::Builder;
use perf_event::events::Hardware;
use shapes::{Input, Shape};
use std::hint::black_box;

/// What is asked of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Validate,
    Render,
    Diff,
}

impl Command {
    pub(crate) const ALL: [Self; 3] = [Self::Validate, Self::Render, Self::Diff];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Render => "render",
            Self::Diff => "diff",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|command| command.as_str() == word)
    }
}

/// What came of a command.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    /// Bytes that were written: the report, and the files of the bundle.
    pub(crate) written: usize,
    /// Whether findings kept the rest from being made.
    pub(crate) refused: bool,
}

/// An input as a command takes it.
enum Given {
    Tree(SourceTree),
    Archive(
        SourceRef,
        #[expect(dead_code, reason = "the folder is there as long as this is")] tempfile::TempDir,
    ),
}

impl Given {
    fn new(input: Input) -> anyhow::Result<Self> {
        match input {
            Input::Tree(tree) => {
                let files = tree.into_files().into_iter();
                let files = files.map(|(path, bytes)| Ok((ArtifactPath::parse(&path)?, bytes)));
                let files = files.collect::<anyhow::Result<_>>()?;
                Ok(Self::Tree(SourceTree::in_memory(files)))
            }
            Input::Archive(bytes) => {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("tree.tgz");
                std::fs::write(&path, bytes)?;
                Ok(Self::Archive(SourceRef::Archive(path), folder))
            }
        }
    }

    fn open(&self) -> Result<SourceTree, source::Error> {
        match self {
            Self::Tree(tree) => Ok(tree.clone()),
            Self::Archive(source, _) => Ok(source::open(source, &OpenOptions::default())?.tree),
        }
    }
}

/// A command with its inputs.
pub(crate) struct Job {
    command: Command,
    options: Options,
    old: Given,
    new: Option<Given>,
}

impl Job {
    pub(crate) fn new(shape: &Shape, n: usize, command: Command) -> anyhow::Result<Self> {
        let mut options = Options {
            check: command == Command::Validate,
            targets: (command == Command::Diff).then(Vec::new),
            ..Options::default()
        };
        options.discover.environment = shape.environment.map(str::to_owned);
        let new = (command == Command::Diff).then(|| Given::new(shape.other(n)));
        Ok(Self {
            command,
            options,
            old: Given::new((shape.make)(n))?,
            new: new.transpose()?,
        })
    }

    pub(crate) fn run(&self) -> anyhow::Result<Done> {
        counting_begins();
        let done = black_box(self.work());
        counting_ends();
        done
    }

    fn outcome(&self, given: &Given) -> anyhow::Result<Result<pipeline::Outcome, usize>> {
        match given.open() {
            Ok(tree) => Ok(Ok(pipeline::run(&tree, &self.options, Vec::new())?)),
            Err(refused) => Ok(Err(refused.to_string().len())),
        }
    }

    fn work(&self) -> anyhow::Result<Done> {
        let mut done = Done::default();
        let mut bundles = Vec::new();
        for given in std::iter::once(&self.old).chain(&self.new) {
            let outcome = match self.outcome(given)? {
                Ok(outcome) => outcome,
                Err(written) => {
                    return Ok(Done {
                        written,
                        refused: true,
                    });
                }
            };
            let report = black_box(serde_json::to_string(&outcome.report)?);
            done.written += report.len();
            done.refused |= outcome.report.summary().error > 0;
            bundles.extend(outcome.bundle);
            if done.refused {
                return Ok(done);
            }
        }
        match (self.command, bundles.as_slice()) {
            (Command::Render, [bundle]) => {
                black_box(bundle.archive());
                let contents = bundle.graph().contents();
                done.written += bundle
                    .files
                    .iter()
                    .map(|file| file.len(contents))
                    .sum::<usize>();
            }
            (Command::Diff, [old, new]) => {
                let changes = changes::between(old, new, &Budget::default());
                done.written += black_box(serde_json::to_string(&changes)?).len();
                done.written += black_box(changes.to_human()).len();
            }
            _ => {}
        }
        Ok(done)
    }
}

/// Callgrind sets its counters to zero when this is called.
#[inline(never)]
pub(crate) fn counting_begins() {
    black_box("begin");
}

/// Callgrind writes its counters down when this is called.
#[inline(never)]
pub(crate) fn counting_ends() {
    black_box("end");
}

/// Everything on one thread: counters follow none that are started.
pub(crate) fn one_thread() -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .context("use this thread alone")
}

/// The processor's counter of instructions, where the kernel gives it.
pub(crate) fn counter() -> Option<perf_event::Counter> {
    let mut counter = Builder::new().kind(Hardware::INSTRUCTIONS).build().ok()?;
    counter.enable().ok()?;
    let first = counter.read().ok()?;
    let second = counter.read().ok()?;
    (second > first).then_some(counter)
}

/// What is printed after the last run of a shape.
pub(crate) const DONE: &str = "done";

/// `series work TIMES NAME...`: every command at these multiples of the smallest size,
/// a line for each. The runs of size 0 come first.
pub(crate) fn work(shapes: &[&Shape], times: &[usize]) -> anyhow::Result<()> {
    one_thread()?;
    let mut counter = counter();
    for shape in shapes {
        let sizes: Vec<usize> = times.iter().map(|times| times * shape.small).collect();
        runs(shape, &sizes, counter.as_mut())?;
        println!("{DONE}");
    }
    Ok(())
}

fn runs(
    shape: &Shape,
    sizes: &[usize],
    mut counter: Option<&mut perf_event::Counter>,
) -> anyhow::Result<()> {
    // What is made once in a process belongs to no size.
    for command in Command::ALL {
        Job::new(shape, 1, command)?.work()?;
    }
    let mut commands = Command::ALL.to_vec();
    for &n in std::iter::once(&0).chain(sizes) {
        let mut refused = false;
        for &command in &commands {
            let job = Job::new(shape, n, command)?;
            let before = counter.as_mut().map(|counter| counter.read()).transpose()?;
            let done = job.run()?;
            let after = counter.as_mut().map(|counter| counter.read()).transpose()?;
            let count = after
                .zip(before)
                .map_or(0, |(after, before)| after - before);
            let read = (shape.make)(n).len();
            let (name, command) = (shape.name, command.as_str());
            println!("{name} {command} {n} {read} {} {count}", done.written);
            refused |= done.refused;
        }
        // The others would do the same again.
        if refused && n > 0 {
            commands.truncate(1);
        }
    }
    Ok(())
}

/// `series peak NAME SIZE COMMAND`: the most memory that this process had, in
/// KiB, and the bytes of the input.
pub(crate) fn peak(shape: &Shape, n: usize, command: Command) -> anyhow::Result<()> {
    one_thread()?;
    let job = Job::new(shape, n, command)?;
    // What making the input took does not count.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let done = job.run()?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .context("there is no VmHWM")?
        .trim()
        .trim_end_matches(" kB");
    println!("{peak} {} {}", (shape.make)(n).len(), done.refused);
    Ok(())
}
