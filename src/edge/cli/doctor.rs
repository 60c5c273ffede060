//! `doctor`: what a deployment would stumble over, before there is one.

use super::deploy::{Bundle, Given, ModeArgs, Reading, ServiceArgs};
use super::options::ResultFormat;
use super::{Done, print};
use crate::tree::ArtifactPath;
use clap::Args;
use flux_apim_deploy::permission::{self, Needed};
use flux_apim_deploy::template::Mode;
use flux_apim_deploy::{About, Asked, Engine, Resources, Texts, tier};
use flux_apim_model::Tier;
use serde_json::json;
use std::collections::BTreeSet;

/// The clock of this machine may be so many seconds off: tokens and signatures name times.
const SKEW: u64 = 300;

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// What is to be deployed: a folder, a .tar.gz, oci://REPOSITORY[:TAG][@DIGEST] or
    /// oci-layout:DIR.
    #[arg(long, value_name = "BUNDLE")]
    deploy: Option<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    mode: ModeArgs,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// A check, and what came of it.
struct Check {
    what: &'static str,
    /// What is as it should be, or what is not.
    said: Result<String, String>,
}

/// Texts play no part in these questions.
struct Unread;

impl Texts for Unread {
    fn text(&self, path: &ArtifactPath) -> Result<String, String> {
        Err(format!("{} is not read", path.as_str()))
    }
}

/// Checks, in the order in which they were made.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    /// Notes what came of a check, and hands on what is as it should be.
    fn note<T>(
        &mut self,
        what: &'static str,
        said: Result<T, String>,
        words: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match said {
            Ok(found) => {
                let said = Ok(words(&found));
                self.0.push(Check { what, said });
                Some(found)
            }
            Err(why) => {
                let said = Err(why);
                self.0.push(Check { what, said });
                None
            }
        }
    }
}

pub(super) fn doctor(arguments: &DoctorArgs) -> anyhow::Result<Done> {
    let mut checks = Checks::default();
    let mode = arguments.mode.mode()?;
    let bundle = arguments.deploy.as_deref().and_then(|named| {
        let read = arguments.reading.read(named).map_err(|e| format!("{e:#}"));
        let whole = |bundle: &Bundle| {
            let count = bundle.resources.list.len();
            format!("{named} is whole, {count} resources")
        };
        let read = checks.note("bundle", read, whole)?;
        let signed = arguments.reading.signature(named);
        checks.note("signature", Ok(signed), Clone::clone);
        Some(read)
    });
    if arguments.deploy.is_none() || bundle.is_some() {
        let resources = bundle.map(|bundle| bundle.resources).unwrap_or_default();
        service(arguments, &resources, &mode, &mut checks)?;
    }
    let Checks(checks) = checks;
    let well = checks.iter().all(|check| check.said.is_ok());
    match arguments.format {
        ResultFormat::Human => {
            for Check { what, said } in &checks {
                let (mark, said) = match said {
                    Ok(said) => ("ok", said),
                    Err(said) => ("no", said),
                };
                print(&format!("{mark}  {what:<12} {said}\n"))?;
            }
        }
        ResultFormat::Json => {
            let checks = checks.iter().map(|Check { what, said }| {
                let text = said.as_ref().unwrap_or_else(|said| said);
                json!({"check": what, "ok": said.is_ok(), "said": text})
            });
            let answer = json!({"version": 1, "ok": well, "checks": checks.collect::<Vec<_>>()});
            print(&format!("{answer}\n"))?;
        }
    }
    Ok(if well { Done::Well } else { Done::Refused })
}

