//! `identity`: who has to be there, and what each may do, as files and commands.

use super::deploy::{ModeArgs, service_name};
use super::{Done, print};
use clap::{Args, ValueEnum};
use flux_apim_deploy::identity::{Identities, vaults};
use flux_apim_deploy::permission;
use flux_apim_deploy::template::Mode;

/// Flags of `identity`.
#[derive(Debug, Args)]
pub(super) struct IdentityArgs {
    /// The form.
    #[arg(value_enum)]
    form: Form,
    /// The bundle: a folder, a .tar.gz, oci://REPOSITORY[:TAG][@DIGEST] or
    /// oci-layout:DIR[:TAG].
    bundle: String,
    /// The service; the one that the bundle was rendered for unless given.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_SERVICE")]
    service: Option<String>,
    /// The registry of Azure that bundles are published to, without its domain.
    #[arg(long, value_name = "NAME")]
    azure_registry: Option<String>,
    /// The OIDC issuer of the cluster that Flux runs in: its workloads get tokens without
    /// secrets.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    reading: super::deploy::Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Bicep,
    Terraform,
    Commands,
}

pub(super) fn identity(arguments: &IdentityArgs) -> anyhow::Result<Done> {
    let bundle = arguments.reading.read(&arguments.bundle)?;
    let service = arguments
        .service
        .as_deref()
        .or(bundle.resources.service.as_deref());
    let service = service
        .ok_or_else(|| anyhow::anyhow!("--service NAME is missing: the bundle names no service"))?;
    let identities = Identities {
        service: service_name(service)?.to_owned(),
        registry: arguments.azure_registry.clone(),
        vaults: vaults(&bundle.resources),
        needed: match arguments.mode.mode()? {
            Mode::Requests => permission::needed(&bundle.resources),
            Mode::Deployment => permission::by_template(&bundle.resources, None),
            Mode::Stack(stack) => permission::by_template(&bundle.resources, Some(&stack)),
        },
        issuer: arguments.issuer.clone(),
    };
    let text = match arguments.form {
        Form::Bicep => identities.bicep(),
        Form::Terraform => identities.terraform(),
        Form::Commands => identities.commands(),
    };
    print(&text)?;
    Ok(Done::Well)
}
