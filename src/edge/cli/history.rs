//! `history`: the bundles of a repository.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{ChoiceArgs, Named, RegistryArgs, named};
use super::{Done, print};
use crate::edge::publish::{self, Destination, History, Times};
use clap::Args;
use std::fmt::Write;

/// Flags of `history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// oci://REGISTRY/REPOSITORY or oci-layout:DIR.
    #[arg(value_name = "REPO", value_parser = named)]
    from: Named,
    /// How many bundles are shown, newest first.
    #[arg(long, value_name = "N", default_value = "20")]
    limit: usize,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Also when each was published: by the log that its signature stands in, and by the
    /// ApimBundles of a cluster.
    #[arg(long)]
    published: bool,
    #[cfg(feature = "controller")]
    #[command(flatten)]
    cluster: super::running::ClusterArgs,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

pub(super) fn history(arguments: &HistoryArgs) -> anyhow::Result<Done> {
    let at = Destination::open(
        arguments.from.place()?,
        &arguments.registry.connection()?,
        None,
    )?;
    let limits = arguments.limits.limits()?;
    let choice = arguments.choice.choice()?;
    let times = arguments.times()?;
    let reading = publish::history(
        &*at.target,
        &at.repository,
        &choice,
        arguments.limit,
        times.as_ref(),
        &limits,
    );
    let history = crate::edge::runtime()?.block_on(reading)?;
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", history.to_json()))?,
        ResultFormat::Human => print(&shown(&history, arguments.published))?,
    }
    Ok(Done::Well)
}

impl HistoryArgs {
    /// What a cluster knows of when bundles were published; `None` where that is not asked.
    #[cfg(feature = "controller")]
    fn times(&self) -> anyhow::Result<Option<Times>> {
        if !self.published {
            return Ok(None);
        }
        let asking = self.cluster.times();
        Ok(Some(crate::edge::runtime()?.block_on(asking)?))
    }

    /// A build without the controller knows no cluster.
    #[cfg(not(feature = "controller"))]
    fn times(&self) -> anyhow::Result<Option<Times>> {
        Ok(self.published.then(Times::default))
    }
}

fn shown(history: &History, published: bool) -> String {
    let mut text = String::new();
    for entry in &history.entries {
        let changes = match entry.changes {
            None => "first".to_owned(),
            Some(_) if entry.rerendered => "the same, by a new renderer".to_owned(),
            Some(changes) => format!(
                "+{} ~{} -{}",
                changes.added, changes.changed, changes.removed
            ),
        };
        let known =
            |text: &Option<String>| crate::diag::excerpt(text.as_deref().unwrap_or("-"), 100);
        let when = entry.published.as_deref().unwrap_or("unknown");
        let when = match published {
            true => format!("  published {}", crate::diag::excerpt(when, 40)),
            false => String::new(),
        };
        let _ = writeln!(
            text,
            "{}  {}  {}  {} resources, {changes}  {}{when}",
            entry.digest,
            crate::diag::excerpt(&entry.created, 40),
            known(&entry.revision),
            entry.resources,
            entry.tags.join(", "),
        );
    }
    if history.entries.is_empty() {
        let _ = writeln!(text, "{} holds no bundle", history.repository);
    }
    if history.left_out > 0 {
        let _ = writeln!(
            text,
            "... and {} older; --limit shows more",
            history.left_out
        );
    }
    text
}
