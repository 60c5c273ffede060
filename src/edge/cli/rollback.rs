//! `rollback`: a tag back to a bundle that was published before.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{ModuleArgs, Named, RegistryArgs, named};
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
    /// The bundle must be signed by this key (cosign.pub, or azurekms://VAULT/KEY).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    /// The signed provenance must name this source.
    #[arg(long, value_name = "URL", requires = "key")]
    expect_source: Option<String>,
    /// Write digest and tag into the OCIRepository of this manifest.
    #[arg(long, value_name = "FILE")]
    write_pin: Option<PathBuf>,
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
    #[command(flatten)]
    limits: LimitFlags,
}

pub(super) fn rollback(arguments: &Rollback) -> anyhow::Result<Done> {
    let place = arguments.at.place()?;
    anyhow::ensure!(
        place.tag().is_none() && place.digest().is_none(),
        "{place}: name the repository alone; --to says what to go back to, --tag which tag moves"
    );
    let key = arguments.key.as_deref();
    let key = key
        .map(|key| arguments.registry.verifying_key(key))
        .transpose()?;
    let policy = Policy {
        key,
        expect_source: arguments.expect_source.clone(),
        policies: Vec::new(),
    };
    let connection = arguments.registry.connection()?;
    let at = Destination::open(place, &connection, arguments.module.suffix(place))?;
    if let Some(path) = &arguments.write_pin {
        publish::check_pin(path, &at.url)?;
    }
    let limits = arguments.limits.limits()?;
    let dry_run = arguments.dry_run;
    let moving = publish::rollback(
        &at,
        &arguments.to,
        &arguments.tag,
        &policy,
        &limits,
        dry_run,
    );
    let done = crate::edge::runtime()?.block_on(moving)?;
    if let Some(path) = arguments.write_pin.as_ref().filter(|_| !dry_run) {
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
            let said = match dry_run {
                true => format!("{said} (dry run: nothing moved)"),
                false => said,
            };
            print(&format!("{}:{}  {}\n{said}\n", at.url, done.tag, done.to))?;
        }
    }
    Ok(Done::Well)
}
