//! `rollback`: a tag back to a bundle that was published before.

use super::deploy::{AskedArgs, Bundle, ServiceArgs, Session};
use super::options::{LimitFlags, ResultFormat};
use super::registry::{ChoiceArgs, ModuleArgs, Named, PinArgs, RegistryArgs, named};
use super::trust::TrustArgs;
use super::{Done, print};
use crate::edge::oci::Connection;
use crate::edge::publish::{self, Destination};
use clap::Args;
use flux_apim_deploy::Plan;
use std::path::PathBuf;

/// Flags of `rollback`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// oci://REGISTRY/REPOSITORY or oci-layout:DIR.
    #[arg(value_name = "REPO", value_parser = named)]
    at: Named,
    /// Digest or tag of the bundle to go back to; with --deploy the one before, unless given.
    #[arg(
        long,
        value_name = "DIGEST|TAG",
        conflicts_with_all = ["semver", "tag_prefix", "within"],
        required_unless_present_any = ["semver", "tag_prefix", "within", "deploy"]
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
    /// Deploy it too: plan, check, move the tag, and bring the service back to it.
    #[arg(long)]
    deploy: bool,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    asked: AskedArgs,
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

/// A bundle to go back to, and what that takes.
struct Deployment {
    session: Session,
    plan: Plan,
}

impl Deployment {
    /// Plans, says what comes of it and what does not come back, and checks that it may be
    /// done. Nothing is written.
    fn plan(
        arguments: &Rollback,
        bundle: Bundle,
        connection: &Connection,
        runtime: &tokio::runtime::Runtime,
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let Rollback { service, asked, .. } = arguments;
        let session = Session::of(bundle, service, asked, connection, false)?;
        let plan = session.plan(runtime)?;
        if arguments.format == ResultFormat::Human {
            print(&plan.to_human())?;
            for lost in plan.does_not_return() {
                print(&format!("does not come back: {lost}\n"))?;
            }
        }
        if !arguments.dry_run {
            session.permitted(runtime, &plan, quiet)?;
        }
        Ok(Self { session, plan })
    }
}

pub(super) fn rollback(arguments: &Rollback, quiet: bool) -> anyhow::Result<Done> {
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
    let runtime = crate::edge::runtime()?;
    let choosing = async {
        match (&arguments.to, arguments.choice.is_given()) {
            (Some(to), _) => Ok(to.clone()),
            (None, false) => publish::before(&*at.target, &arguments.tag)
                .await
                .map(|digest| digest.to_string()),
            (None, true) => publish::newest(&*at.target, &choice)
                .await
                .map(|digest| digest.to_string()),
        }
    };
    let to = runtime.block_on(choosing)?;
    // Nothing moves before it is known that it can be deployed.
    let deployment = match arguments.deploy {
        true => {
            let verifying = publish::verify(&*at.target, &to, &policy, &limits);
            let found = runtime.block_on(verifying)?.found;
            let bundle = Bundle::new(&format!("{place}@{to}"), found.tree, found.inventory)?;
            Some(Deployment::plan(
                arguments,
                bundle,
                &connection,
                &runtime,
                quiet,
            )?)
        }
        false => None,
    };
    if let Some(Deployment { plan, .. }) = &deployment
        && !plan.problems.is_empty()
    {
        anyhow::bail!(
            "nothing was written, and no tag moved: {}",
            plan.problems.join("; ")
        );
    }
    let moving = publish::rollback(&at, &to, &arguments.tag, &policy, &limits, dry_run);
    let done = runtime.block_on(moving)?;
    arguments
        .pin
        .write(&at, done.to, Some(&done.tag), dry_run)?;
    match arguments.format {
        ResultFormat::Json => {
            let mut answer = done.to_json();
            if let Some(Deployment { plan, .. }) = &deployment {
                answer["plan"] = plan.to_json();
                answer["doesNotReturn"] = plan.does_not_return().into();
            }
            print(&format!("{answer}\n"))?;
        }
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
    match deployment {
        Some(Deployment { session, plan }) if !dry_run => {
            session.apply(&runtime, &plan, arguments.format)
        }
        _ => Ok(Done::Well),
    }
}
