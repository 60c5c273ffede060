//! A bundle, the service that it is held against, and who asks.

use super::super::options::LimitFlags;
use super::super::registry::RegistryArgs;
use super::super::trust::TrustArgs;
use crate::edge::azure::{Cloud, ResourceManager};
use crate::edge::oci::{Connection, Place, acr};
use crate::edge::publish::{self, Destination};
use crate::edge::source::{self, OpenOptions, SourceRef};
use crate::tree::{ArtifactPath, Digest, SourceTree};
use anyhow::Context;
use clap::{Args, ValueEnum};
use flux_apim_deploy::{RESOURCES, Resources, Texts};
use serde_json::Value as Json;
use std::path::PathBuf;

/// A bundle, and the service that it is held against.
#[derive(Debug, Args)]
pub(in crate::edge::cli) struct Target {
    /// The bundle: a folder, a .tar.gz, oci://REPOSITORY[:TAG][@DIGEST] or
    /// oci-layout:DIR[:TAG].
    #[arg(value_name = "BUNDLE")]
    bundle: String,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) service: ServiceArgs,
}

/// How a bundle is read.
#[derive(Debug, Args)]
pub(in crate::edge::cli) struct Reading {
    /// A bundle in a registry must be signed by this key (cosign.pub, or
    /// azurekms://VAULT/KEY).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    pub(in crate::edge::cli) registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

/// Where the service is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Azure")]
pub(in crate::edge::cli) struct ServiceArgs {
    /// Id of the subscription that the service is in.
    #[arg(long, value_name = "ID", env = "FLUX_APIM_SUBSCRIPTION")]
    subscription: Option<String>,
    /// The resource group that the service is in.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_RESOURCE_GROUP")]
    resource_group: Option<String>,
    /// The service; the one that the bundle was rendered for unless given.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_SERVICE")]
    service: Option<String>,
    /// The cloud that the service is in.
    #[arg(long, value_enum, default_value = "public", env = "FLUX_APIM_CLOUD")]
    cloud: CloudName,
    /// Azure Resource Manager somewhere else than in the cloud.
    #[arg(long, value_name = "URL", env = "FLUX_APIM_MANAGEMENT_ENDPOINT")]
    management_endpoint: Option<String>,
    /// Who asks: `environment` is workload identity, an application of the environment
    /// (AZURE_TENANT_ID, AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET or
    /// AZURE_CLIENT_CERTIFICATE_PATH), or a managed identity; `cli` is whoever is logged in
    /// to the Azure CLI; `auto` is the environment where it names somebody, else the CLI.
    #[arg(long, value_enum, default_value = "auto", env = "FLUX_APIM_IDENTITY")]
    identity: IdentityName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CloudName {
    Public,
    Usgovernment,
    China,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum IdentityName {
    Auto,
    Environment,
    Cli,
}

/// A bundle, read and held against its inventory.
#[derive(Debug)]
pub(in crate::edge::cli) struct Bundle {
    tree: SourceTree,
    pub(in crate::edge::cli) resources: Resources,
    pub(super) inventory: Json,
    /// Digest of `bundle.json`, which has the digests of all other files.
    pub(super) digest: Digest,
    /// How it was named.
    shown: String,
}

impl Texts for Bundle {
    fn text(&self, path: &ArtifactPath) -> Result<String, String> {
        let file = self.tree.find(path.as_str());
        let file = file.ok_or_else(|| format!("the bundle has no {}", path.as_str()))?;
        let bytes = self.tree.read(file).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes.into_owned());
        text.map_err(|_| format!("{} of the bundle is no text", path.as_str()))
    }
}

impl Bundle {
    /// The bundle in `tree`, which is what its inventory says; `shown` names it.
    pub(in crate::edge::cli) fn new(
        shown: &str,
        tree: SourceTree,
        inventory: Json,
    ) -> anyhow::Result<Self> {
        let mut bundle = Self {
            resources: Resources::default(),
            inventory,
            digest: Digest::of(b""),
            tree,
            shown: shown.to_owned(),
        };
        bundle.digest = Digest::of(&bundle.file(crate::bundle::INVENTORY)?);
        bundle.resources = Resources::parse(&bundle.file(RESOURCES)?)?;
        Ok(bundle)
    }

    /// A file of the bundle.
    pub(super) fn file(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let file = self.tree.find(path);
        let shown = &self.shown;
        let file = file.with_context(|| {
            format!("{shown}: the bundle has no {path}; render it with this flux-apim")
        })?;
        Ok(self.tree.read(file)?.into_owned())
    }

