//! `flux-apim policy effective`.

use super::options::Common;
use super::{Done, open, print, show};
use crate::diag::{Budget, Findings};
use crate::effective::{self, Asked, Format};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// What runs when an API or operation is called: the policies of all scopes in order,
    /// each part with where it comes from.
    Effective(Effective),
}

#[derive(Debug, Args)]
pub(super) struct Effective {
    #[command(flatten)]
    common: Common,
    /// The API, by its name.
    #[arg(long, value_name = "NAME")]
    api: String,
    /// An operation of it, by its name or operationId.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The product that it is called through.
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// The workspace that they lie in.
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// How it is shown.
    #[arg(long, value_enum, default_value = "xml")]
    format: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    Xml,
    Json,
    Mermaid,
    Html,
}

pub(super) fn policy(command: &Policy, quiet: bool) -> anyhow::Result<Done> {
    let Policy::Effective(arguments) = command;
    let common = &arguments.common;
    let limits = common.limits()?;
    let budget = Budget::new(&limits);
    let opened = match open(common, &budget)? {
        Ok(opened) => opened,
        Err(report) => {
            show(&report, super::Format::Human, quiet)?;
            return Ok(Done::Refused);
        }
    };
    let asked = Asked {
        workspace: arguments.workspace.clone(),
        api: arguments.api.clone(),
        operation: arguments.operation.clone(),
        product: arguments.product.clone(),
        format: match arguments.format {
            Shown::Xml => Format::Xml,
            Shown::Json => Format::Json,
            Shown::Mermaid => Format::Mermaid,
            Shown::Html => Format::Html,
        },
    };
    let options = crate::discover::Options {
        path: common.path.clone(),
        environment: common.env.clone(),
        config: common.config.as_deref().map(super::config_path),
        only: opened.only,
        limits,
    };
    let mut findings = Findings::new(&budget, &options.limits);
    let made = budget.bound(|| effective::effective(&opened.tree, &options, &asked, &mut findings));
    let made = match made {
        Ok(made) => made,
        Err(stop) => {
            let findings: Vec<_> = stop.finding().into_iter().collect();
            let none = std::collections::BTreeMap::new();
            let report = crate::diag::Report::resolve(&findings.into(), &opened.tree, &none)?;
            show(&report, super::Format::Human, quiet)?;
            return Ok(Done::Findings);
        }
    };
    let text = made?;
    print(&text)?;
    if !text.ends_with('\n') {
        print("\n")?;
    }
    Ok(Done::Well)
}
