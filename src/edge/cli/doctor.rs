//! `doctor`: what a deployment would stumble over, before there is one.

use super::deploy::Target;
use super::options::ResultFormat;
use super::{Done, print};
use clap::Args;
use flux_apim_deploy::permission;
use flux_apim_deploy::{Asked, Engine};
use serde_json::json;
use std::collections::BTreeSet;

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    target: Target,
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

pub(super) fn doctor(arguments: &DoctorArgs) -> anyhow::Result<Done> {
    let mut checks = Vec::new();
    let target = &arguments.target;
    let bundle = target.read()?;
    checks.push(Check {
        what: "bundle",
        said: Ok(format!("whole, {} resources", bundle.resources.list.len())),
    });
    let id = target.service_id(&bundle)?;
    let service = target.connect(&id)?;
    let runtime = crate::edge::runtime()?;
    let principal = runtime.block_on(service.principal());
    let who = principal.as_ref().ok().cloned().flatten();
    let known = principal.is_ok();
    checks.push(Check {
        what: "identity",
        said: principal
            .map(|id| id.unwrap_or_else(|| "its token does not say who it is".to_owned()))
            .map_err(|error| error.to_string()),
    });
    if known {
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
            resources: &bundle.resources,
            texts: &bundle,
            secrets: &super::deploy::Given::default(),
            asked: &asked,
            state: None,
        };
        let about = runtime.block_on(engine.about());
        let found = about.is_ok();
        checks.push(Check {
            what: "service",
            said: match about {
                Ok(about) if about.is_ready() => Ok(about.to_string()),
                Ok(about) => Err(format!("{about}: it takes no changes in this state")),
                Err(failure) => Err(failure.to_string()),
            },
        });
        if found {
            let said = match runtime.block_on(engine.permissions()) {
                Ok(permissions) => {
                    let needed = permission::needed(&bundle.resources);
                    let missing = permission::missing(&id, &needed, &permissions);
                    match missing.is_empty() {
                        true => Ok(format!(
                            "all {} actions that it needs",
                            needed.actions.len()
                        )),
                        false => Err(super::deploy::lacking(&missing, who.as_deref())),
                    }
                }
                Err(failure) => Err(format!("they cannot be read: {failure}")),
            };
            checks.push(Check {
                what: "permissions",
                said,
            });
        }
    }
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
