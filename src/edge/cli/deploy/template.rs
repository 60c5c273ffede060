//! `--mode deployment` and `--mode stack`: the bundle's ARM template, by Azure's own means.

use super::session::Session;
use super::target::Bundle;
use crate::edge::cli::options::ResultFormat;
use crate::edge::cli::{Done, print};
use anyhow::Context;
use clap::{Args, ValueEnum};
use flux_apim_deploy::permission;
use flux_apim_deploy::template::{ByTemplate, Deny, Deployed, Mode, Stack, Template};
use serde_json::{Value as Json, json};

const MAIN: &str = "arm/main.json";
const PARAMETERS: &str = "arm/parameters.json";

/// How a bundle is deployed.
#[derive(Debug, Args)]
pub(in crate::edge::cli) struct ModeArgs {
    /// Request by request (only what differs), or by the bundle's ARM template: as a
    /// deployment, or as a deployment stack. Both ask Azure first what would happen.
    #[arg(long, value_enum, default_value = "requests", env = "FLUX_APIM_MODE")]
    mode: ModeName,
    /// What a stack does with what is no longer in the template.
    #[arg(long, value_enum, default_value = "detach")]
    action_on_unmanage: Unmanage,
    /// What nobody but the stack may do with its resources.
    #[arg(long, value_enum, default_value = "none")]
    deny_settings: DenyName,
    /// Object id of somebody who may do it all the same.
    #[arg(long, value_name = "OBJECT_ID")]
    deny_except: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Requests,
    Deployment,
    Stack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unmanage {
    Detach,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DenyName {
    None,
    DenyDelete,
    DenyWriteAndDelete,
}

impl ModeArgs {
    /// What they say.
    pub(in crate::edge::cli) fn mode(&self) -> anyhow::Result<Mode> {
        let stack = Stack {
            deletes: self.action_on_unmanage == Unmanage::Delete,
            denies: match self.deny_settings {
                DenyName::None => Deny::Nothing,
                DenyName::DenyDelete => Deny::Delete,
                DenyName::DenyWriteAndDelete => Deny::WriteAndDelete,
            },
            except: self.deny_except.clone(),
        };
        let is_plain = stack == Stack::default();
        Ok(match self.mode {
            ModeName::Stack => Mode::Stack(stack),
            _ if !is_plain => anyhow::bail!(
                "--action-on-unmanage, --deny-settings and --deny-except go with --mode stack"
            ),
            ModeName::Requests => Mode::Requests,
            ModeName::Deployment => Mode::Deployment,
        })
    }
}

impl Bundle {
    /// Its ARM template, with the values that it has for its parameters.
    fn template(&self) -> anyhow::Result<Template> {
        anyhow::ensure!(
            self.has(MAIN),
            "the bundle has no {MAIN}: render it with --target arm, or deploy with --mode requests"
        );
        let json = |path: &str| -> anyhow::Result<Json> {
            let read = serde_json::from_slice(&self.file(path)?);
            read.with_context(|| format!("read {path} of the bundle"))
        };
        let parts = self.inventory["parts"].as_array().into_iter().flatten();
        let parts: Vec<&str> = parts.filter_map(Json::as_str).collect();
        Ok(Template {
            parts: match parts.is_empty() {
                true => vec![json(MAIN)?],
                false => parts.into_iter().map(json).collect::<anyhow::Result<_>>()?,
            },
            parameters: json(PARAMETERS)?,
        })
    }
}

/// What is shown, and whether it is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// The plan alone.
    Planned,
    /// The plan, and what doing it came to.
    Done,
}

impl Session {
    /// Plans, and deploys when that is asked, by template.
    pub(super) fn by_template(
        &self,
        stack: Option<&Stack>,
        ending: Ending,
        format: ResultFormat,
        quiet: bool,
    ) -> anyhow::Result<Done> {
        let runtime = crate::edge::runtime()?;
        let template = self.bundle.template()?;
        let engine = self.engine();
        let deployment = ByTemplate {
            engine: &engine,
            template: &template,
            stack,
        };
        let problems = deployment.problems();
        anyhow::ensure!(
            problems.is_empty(),
            "nothing was written: {}",
            problems.join("; ")
        );
        let needed = permission::by_template(&self.bundle.resources, stack);
        if matches!(ending, Ending::Done) {
            self.allowed(&runtime, &needed, quiet)?;
        }
        let prediction = runtime.block_on(deployment.predict())?;
        if format == ResultFormat::Human {
            print(&prediction.to_human())?;
        }
        let done = match ending {
            Ending::Done if prediction.problems.is_empty() && !prediction.is_empty() => {
                Some(runtime.block_on(deployment.deploy()))
            }
            _ => None,
        };
        match (format, &done) {
            (ResultFormat::Json, done) => print(&format!(
                "{}\n",
                json!({
                    "version": 1, "whatIf": prediction.to_json(),
                    "outcome": done.as_ref().map(Deployed::to_json),
                })
            ))?,
            (ResultFormat::Human, Some(done)) => print(&done.to_human())?,
            (ResultFormat::Human, None) => {}
        }
        let well = prediction.problems.is_empty() && done.is_none_or(|done| done.is_whole());
        Ok(if well { Done::Well } else { Done::Refused })
    }

    /// Deletes the stack of this owner, when that is asked.
    pub(super) fn destroy_stack(
        &self,
        stack: &Stack,
        ending: Ending,
        format: ResultFormat,
        quiet: bool,
    ) -> anyhow::Result<Done> {
        let runtime = crate::edge::runtime()?;
        let template = self.bundle.template()?;
        let engine = self.engine();
        let deployment = ByTemplate {
            engine: &engine,
            template: &template,
            stack: Some(stack),
        };
        let prediction = runtime.block_on(deployment.predict_destroy(stack))?;
        if format == ResultFormat::Human {
            print(&prediction.to_human())?;
        }
        let goes = matches!(ending, Ending::Done)
            && prediction.problems.is_empty()
            && !prediction.is_empty();
        if goes {
            let needed = permission::by_template(&self.bundle.resources, Some(stack));
            self.allowed(&runtime, &needed, quiet)?;
            runtime.block_on(deployment.destroy(stack))?;
        }
        match format {
            ResultFormat::Json => print(&format!(
                "{}\n",
                json!({"version": 1, "whatIf": prediction.to_json(), "deleted": goes})
            ))?,
            ResultFormat::Human if goes => print("the stack was deleted\n")?,
            ResultFormat::Human => print("nothing was deleted: --yes does it\n")?,
        }
        Ok(match prediction.problems.is_empty() {
            true => Done::Well,
            false => Done::Refused,
        })
    }
}
