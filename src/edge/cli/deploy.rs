//! `plan`, `deploy`, `destroy`: a bundle and a service of API Management.

mod asked;
mod session;
mod target;
mod template;

pub(super) use asked::{AskedArgs, Given};
pub(super) use session::{Session, lacking};
pub(super) use target::{Bundle, Reading, ServiceArgs, Target, service_name};
pub(super) use template::ModeArgs;

use super::options::ResultFormat;
use super::{Done, note, print};
use anyhow::Context;
use asked::small;
use clap::{Args, ValueEnum};
use flux_apim_deploy::Plan;
use flux_apim_deploy::template::Mode;
use serde_json::{Value as Json, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use template::Ending;

/// Plans hold differences of texts.
const MAX_PLAN: u64 = 256 << 20;

/// Flags of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    #[command(flatten)]
    mode: ModeArgs,
    /// Plan what `destroy` would do.
    #[arg(long)]
    destroy: bool,
    /// Write the plan into a file that `deploy --plan` takes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the plan is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: PlanFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Human,
    Json,
    Markdown,
}

/// Flags of `deploy`.
#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    #[command(flatten)]
    mode: ModeArgs,
    /// Do exactly what this plan says, or nothing.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Say what would be done; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// Flags of `destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    #[command(flatten)]
    mode: ModeArgs,
    /// Do it: without this only the plan is shown.
    #[arg(long)]
    yes: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// Writes a file beside its place, and renames it into it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Plans, deploys or destroys by template.
fn by_template(
    session: &Session,
    mode: &Mode,
    destroy: bool,
    ending: Ending,
    format: ResultFormat,
    quiet: bool,
) -> anyhow::Result<Done> {
    match (mode, destroy) {
        (Mode::Stack(stack), true) => session.destroy_stack(stack, ending, format, quiet),
        (Mode::Stack(stack), false) => session.by_template(Some(stack), ending, format, quiet),
        (_, false) => session.by_template(None, ending, format, quiet),
        (_, true) => anyhow::bail!(
            "a deployment deletes nothing: destroy with --mode requests what requests deployed, and \
             with --mode stack what a stack did"
        ),
    }
}

pub(super) fn plan(arguments: &PlanArgs, quiet: bool) -> anyhow::Result<Done> {
    let mode = arguments.mode.mode()?;
    let session = Session::open(&arguments.target, &arguments.asked, arguments.destroy)?;
    if mode != Mode::Requests {
        let format = match arguments.format {
            PlanFormat::Json => ResultFormat::Json,
            PlanFormat::Human => ResultFormat::Human,
            PlanFormat::Markdown => anyhow::bail!("--format markdown goes with --mode requests"),
        };
        anyhow::ensure!(arguments.out.is_none(), "--out goes with --mode requests");
        return by_template(
            &session,
            &mode,
            arguments.destroy,
            Ending::Planned,
            format,
            quiet,
        );
    }
    let plan = session.plan(&crate::edge::runtime()?)?;
    if let Some(path) = &arguments.out {
        write(path, &format!("{}\n", plan.to_json()))
            .with_context(|| format!("write the plan into {}", path.display()))?;
    }
    match arguments.format {
        PlanFormat::Human => print(&plan.to_human())?,
        PlanFormat::Json => print(&format!("{}\n", plan.to_json()))?,
        PlanFormat::Markdown => print(&plan.to_markdown())?,
    }
    Ok(match plan.problems.is_empty() {
        true => Done::Well,
        false => Done::Refused,
    })
}

pub(super) fn deploy(arguments: &DeployArgs, quiet: bool) -> anyhow::Result<Done> {
    let mode = arguments.mode.mode()?;
    let session = Session::open(&arguments.target, &arguments.asked, false)?;
    if mode != Mode::Requests {
        anyhow::ensure!(
            arguments.plan.is_none() && !arguments.asked.refresh && !arguments.asked.adopt,
            "--plan, --refresh and --adopt go with --mode requests"
        );
        let ending = match arguments.dry_run {
            true => Ending::Planned,
            false => Ending::Done,
        };
        return by_template(&session, &mode, false, ending, arguments.format, quiet);
    }
    let runtime = crate::edge::runtime()?;
    let plan = session.plan(&runtime)?;
    if let Some(path) = &arguments.plan {
        let saved: Json = serde_json::from_str(&small(path, MAX_PLAN)?)
            .with_context(|| format!("read the plan {}", path.display()))?;
        let departs = plan.departs_from(&saved);
        if !departs.is_empty() {
            for line in departs.iter().take(50) {
                note(line, quiet);
            }
            anyhow::bail!(
                "what would be done is not what {} says, in {} places: nothing was written. Plan again",
                path.display(),
                departs.len()
            );
        }
    }
    show(&plan, arguments.format)?;
    if arguments.dry_run {
        if arguments.format == ResultFormat::Json {
            print(&format!(
                "{}\n",
                json!({"version": 1, "plan": plan.to_json(), "outcome": null})
            ))?;
        }
        return Ok(if plan.problems.is_empty() {
            Done::Well
        } else {
            Done::Refused
        });
    }
    session.permitted(&runtime, &plan, quiet)?;
    session.apply(&runtime, &plan, arguments.format)
}

pub(super) fn destroy(arguments: &DestroyArgs, quiet: bool) -> anyhow::Result<Done> {
    let mode = arguments.mode.mode()?;
    let session = Session::open(&arguments.target, &arguments.asked, true)?;
    if mode != Mode::Requests {
        let ending = match arguments.yes {
            true => Ending::Done,
            false => Ending::Planned,
        };
        return by_template(&session, &mode, true, ending, arguments.format, quiet);
    }
    let runtime = crate::edge::runtime()?;
    let plan = session.plan(&runtime)?;
    show(&plan, arguments.format)?;
    if !arguments.yes {
        match arguments.format {
            ResultFormat::Human => print("nothing was deleted: --yes does it\n")?,
            ResultFormat::Json => {
                print(&format!(
                    "{}\n",
                    json!({"version": 1, "plan": plan.to_json(), "outcome": null})
                ))?;
            }
        }
        return Ok(Done::Well);
    }
    session.permitted(&runtime, &plan, quiet)?;
    session.apply(&runtime, &plan, arguments.format)
}

/// The plan before it is done, for people.
fn show(plan: &Plan, format: ResultFormat) -> anyhow::Result<()> {
    match format {
        ResultFormat::Human => print(&plan.to_human()),
        ResultFormat::Json => Ok(()),
    }
}
