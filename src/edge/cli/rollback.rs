//! `rollback`: a tag back to a bundle that was published before.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{Named, RegistryArgs, named, verifying_key};
use super::{Done, print};
use crate::edge::publish::{self, Destination, Pin, Policy};
use clap::Args;
use std::path::PathBuf;

/// Flags of `rollback`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// oci://REGISTRY/REPOSITORY or oci-layout:DIR.
    #[arg(value_name = "REPO", value_parser = named)]
    at: Named,
    /// Digest or tag of the bundle to go back to.
    #[arg(long, value_name = "DIGEST|TAG")]
    to: String,
    /// The tag that moves.
    #[arg(long, value_name = "TAG", default_value = "latest")]
    tag: String,
    /// The bundle must be signed by this key (cosign.pub).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    /// The signed provenance must name this source.
    #[arg(long, value_name = "URL", requires = "key")]
    expect_source: Option<String>,
    /// Write digest and tag into the OCIRepository of this manifest.
    #[arg(long, value_name = "FILE")]
    write_pin: Option<PathBuf>,
    /// What the repository of the Bicep module has behind REPO's name; empty
    /// for none.
    #[arg(long, value_name = "SUFFIX", default_value = "/bicep")]
    bicep_suffix: String,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

pub(super) fn rollback(arguments: &Rollback) -> anyhow::Result<Done> {
    let place = arguments.at.place()?;
    anyhow::ensure!(
        place.tag().is_none() && place.digest().is_none(),
        "{place}: name the repository alone; --to says what to go back to, --tag which tag moves"
    );
    let key = arguments.key.as_deref().map(verifying_key).transpose()?;
    let policy = Policy {
        key,
        expect_source: arguments.expect_source.clone(),
        policies: Vec::new(),
    };
    let connection = arguments.registry.connection()?;
    let suffix = arguments.bicep_suffix.as_str();
    let at = Destination::open(place, &connection, (!suffix.is_empty()).then_some(suffix))?;
    let limits = arguments.limits.limits()?;
    let moving = publish::rollback(&at, &arguments.to, &arguments.tag, &policy, &limits);
    let done = crate::edge::runtime()?.block_on(moving)?;
    if let Some(path) = &arguments.write_pin {
        let pin = Pin {
            url: at.url.clone(),
            digest: done.to,
            tag: Some(done.tag.clone()),
        };
        publish::write_pin(path, &pin)?;
    }
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", done.to_json()))?,
        ResultFormat::Human => {
            let said = match (done.moved, done.from) {
                (false, _) => "nothing to do: it points there already".to_owned(),
                (true, None) => "new".to_owned(),
                (true, Some(from)) => format!("was {from}"),
            };
            print(&format!("{}:{}  {}\n{said}\n", at.url, done.tag, done.to))?;
        }
    }
    Ok(Done::Well)
}
