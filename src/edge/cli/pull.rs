//! `pull`: a verified bundle to this machine.

use super::options::ResultFormat;
use super::verify::Reading;
use super::{Done, print};
use crate::edge::oci::{Layout, Target};
use crate::edge::output::{Output, Pulled, Written};
use crate::edge::publish::{self, Verified};
use anyhow::Context;
use clap::Args;
use std::path::Path;

/// Flags of `pull`.
#[derive(Debug, Args)]
pub(super) struct Pull {
    #[command(flatten)]
    reading: Reading,
    /// Folder, *.tar.gz, or oci-layout:DIR[:TAG], which gets the signatures
    /// too.
    #[arg(short, long, value_name = "OUT", default_value = "./bundle")]
    output: String,
    /// How the result is shown: for people, or the inventory as JSON.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

pub(super) fn pull(arguments: &Pull) -> anyhow::Result<Done> {
    let from = arguments.reading.target()?;
    let runtime = crate::edge::runtime()?;
    let verified = arguments.reading.verified(&*from)?;
    let output = Output::parse(&arguments.output)?;
    let written = match &output {
        Output::Layout { folder, tag } => {
            runtime.block_on(to_layout(&*from, &verified, folder, tag))?
        }
        output => output.write_pulled(&Pulled {
            tree: &verified.found.tree,
            archive: &verified.found.layer,
        })?,
    };
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", verified.found.inventory))?,
        ResultFormat::Human => print(&format!(
            "digest  {}\nlayer   {}\nfiles   {}\nwrote   {}\n",
            verified.found.descriptor.digest,
            verified.found.layer_digest(),
            verified.found.tree.len(),
            written.place
        ))?,
    }
    Ok(Done::Well)
}

/// The artifact with everything that is said about it.
async fn to_layout(
    from: &dyn Target,
    verified: &Verified,
    folder: &Path,
    tag: &str,
) -> anyhow::Result<Written> {
    let place = format!("oci-layout:{}", folder.display());
    publish::Destination::target(&place.parse()?, &Default::default())?;
    let to = Layout::new(folder);
    let digest = verified.found.descriptor.digest;
    publish::copy_all(from, &to, &verified.found.descriptor)
        .await
        .with_context(|| format!("copy {digest} to {place}"))?;
    to.tag(&verified.found.descriptor, tag).await?;
    Ok(Written {
        place: format!("{place}:{tag}"),
        digest: Some(digest),
    })
}
