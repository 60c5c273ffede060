//! The command line: what is asked, and how the answer is shown.

#[cfg(feature = "publish")]
mod ci;
mod command;
mod compared;
mod completions;
#[cfg(feature = "controller")]
mod controller;
#[cfg(feature = "publish")]
mod copy;
#[cfg(feature = "publish")]
mod deploy;
mod diff;
#[cfg(feature = "publish")]
mod doctor;
mod effective;
mod explain;
mod fix;
mod forges;
#[cfg(feature = "publish")]
mod history;
mod human;
#[cfg(feature = "publish")]
mod identity;
mod init;
#[cfg(feature = "publish")]
mod inspect;
#[cfg(feature = "publish")]
mod keygen;
mod lsp;
mod options;
mod places;
mod progress;
#[cfg(feature = "publish")]
mod prune;
#[cfg(feature = "publish")]
mod publish;
#[cfg(feature = "publish")]
mod pull;
#[cfg(feature = "publish")]
mod registry;
#[cfg(feature = "server")]
mod remote;
#[cfg(feature = "publish")]
mod rollback;
#[cfg(feature = "controller")]
mod running;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "publish")]
mod tag;
#[cfg(feature = "publish")]
mod trust;
mod validate;
#[cfg(feature = "server")]
mod values;
#[cfg(feature = "publish")]
mod verify;
mod version;
mod watch;

pub use completions::{Shell, of as completions};

use crate::bundle::{Bundle, INVENTORY};
use crate::diag::{Budget, Diagnostic, Report, markdown, sarif};
use crate::discover;
use crate::edge::output::Output;
use crate::edge::policies;
use crate::edge::source::{self, Kept, OpenOptions, Opened, SourceRef};
use crate::levels::Asked;
use crate::pipeline::{self, Outcome};
use crate::rules::{REGISTRY, source_unreadable};
use crate::tree::{ArtifactPath, Limits};
use anyhow::Context;
use clap::{CommandFactory, Parser};
use command::{Cli, Command};
use options::{Common, Format, Render, SourceFlags};
use progress::Progress;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What a command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Done {
    /// Exit status 0.
    Well,
    /// Exit status 1: findings.
    Findings,
    /// Exit status 2, already explained.
    Refused,
}

