//! `rollback`: a tag back to a bundle that was published before.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{ChoiceArgs, ModuleArgs, Named, PinArgs, RegistryArgs, named};
use super::trust::TrustArgs;
use super::{Done, print};
use crate::edge::publish::{self, Destination};
use clap::Args;
use std::path::PathBuf;

/// Flags of `rollback`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// oci://REGISTRY/REPOSITORY or oci-layout:DIR.
    #[arg(value_name = "REPO", value_parser = named)]
    at: Named,
    /// Digest or tag of the bundle to go back to.
    #[arg(
        long,
        value_name = "DIGEST|TAG",
        conflicts_with_all = ["semver", "tag_prefix", "within"],
        required_unless_present_any = ["semver", "tag_prefix", "within"]
    )]
    to: Option<String>,
    /// Without --to: the newest of these, by version where a range is given.
    #[command(flatten)]
    choice: ChoiceArgs,
    /// The tag that moves.
    #[arg(long, value_name = "TAG", default_value = "latest")]
    tag: String,
    /// The bundle must be signed by this key (cosign.pub, or azurekms://VAULT/KEY).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    pin: PinArgs,
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
        "{place}: name the repository alone; --to or --semver says what to go back to, --tag which tag moves"
    );
    let key = arguments.key.as_deref();
    let policy = arguments.trust.policy(key, &[], &arguments.registry)?;
    let connection = arguments.registry.connection()?;
    let at = Destination::open(place, &connection, arguments.module.suffix(place))?;
    arguments.pin.check(&at, place)?;
    let limits = arguments.limits.limits()?;
    let dry_run = arguments.dry_run;
    let choice = arguments.choice.choice()?;
    let moving = async {
        let to = match &arguments.to {
            Some(to) => to.clone(),
            None => publish::newest(&*at.target, &choice).await?.to_string(),
        };
        publish::rollback(&at, &to, &arguments.tag, &policy, &limits, dry_run).await
    };
    let done = crate::edge::runtime()?.block_on(moving)?;
    arguments
        .pin
        .write(&at, done.to, Some(&done.tag), dry_run)?;
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
