//! `diff`: what changes between two sources.

use super::compared::Compared;
use super::options::{Common, Format, LimitFlags, PolicyArgs, SourceFlags, threads};
use super::progress::Progress;
use super::{Done, pipeline, print, refusal, show};
use crate::changes::{self, Changes};
use crate::diag::Budget;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Flags of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// What there was: a source, as for `render`.
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    old: String,
    /// What there is.
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    new: String,
    /// Narrow both sources to a subfolder.
    #[arg(long, value_name = "DIR", value_parser = super::options::folder)]
    path: Option<String>,
    /// Merge `configuration.ENV.yaml` on both sides.
    #[arg(long, value_name = "ENV", env = "FLUX_APIM_ENV")]
    env: Option<String>,
    /// Digest that OLD must have (`sha256:...`).
    #[arg(long, value_name = "DIGEST")]
    old_digest: Option<crate::tree::Digest>,
    /// Digest that NEW must have.
    #[arg(long, value_name = "DIGEST")]
    new_digest: Option<crate::tree::Digest>,
    #[command(flatten)]
    policies: PolicyArgs,
    /// How the changes are shown.
    #[arg(long, value_enum, default_value = "human")]
    format: DiffFormat,
    /// End with status 1 when there is such a change. `breaking` means, until
    /// there are rules for it, that a resource or an operation of a definition
    /// is gone.
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    /// Worker threads; one for each core unless given.
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
    #[command(flatten)]
    limits: LimitFlags,
    #[cfg(feature = "publish")]
    #[command(flatten)]
    registry: super::registry::RegistryArgs,
    #[cfg(feature = "server")]
    #[command(flatten)]
    remote: super::options::RemoteArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    Human,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Breaking,
    Any,
}

impl Diff {
    fn side(&self, source: &str, digest: Option<crate::tree::Digest>) -> Common {
        Common {
            source: source.to_owned(),
            flags: SourceFlags {
                path: self.path.clone(),
                env: self.env.clone(),
                config: None,
                digest,
                layer_type: None,
                deny: Vec::new(),
                policies: self.policies.clone(),
                threads: self.threads,
                limits: self.limits.clone(),
                #[cfg(feature = "publish")]
                registry: self.registry.clone(),
            },
        }
    }

    /// How findings are shown when a side has errors.
    fn findings(&self) -> Format {
        match self.format {
            DiffFormat::Human => Format::Human,
            DiffFormat::Json => Format::Json,
            DiffFormat::Markdown => Format::Markdown,
        }
    }

    fn show(&self, changes: &Changes) -> anyhow::Result<()> {
        match self.format {
            DiffFormat::Human => print(&changes.to_human()),
            DiffFormat::Json => print(&format!("{}\n", serde_json::to_string(changes)?)),
            DiffFormat::Markdown => print(&changes.to_markdown()),
        }
    }

    fn done(&self, changes: &Changes) -> Done {
        let failed = match self.fail_on {
            None => false,
            Some(FailOn::Any) => !changes.is_empty(),
            Some(FailOn::Breaking) => changes.is_breaking(),
        };
        if failed { Done::Findings } else { Done::Well }
    }
}

pub(super) fn diff(arguments: &Diff, quiet: bool) -> anyhow::Result<Done> {
    let sides = [
        ("OLD", arguments.side(&arguments.old, arguments.old_digest)),
        ("NEW", arguments.side(&arguments.new, arguments.new_digest)),
    ];
    #[cfg(feature = "server")]
    if let Some(server) = arguments.remote.server()? {
        let outcome = super::remote::diff(&server, &sides)?;
        return arguments.finish(outcome, quiet);
    }
    let progress = Progress::start("comparing", quiet);
    let compared = local(&sides);
    drop(progress);
    arguments.finish(compared?, quiet)
}

fn local(sides: &[(&'static str, Common); 2]) -> anyhow::Result<Compared> {
    let mut bundles = Vec::new();
    for (side, common) in sides {
        // The graph is compared; no target needs to be printed.
        let outcome = pipeline(common, |options| {
            options.targets = Some(Vec::new());
            Ok(())
        })?;
        let (report, done) = match outcome {
            Ok(outcome) => match outcome.bundle {
                Some(bundle) => {
                    bundles.push(bundle);
                    continue;
                }
                None => (outcome.report, Done::Findings),
            },
            Err(report) => (report, Done::Refused),
        };
        let source = common.source.clone();
        return Ok(Compared::Not {
            side,
            source,
            report,
            done,
        });
    }
    let [old, new] = &bundles[..] else {
        anyhow::bail!("there are not two sides");
    };
    let (side, common) = &sides[1];
    let budget = Budget::new(&common.limits()?);
    match budget.bound(|| changes::between(old, new, &budget)) {
        Ok(changes) => Ok(Compared::Changes(changes)),
        Err(stop) => match stop.finding() {
            Some(finding) => Ok(Compared::Not {
                side,
                source: common.source.clone(),
                report: refusal(finding)?,
                done: Done::Findings,
            }),
            None => anyhow::bail!("the comparison was ended before it was done"),
        },
    }
}

impl Diff {
    fn finish(&self, compared: Compared, quiet: bool) -> anyhow::Result<Done> {
        match compared {
            Compared::Changes(changes) => {
                self.show(&changes)?;
                Ok(self.done(&changes))
            }
            Compared::Not {
                side,
                source,
                report,
                done,
            } => {
                let _ = writeln!(anstream::stderr(), "{side} ({source}) cannot be compared:");
                show(&report, self.findings(), quiet)?;
                Ok(done)
            }
        }
    }
}