/// The command line itself, for man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    cli.color.write_global();
    // The service and the controller have a log of their own.
    let logs = match &cli.command {
        #[cfg(feature = "server")]
        Command::Serve(_) => true,
        #[cfg(feature = "controller")]
        Command::Controller(_) => true,
        _ => false,
    };
    if !logs {
        log(cli.verbose, cli.quiet);
    }
    match run(&cli) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Findings) => ExitCode::from(1),
        Ok(Done::Refused) => ExitCode::from(2),
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Says what is wrong with the arguments; or what `--help` says.
fn misused(error: &clap::Error) -> ExitCode {
    let given = error.get(clap::error::ContextKind::InvalidSubcommand);
    let lacking = match given {
        Some(clap::error::ContextValue::String(name)) => command::lacking(name),
        _ => None,
    };
    // Whoever closed the pipe reads no more.
    let _ = match lacking {
        Some(text) => writeln!(anstream::stderr(), "error: {text}"),
        None => error.print(),
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn run(cli: &Cli) -> anyhow::Result<Done> {
    match &cli.command {
        Command::Render(arguments) => render(arguments, cli.quiet),
        Command::Validate(arguments) => validate::validate(arguments, cli.quiet),
        Command::Init(arguments) => init::init(arguments, cli.quiet),
        Command::Diff(arguments) => diff::diff(arguments, cli.quiet),
        #[cfg(feature = "server")]
        Command::Serve(arguments) => serve::serve(arguments),
        #[cfg(feature = "publish")]
        Command::Publish(arguments) => publish::publish(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Copy(arguments) => copy::copy(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Tag(arguments) => tag::tag(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Prune(arguments) => prune::prune(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Pull(arguments) => pull::pull(arguments),
        #[cfg(feature = "publish")]
        Command::Inspect(arguments) => inspect::inspect(arguments),
        #[cfg(feature = "publish")]
        Command::Verify(arguments) => verify::verify(arguments),
        #[cfg(feature = "publish")]
        Command::History(arguments) => history::history(arguments),
        #[cfg(feature = "publish")]
        Command::Rollback(arguments) => rollback::rollback(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Plan(arguments) => deploy::plan(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Deploy(arguments) => deploy::deploy(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Destroy(arguments) => deploy::destroy(arguments, cli.quiet),
        #[cfg(feature = "publish")]
        Command::Identity(arguments) => identity::identity(arguments),
        #[cfg(feature = "publish")]
        Command::Doctor(arguments) => doctor::doctor(arguments),
        #[cfg(feature = "publish")]
        Command::Keygen(arguments) => keygen::keygen(arguments),
        Command::Explain { code, format } => explain::explain(code.as_deref(), *format),
        Command::Policy(command) => effective::policy(command, cli.quiet),
        Command::Lsp(arguments) => lsp::lsp(arguments),
        Command::Schema => {
            print(&format!("{:#}\n", discover::schema(REGISTRY)))?;
            Ok(Done::Well)
        }
        #[cfg(feature = "controller")]
        Command::Controller(arguments) => controller::controller(arguments),
        #[cfg(feature = "controller")]
        Command::Crds => controller::crds(),
        Command::Version(arguments) => version::version(arguments),
        Command::Completions { shell } => {
            print(&completions::of(*shell))?;
            Ok(Done::Well)
        }
    }
}

/// Opens the source; `Err` holds why it is refused.
fn open(common: &Common, budget: &Budget) -> anyhow::Result<Result<Opened, Report>> {
    open_again(common, budget, None)
}

/// The same, where `kept` has what earlier openings read.
fn open_again(
    common: &Common,
    budget: &Budget,
    kept: Option<&Arc<Kept>>,
) -> anyhow::Result<Result<Opened, Report>> {
    let is_first = kept.is_none_or(|kept| kept.is_empty());
    let open = OpenOptions {
        kept: kept.cloned(),
        digest: common.digest,
        limits: common.limits()?,
        budget: budget.clone(),
        layer: common.layer_type.clone(),
    };
    let opened = common
        .source
        .parse::<SourceRef>()
        .map_err(anyhow::Error::from)
        .and_then(|source| match &source {
            #[cfg(feature = "publish")]
            SourceRef::Registry(_) => {
                let connection = common.registry.connection()?;
                Ok(source::open_over(&source, &open, &connection)?)
            }
            source => Ok(source::open(source, &open)?),
        });
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let finding = match error.downcast()? {
                source::Error::Refused(finding) => finding,
                other => return Err(other.into()),
            };
            return Ok(Err(refusal(*finding)?));
        }
    };
    if opened.origin.revision.is_none()
        && is_first
        && let Some(trouble) = common.git_trouble()
    {
        tracing::warn!("{trouble}");
    }
    tracing::info!(
        source = common.source,
        files = opened.tree.len(),
        revision = opened.origin.revision.as_deref().unwrap_or(""),
        "read"
    );
    if let (Some(_), Some(env)) = (opened.only, &common.env) {
        anyhow::bail!(
            "--env {env}: {} is one document, and environments are of projects",
            common.source
        );
    }
    if let Some(path) = &common.path {
        let inside = format!("{path}/");
        let mut files = opened.tree.files();
        if !files.any(|(_, file)| file.as_str().starts_with(&inside)) {
            anyhow::bail!("--path {path}: the source has no such folder");
        }
        opened.origin.path = Some(path.clone());
    }
    if let Some(config) = &common.config
        && opened.tree.find(&config_path(config)).is_none()
    {
        add_config(&mut opened, config, &open.limits)?;
    }
    Ok(Ok(opened))
}

/// Adds the environment file `config`, which lies outside the source.
fn add_config(opened: &mut Opened, config: &str, limits: &Limits) -> anyhow::Result<()> {
    let attempted = || format!("read --config {config}, which the source does not have");
    let file = std::fs::File::open(config).with_context(attempted)?;
    let mut bytes = Vec::new();
    let mut reader = file.take(limits.max_file_bytes + 1);
    reader.read_to_end(&mut bytes).with_context(attempted)?;
    anyhow::ensure!(
        bytes.len() as u64 <= limits.max_file_bytes,
        "{}: it has more than {} bytes (--max-file-bytes)",
        attempted(),
        limits.max_file_bytes
    );
    let path = config_path(config);
    let path = ArtifactPath::parse(&path).with_context(attempted)?;
    opened.tree = opened.tree.with(path, bytes);
    Ok(())
}

/// Where a file is that lies outside the source: its path without what leads out.
pub(super) fn config_path(config: &str) -> String {
    let parts = Path::new(config).components();
    let parts = parts.filter_map(|part| match part {
        std::path::Component::Normal(name) => name.to_str(),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Opens the source and runs the pipeline; `Err` holds why it is refused.
fn pipeline(
    common: &Common,
    set: impl FnOnce(&mut pipeline::Options) -> anyhow::Result<()>,
) -> anyhow::Result<Result<Outcome, Report>> {
    pipeline_again(common, None, set)
}

/// The same, where `kept` has what earlier openings read.
fn pipeline_again(
    common: &Common,
    kept: Option<&Arc<Kept>>,
    set: impl FnOnce(&mut pipeline::Options) -> anyhow::Result<()>,
) -> anyhow::Result<Result<Outcome, Report>> {
    if let Some(threads) = common.threads {
        // Of the process, so that the archive is compressed on them, too. They are
        // there already when the second side of `diff` asks.
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let _ = threads.build_global();
    }
    // One account for reading the source and for the run.
    let budget = Budget::new(&common.limits()?);
    let Opened {
        tree,
        origin,
        only,
        notes,
    } = match open_again(common, &budget, kept)? {
        Ok(opened) => opened,
        Err(report) => return Ok(Err(report)),
    };
    if only.is_some() && (common.env.is_some() || common.config.is_some()) {
        let _ = writeln!(
            anstream::stderr(),
            "{} is one document: no environment is merged into it",
            common.source
        );
    }
    let levels = Asked {
        policies: policies::read(&common.policies.policy)?,
        today: policies::today(),
        ..Asked::default()
    };
    let mut options = pipeline::Options {
        source: origin,
        levels,
        deny_warnings: common.deny.iter().any(|word| word == "warnings"),
        budget,
        ..pipeline::Options::default()
    };
    options.discover.path.clone_from(&common.path);
    options.discover.environment.clone_from(&common.env);
    options.discover.config = common.config.as_deref().map(config_path);
    options.discover.only = only;
    options.discover.limits = common.limits()?;
    set(&mut options)?;
    match pipeline::run(&tree, &options, notes) {
        Err(pipeline::Error::Read(error)) => {
            let finding = source_unreadable::file(error.path.as_str(), &error.reason);
            Ok(Err(refusal(finding)?))
        }
        outcome => Ok(Ok(outcome?)),
    }
}

/// The report of a source that is refused as a whole.
fn refusal(finding: Diagnostic) -> anyhow::Result<Report> {
    let empty = crate::tree::SourceTree::in_memory(BTreeMap::new());
    Ok(Report::resolve(
        &vec![finding].into(),
        &empty,
        &BTreeMap::new(),
    )?)
}

fn render(arguments: &Render, quiet: bool) -> anyhow::Result<Done> {
    #[cfg(feature = "server")]
    if let Some(server) = arguments.remote.server()? {
        return remote::render(&server, arguments, quiet);
    }
    let common = &arguments.common;
    let output = Output::parse(&arguments.output)?;
    let progress = Progress::start("rendering", quiet);
    let outcome = pipeline(common, |options| arguments.rendering.set(options))?;
    drop(progress);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(report) => {
            show(&report, arguments.format.findings(), quiet)?;
            return Ok(Done::Refused);
        }
    };
    let report = || places::for_people(outcome.report.clone(), common, &outcome.asked, quiet);
    let Some(bundle) = &outcome.bundle else {
        if arguments.format == options::ResultFormat::Json {
            show(&outcome.report, Format::Json, quiet)?;
        } else {
            let (report, shown) = report();
            show_all(&report, Format::Human, &shown)?;
        }
        return Ok(Done::Findings);
    };
    let written = output.write(bundle)?;
    if arguments.format == options::ResultFormat::Json {
        print_inventory(bundle)?;
    } else {
        let (report, shown) = report();
        unless_closed(human::report(&mut anstream::stderr(), &report, &shown))?;
        let nodes = bundle.graph().nodes().iter();
        unless_closed(human::bundle(
            &mut anstream::stdout(),
            nodes.map(|node| node.key.arm_type()),
            bundle.files.len(),
            &written,
        ))?;
    }
    Ok(Done::Well)
}

/// Shows findings as the result: on stdout, whatever the format.
fn show(report: &Report, format: Format, quiet: bool) -> anyhow::Result<()> {
    let shown = human::Shown {
        quiet,
        ..human::Shown::default()
    };
    show_all(report, format, &shown)
}

fn show_all(report: &Report, format: Format, shown: &human::Shown) -> anyhow::Result<()> {
    match format {
        Format::Human => unless_closed(human::report(&mut anstream::stdout(), report, shown))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(report)?))?,
        Format::Sarif => {
            let sarif = sarif::to_sarif(report, env!("CARGO_PKG_VERSION"));
            print(&format!("{}\n", serde_json::to_string(&sarif)?))?;
        }
        Format::Github => print(&forges::github(report))?,
        Format::Gitlab => print(&forges::gitlab(report))?,
        Format::Azure => print(&forges::azure(report))?,
        Format::Junit => print(&forges::junit(report))?,
        Format::Markdown => print(&markdown::to_markdown(report))?,
    }
    Ok(())
}

/// Prints `bundle.json` as it is, part by part.
fn print_inventory(bundle: &Bundle) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    let inventory = bundle.files.iter().find(|file| file.path == INVENTORY);
    if let Some(file) = inventory {
        bundle.each_text(file, &mut |text| {
            if outcome.is_ok() {
                outcome = print(text);
            }
        });
    }
    outcome
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    unless_closed(written.and_then(|()| stdout.flush())).context("write to standard output")
}

/// Whoever reads a pipe may stop when it has seen enough (`| head`): the work goes on, and ends
/// with the status that it has.
fn unless_closed(written: std::io::Result<()>) -> std::io::Result<()> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says something beside the result.
#[cfg(feature = "publish")]
fn note(text: &str, quiet: bool) {
    if !quiet {
        let _ = writeln!(anstream::stderr(), "note: {text}");
    }
}

impl SourceFlags {
    /// What findings mean for the exit status.
    fn judge(&self, report: &Report) -> Done {
        let summary = report.summary();
        if summary.error > 0 || (self.denies_warnings() && summary.warning > 0) {
            Done::Findings
        } else {
            Done::Well
        }
    }

    /// Whether warnings count as errors.
    fn denies_warnings(&self) -> bool {
        self.deny.iter().any(|word| word == "warnings")
    }

    fn limits(&self) -> anyhow::Result<Limits> {
        self.limits.limits()
    }
}

impl Common {
    /// Why Git says nothing about the source, although it is a checkout.
    fn git_trouble(&self) -> Option<String> {
        match self.source.parse().ok()? {
            SourceRef::Directory(folder) => source::git_trouble(&folder),
            SourceRef::File(file) => source::git_trouble(file.parent()?),
            _ => None,
        }
    }
}

/// Logs to standard error: what is tried again or takes long, unless `quiet`; `-v` what
/// is done, `-vv` every request.
fn log(verbose: u8, quiet: bool) {
    // `-q` is about what is found, `-v` about what is done.
    let level = match verbose {
        0 if quiet => return,
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let filter = tracing_subscriber::filter::Targets::new().with_target("flux_apim", level);
    use tracing_subscriber::prelude::*;
    let plain = anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(!plain)
        .with_target(false)
        .without_time();
    // Whoever embeds the library may log already.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init();
}
