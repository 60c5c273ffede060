//! `tag`: more tags for a bundle that is there.

use super::options::ResultFormat;
use super::registry::{ModuleArgs, Named, RegistryArgs, named};
use super::{Done, note, print};
use crate::edge::publish::{self, Destination};
use clap::Args;

/// Flags of `tag`.
#[derive(Debug, Args)]
pub(super) struct Tag {
    /// oci://REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST] or oci-layout:DIR[:TAG].
    #[arg(value_name = "REF", value_parser = named)]
    at: Named,
    /// The tags that are to point to it.
    #[arg(value_name = "TAG", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    module: ModuleArgs,
    /// Say what would be done; nothing moves.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn tag(arguments: &Tag, quiet: bool) -> anyhow::Result<Done> {
    let place = arguments.at.place()?;
    let connection = arguments.registry.connection()?;
    let at = Destination::open(place, &connection, arguments.module.suffix(place))?;
    let reference = place.reference();
    let tagging = publish::tag(&at, &reference, &arguments.tags, arguments.dry_run);
    let done = crate::edge::runtime()?.block_on(tagging)?;
    for text in &done.notes {
        note(text, quiet);
    }
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", done.to_json()))?,
        ResultFormat::Human => {
            let said = match (done.moved.as_slice(), arguments.dry_run) {
                ([], _) => "nothing to do: they point there already".to_owned(),
                (moved, false) => format!("moved {}", moved.join(", ")),
                (moved, true) => format!("would move {} (dry run)", moved.join(", ")),
            };
            print(&format!("{}@{}\n{said}\n", at.url, done.digest))?;
        }
    }
    Ok(Done::Well)
}