/// The service, whoever asks, and what the bundle needs of both.
fn service(
    arguments: &DoctorArgs,
    resources: &Resources,
    mode: &Mode,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    let id = arguments.service.id(resources)?;
    let connection = arguments.reading.registry.connection()?;
    let service = arguments.service.connect(&id, connection)?;
    let runtime = crate::edge::runtime()?;
    let skew = runtime.block_on(service.clock()).map_err(|e| e.to_string());
    let reached = |_: &_| format!("{} answers", service.endpoint());
    let Some(skew) = checks.note("network", skew, reached) else {
        return Ok(());
    };
    let clock = match skew {
        Some((seconds, ahead)) if seconds > SKEW => Err(format!(
            "this machine's clock is {seconds} seconds {}: tokens and signatures are refused",
            if ahead { "ahead" } else { "behind" }
        )),
        Some((seconds, _)) => Ok(format!("within {seconds} seconds")),
        None => Ok("Azure does not say the time".to_owned()),
    };
    checks.note("clock", clock, Clone::clone);
    let principal = runtime.block_on(service.principal());
    let principal = principal.map_err(|error| error.to_string());
    let who = |id: &Option<String>| {
        let unsaid = || "its token does not say who it is".to_owned();
        id.clone().unwrap_or_else(unsaid)
    };
    let Some(principal) = checks.note("identity", principal, who) else {
        return Ok(());
    };
    // What is asked for plays no part in these questions.
    let asked = Asked {
        owner: "doctor".to_owned(),
        bundle: String::new(),
        destroy: false,
        refresh: false,
        adopt: false,
        allow_delete: BTreeSet::new(),
        protect: Vec::new(),
    };
    let engine = Engine {
        service: &service,
        service_id: &id,
        resources,
        texts: &Unread,
        secrets: &Given::default(),
        asked: &asked,
        state: None,
    };
    let about = match runtime.block_on(engine.about()) {
        Ok(about) if about.is_ready() => Ok(about),
        Ok(about) => Err(format!("{about}: it takes no changes in this state")),
        Err(failure) => Err(failure.to_string()),
    };
    let Some(about) = checks.note("service", about, ToString::to_string) else {
        return Ok(());
    };
    checks.note("tier", fits(resources, &about), Clone::clone);
    checks.note("key vaults", vaults(resources, &about), Clone::clone);
    let needed = match mode {
        Mode::Requests => permission::needed(resources),
        Mode::Deployment => permission::by_template(resources, None),
        Mode::Stack(stack) => permission::by_template(resources, Some(stack)),
    };
    let lacks = runtime.block_on(engine.lacks(&needed, principal.as_deref()));
    let Needed { actions, group } = &needed;
    let allowed = match lacks {
        Ok(missing) if missing.is_empty() => Ok(actions.len() + group.len()),
        Ok(missing) => Err(super::deploy::lacking(&missing, principal.as_deref())),
        Err(failure) => Err(format!("they cannot be read: {failure}")),
    };
    let all = |count: &usize| format!("all {count} actions that it needs");
    checks.note("permissions", allowed, all);
    Ok(())
}

/// Whether the tier of the service has what the bundle deploys.
fn fits(resources: &Resources, about: &About) -> Result<String, String> {
    let Some(known) = Tier::named(&about.tier) else {
        return Ok(format!("{} is not known here", about.tier));
    };
    let beyond = tier::beyond(resources, known);
    match beyond.is_empty() {
        true => Ok(format!("{} has what the bundle deploys", known.name)),
        false => Err(beyond.join("; ")),
    }
}

/// Whether the service can have what its named values refer to.
fn vaults(resources: &Resources, about: &About) -> Result<String, String> {
    let vaults = flux_apim_deploy::identity::vaults(resources);
    let names: Vec<&str> = vaults.iter().map(String::as_str).collect();
    match (names.is_empty(), about.has_identity) {
        (true, _) => Ok("the bundle refers to none".to_owned()),
        (false, true) => Ok(format!(
            "the service has an identity; whether it may read {} is only known to Azure",
            names.join(", ")
        )),
        (false, false) => Err(format!(
            "the service has no identity, with which it would read {}: `az apim update \
             --enable-managed-identity true` gives it one",
            names.join(", ")
        )),
    }
}