    /// Whether the bundle has a file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.tree.find(path).is_some()
    }
}

impl Reading {
    /// What is known of the signature of a bundle that was read.
    pub(in crate::edge::cli) fn signature(&self, bundle: &str) -> String {
        let in_registry = bundle.starts_with("oci:") || bundle.starts_with("oci-layout:");
        match (in_registry, self.key.is_some() || self.trust.is_given()) {
            (false, _) => "a folder or archive has none".to_owned(),
            (true, true) => "it is signed by who has to".to_owned(),
            (true, false) => {
                "not asked for: --key or --certificate-identity says who must have signed it"
                    .to_owned()
            }
        }
    }

    /// Reads a bundle, and checks what it says of itself.
    pub(in crate::edge::cli) fn read(&self, bundle: &str) -> anyhow::Result<Bundle> {
        let limits = self.limits.limits()?;
        let source: SourceRef = bundle.parse()?;
        let (tree, inventory) = match &source {
            SourceRef::Registry(_) | SourceRef::Layout { .. } => {
                let place: Place = bundle.parse()?;
                let connection = self.registry.connection()?;
                let from = Destination::target(&place, &connection)?;
                let key = self.key.as_deref();
                let policy = self.trust.policy(key, &[], &self.registry)?;
                let reference = place.reference();
                let verifying = publish::verify(&*from, &reference, &policy, &limits);
                let found = crate::edge::runtime()?.block_on(verifying)?.found;
                (found.tree, found.inventory)
            }
            SourceRef::Directory(_) | SourceRef::Archive(_) => {
                anyhow::ensure!(
                    self.key.is_none(),
                    "--key: {bundle} has no signatures; name the bundle in its registry"
                );
                let options = OpenOptions {
                    limits,
                    ..OpenOptions::default()
                };
                let tree = source::open(&source, &options)?.tree;
                let inventory = publish::checked(&tree, bundle)?;
                (tree, inventory)
            }
            _ => anyhow::bail!(
                "{bundle}: name a bundle: a folder, a .tar.gz, oci://... or oci-layout:..."
            ),
        };
        Bundle::new(bundle, tree, inventory)
    }
}

impl Target {
    /// Reads the bundle, and checks what it says of itself.
    pub(in crate::edge::cli) fn read(&self) -> anyhow::Result<Bundle> {
        self.reading.read(&self.bundle)
    }
}

/// A name of a service, if it is one.
pub(in crate::edge::cli) fn service_name(name: &str) -> anyhow::Result<&str> {
    let fits = (1..=50).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    anyhow::ensure!(
        fits,
        "`{name}` is no name of a service: letters, digits and hyphens, at most 50"
    );
    Ok(name)
}

impl ServiceArgs {
    /// Full id of the service.
    pub(in crate::edge::cli) fn id(&self, resources: &Resources) -> anyhow::Result<String> {
        let ServiceArgs {
            subscription,
            resource_group,
            service,
            ..
        } = self;
        let (Some(subscription), Some(resource_group)) = (subscription, resource_group) else {
            anyhow::bail!(
                "--subscription ID and --resource-group NAME say where the service is, and are missing"
            );
        };
        let name = match (service, &resources.service) {
            (Some(given), Some(own)) if !given.eq_ignore_ascii_case(own) => anyhow::bail!(
                "the bundle was rendered for the service `{own}`, not for `{given}`: render it with \
                 --service {given}, or leave --service out"
            ),
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => anyhow::bail!("--service NAME is missing: the bundle names no service"),
        };
        let name = service_name(name)?;
        Ok(format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/\
             Microsoft.ApiManagement/service/{name}"
        ))
    }

    fn cloud(&self) -> Cloud {
        match self.cloud {
            CloudName::Public => Cloud::Public,
            CloudName::Usgovernment => Cloud::UsGovernment,
            CloudName::China => Cloud::China,
        }
    }

    /// Who asks.
    pub(super) fn identity(&self) -> anyhow::Result<acr::Identity> {
        let named = [
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "IDENTITY_ENDPOINT",
        ];
        let environment = match self.identity {
            IdentityName::Environment => true,
            IdentityName::Cli => false,
            IdentityName::Auto => named.iter().any(|name| std::env::var_os(name).is_some()),
        };
        let mut identity = match environment {
            true => acr::Identity::from_environment()?,
            false => acr::Identity {
                source: acr::Source::Cli,
                hosts: Vec::new(),
            },
        };
        if std::env::var_os("AZURE_AUTHORITY_HOST").is_none() {
            identity.at(self.cloud().authority());
        }
        Ok(identity)
    }

    /// The service with this id, reached as the identity that is asked for.
    pub(in crate::edge::cli) fn connect(
        &self,
        service: &str,
        connection: Connection,
    ) -> anyhow::Result<ResourceManager> {
        let endpoint = self.management_endpoint.as_deref();
        let identity = self.identity()?;
        Ok(ResourceManager::new(
            service,
            self.cloud(),
            endpoint,
            identity,
            connection,
        )?)
    }
}
