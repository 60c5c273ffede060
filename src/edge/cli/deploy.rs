//! `plan`, `deploy`, `destroy`: a bundle and a service of API Management.

use super::options::{LimitFlags, ResultFormat};
use super::registry::RegistryArgs;
use super::trust::TrustArgs;
use super::{Done, note, print};
use crate::edge::azure::{Cloud, ResourceManager, StateStore};
use crate::edge::oci::{Place, acr};
use crate::edge::publish::{self, Destination};
use crate::edge::secret::Secret;
use crate::edge::source::{self, OpenOptions, SourceRef};
use crate::rules::permission_missing;
use crate::tree::{ArtifactPath, Digest, SourceTree};
use anyhow::Context;
use clap::{Args, ValueEnum};
use flux_apim_deploy::permission::{self, Missing};
use flux_apim_deploy::{Asked, Engine, Id, Plan, RESOURCES, Resources, Secrets, State, Texts};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Secrets in files are short.
const MAX_SECRET: u64 = 64 << 10;
/// Plans hold differences of texts.
const MAX_PLAN: u64 = 256 << 20;

/// A bundle, and the service that it is held against.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The bundle: a folder, a .tar.gz, oci://REPOSITORY[:TAG][@DIGEST] or
    /// oci-layout:DIR[:TAG].
    #[arg(value_name = "BUNDLE")]
    bundle: String,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    service: ServiceArgs,
}

/// How a bundle is read.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// A bundle in a registry must be signed by this key (cosign.pub, or
    /// azurekms://VAULT/KEY).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

/// Where the service is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Azure")]
pub(super) struct ServiceArgs {
    /// Id of the subscription that the service is in.
    #[arg(long, value_name = "ID", env = "FLUX_APIM_SUBSCRIPTION")]
    subscription: String,
    /// The resource group that the service is in.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_RESOURCE_GROUP")]
    resource_group: String,
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

/// What is asked for.
#[derive(Debug, Args)]
pub(super) struct AskedArgs {
    /// Whose deployment it is. Resources belong to the owner that deployed them, and only
    /// that owner deletes them again. Unless given: the repository, folder and environment
    /// that the bundle was rendered from.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_OWNER")]
    owner: Option<String>,
    /// Where the answers of the service to what is written are kept, so that changes by others
    /// are told from ways of storing things: a folder, oci://REPOSITORY or oci-layout:DIR.
    #[arg(long, value_name = "PLACE", env = "FLUX_APIM_STATE")]
    state: Option<String>,
    /// A secret of the bundle: NAME=env:VARIABLE or NAME=file:PATH.
    #[arg(long, value_name = "NAME=FROM")]
    secret: Vec<String>,
    /// Write what is uncertain too, and secrets that the service does not give back.
    #[arg(long)]
    refresh: bool,
    /// Go on although the inventory in the service is lost: what is there counts as somebody
    /// else's, is changed where the bundle says so, and is never deleted.
    #[arg(long)]
    adopt: bool,
    /// A resource that may be deleted although consumers have keys to it, as in
    /// products/starter.
    #[arg(long, value_name = "KIND/NAME")]
    allow_delete: Vec<String>,
    /// Resources that are never deleted; `*` stands for any text, as in 'products/*'.
    #[arg(long, value_name = "PATTERN")]
    protect: Vec<String>,
}

/// Flags of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    /// Plan what `destroy` would do.
    #[arg(long)]
    destroy: bool,
    /// Write the plan into a file that `deploy --plan` takes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the plan is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: PlanFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Human,
    Json,
    Markdown,
}

/// Flags of `deploy`.
#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    /// Do exactly what this plan says, or nothing.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Say what would be done; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// Flags of `destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    asked: AskedArgs,
    /// Do it: without this only the plan is shown.
    #[arg(long)]
    yes: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// A bundle, read and held against its inventory.
#[derive(Debug)]
pub(super) struct Bundle {
    tree: SourceTree,
    pub(super) resources: Resources,
    pub(super) inventory: Json,
    /// Digest of `bundle.json`, which has the digests of all other files.
    digest: Digest,
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

/// Secrets of the command line.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<String, Secret>);

impl Secrets for Given {
    fn reveal(&self, parameter: &str) -> Option<&str> {
        self.0.get(parameter).map(Secret::expose)
    }
}

impl Reading {
    /// Reads a bundle, and checks what it says of itself.
    pub(super) fn read(&self, bundle: &str) -> anyhow::Result<Bundle> {
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
        let file = |path: &str| {
            let file = tree.find(path);
            let file = file.with_context(|| {
                format!("{bundle}: the bundle has no {path}; render it with this flux-apim")
            })?;
            anyhow::Ok(tree.read(file)?.into_owned())
        };
        let digest = Digest::of(&file(crate::bundle::INVENTORY)?);
        let resources = Resources::parse(&file(RESOURCES)?)?;
        Ok(Bundle {
            resources,
            inventory,
            digest,
            tree,
        })
    }
}

impl Target {
    /// Reads the bundle, and checks what it says of itself.
    pub(super) fn read(&self) -> anyhow::Result<Bundle> {
        self.reading.read(&self.bundle)
    }

    /// A name of a service, if it is one.
    pub(super) fn name(name: &str) -> anyhow::Result<&str> {
        let fits = (1..=50).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        anyhow::ensure!(
            fits,
            "`{name}` is no name of a service: letters, digits and hyphens, at most 50"
        );
        Ok(name)
    }

    /// Full id of the service.
    pub(super) fn service_id(&self, bundle: &Bundle) -> anyhow::Result<String> {
        let ServiceArgs {
            subscription,
            resource_group,
            service,
            ..
        } = &self.service;
        let name = match (service, &bundle.resources.service) {
            (Some(given), Some(own)) if !given.eq_ignore_ascii_case(own) => anyhow::bail!(
                "the bundle was rendered for the service `{own}`, not for `{given}`: render it with \
                 --service {given}, or leave --service out"
            ),
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => anyhow::bail!("--service NAME is missing: the bundle names no service"),
        };
        let name = Self::name(name)?;
        Ok(format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/\
             Microsoft.ApiManagement/service/{name}"
        ))
    }

    /// The service, reached as the identity that is asked for.
    pub(super) fn connect(&self, service: &str) -> anyhow::Result<ResourceManager> {
        let cloud = match self.service.cloud {
            CloudName::Public => Cloud::Public,
            CloudName::Usgovernment => Cloud::UsGovernment,
            CloudName::China => Cloud::China,
        };
        let named = [
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "IDENTITY_ENDPOINT",
        ];
        let environment = match self.service.identity {
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
            identity.at(cloud.authority());
        }
        let endpoint = self.service.management_endpoint.as_deref();
        let connection = self.reading.registry.connection()?;
        Ok(ResourceManager::new(
            service, cloud, endpoint, identity, connection,
        )?)
    }
}

impl AskedArgs {
    fn asked(&self, bundle: &Bundle, destroy: bool) -> anyhow::Result<Asked> {
        let owner = match &self.owner {
            Some(owner) => owner.clone(),
            None => owner(&bundle.inventory).context(
                "--owner NAME is missing: the bundle does not say from which repository it is. \
                 Resources belong to their owner, and another owner never deletes them",
            )?,
        };
        anyhow::ensure!(
            !owner.is_empty() && owner.len() <= 512 && !owner.chars().any(char::is_control),
            "--owner: a name has 1 to 512 characters"
        );
        let ids = self.allow_delete.iter().map(|id| {
            Id::parse(id).with_context(|| {
                format!("--allow-delete {id}: write KIND/NAME, as in products/starter or apis/a/operations/b")
            })
        });
        Ok(Asked {
            owner,
            bundle: bundle.digest.to_string(),
            destroy,
            refresh: self.refresh,
            adopt: self.adopt,
            allow_delete: ids.collect::<anyhow::Result<_>>()?,
            protect: self.protect.clone(),
        })
    }

    fn secrets(&self, bundle: &Bundle) -> anyhow::Result<Given> {
        let mut given = Given::default();
        for text in &self.secret {
            let wrong =
                "--secret takes NAME=env:VARIABLE or NAME=file:PATH, never the secret itself";
            let (name, from) = text.split_once('=').context(wrong)?;
            anyhow::ensure!(
                bundle.resources.secrets.contains_key(name),
                "--secret {name}: the bundle has no secret of this name; it has {}",
                match bundle.resources.secrets.len() {
                    0 => "none".to_owned(),
                    _ => bundle
                        .resources
                        .secrets
                        .keys()
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", "),
                }
            );
            let value = match from.split_once(':') {
                Some(("env", variable)) => std::env::var(variable).map_err(|_| {
                    anyhow::anyhow!("--secret {name}: the variable {variable} is not set")
                })?,
                Some(("file", path)) => small(Path::new(path), MAX_SECRET)
                    .with_context(|| format!("--secret {name}"))?
                    .trim_end_matches(['\r', '\n'])
                    .to_owned(),
                _ => anyhow::bail!(wrong),
            };
            given.0.insert(name.to_owned(), Secret::new(value));
        }
        Ok(given)
    }
}

/// Whose a bundle is, by where it was rendered from.
fn owner(inventory: &Json) -> Option<String> {
    let source = &inventory["source"];
    let mut owner = source["url"].as_str()?.to_owned();
    for (mark, value) in [('#', &source["path"]), ('@', &inventory["environment"])] {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            owner.push(mark);
            owner.push_str(text);
        }
    }
    Some(owner)
}

/// All of a small text file.
fn small(path: &Path, max: u64) -> anyhow::Result<String> {
    let attempted = || format!("read {}", path.display());
    let size = std::fs::metadata(path).with_context(attempted)?.len();
    anyhow::ensure!(
        size <= max,
        "{}: it has {size} bytes, at most {max} are read",
        attempted()
    );
    std::fs::read_to_string(path).with_context(attempted)
}

/// Writes a file beside its place, and renames it into it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// All that a command holds on to.
struct Session {
    bundle: Bundle,
    asked: Asked,
    secrets: Given,
    store: Option<StateStore>,
    state: Option<State>,
    service: ResourceManager,
}

impl Session {
    fn open(target: &Target, args: &AskedArgs, destroy: bool) -> anyhow::Result<Self> {
        let bundle = target.read()?;
        let id = target.service_id(&bundle)?;
        let service = target.connect(&id)?;
        let asked = args.asked(&bundle, destroy)?;
        let secrets = args.secrets(&bundle)?;
        let connection = target.reading.registry.connection()?;
        let store = args.state.as_deref();
        let store = store
            .map(|place| StateStore::open(place, &id, &asked.owner, &connection))
            .transpose()?;
        let runtime = crate::edge::runtime()?;
        let state = store
            .as_ref()
            .map(|store| runtime.block_on(store.read()))
            .transpose()?;
        Ok(Self {
            bundle,
            asked,
            secrets,
            store,
            state,
            service,
        })
    }

    fn engine(&self) -> Engine<'_, ResourceManager> {
        Engine {
            service: &self.service,
            service_id: self.service.service_id(),
            resources: &self.bundle.resources,
            texts: &self.bundle,
            secrets: &self.secrets,
            asked: &self.asked,
            state: self.state.as_ref(),
        }
    }

    fn plan(&self, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Plan> {
        Ok(runtime.block_on(self.engine().plan())?)
    }

    /// Whether the identity may do what the plan needs, as far as Azure says.
    fn permitted(
        &self,
        runtime: &tokio::runtime::Runtime,
        plan: &Plan,
        quiet: bool,
    ) -> anyhow::Result<()> {
        if plan.is_empty() || !plan.problems.is_empty() {
            return Ok(());
        }
        let permissions = match runtime.block_on(self.engine().permissions()) {
            Ok(permissions) => permissions,
            Err(failure) => {
                note(
                    &format!(
                        "what this identity may do cannot be read, and is found out by doing it: {failure}"
                    ),
                    quiet,
                );
                return Ok(());
            }
        };
        let id = self.service.service_id();
        let missing = permission::missing(id, &permission::of_plan(plan), &permissions);
        if missing.is_empty() {
            return Ok(());
        }
        let principal = runtime.block_on(self.service.principal()).ok().flatten();
        anyhow::bail!(
            "nothing was written: {}",
            lacking(&missing, principal.as_deref())
        )
    }

    /// Does what the plan says, and says what came of it.
    fn apply(
        &self,
        runtime: &tokio::runtime::Runtime,
        plan: &Plan,
        format: ResultFormat,
    ) -> anyhow::Result<Done> {
        let outcome = runtime.block_on(self.engine().apply(plan))?;
        let mut kept = Ok(());
        if let (Some(store), Some(state)) = (&self.store, &outcome.state)
            && self.state.as_ref() != Some(state)
        {
            kept = runtime.block_on(store.write(state));
        }
        match format {
            ResultFormat::Json => {
                let answer =
                    json!({"version": 1, "plan": plan.to_json(), "outcome": outcome.to_json()});
                print(&format!("{answer}\n"))?;
            }
            ResultFormat::Human if plan.is_empty() => {}
            ResultFormat::Human => print(&outcome.to_human())?,
        }
        kept?;
        Ok(if outcome.is_whole() {
            Done::Well
        } else {
            Done::Refused
        })
    }
}

pub(super) fn plan(arguments: &PlanArgs) -> anyhow::Result<Done> {
    let session = Session::open(&arguments.target, &arguments.asked, arguments.destroy)?;
    let plan = session.plan(&crate::edge::runtime()?)?;
    if let Some(path) = &arguments.out {
        write(path, &format!("{}\n", plan.to_json()))
            .with_context(|| format!("write the plan into {}", path.display()))?;
    }
    match arguments.format {
        PlanFormat::Human => print(&plan.to_human())?,
        PlanFormat::Json => print(&format!("{}\n", plan.to_json()))?,
        PlanFormat::Markdown => print(&plan.to_markdown())?,
    }
    Ok(match plan.problems.is_empty() {
        true => Done::Well,
        false => Done::Refused,
    })
}

pub(super) fn deploy(arguments: &DeployArgs, quiet: bool) -> anyhow::Result<Done> {
    let session = Session::open(&arguments.target, &arguments.asked, false)?;
    let runtime = crate::edge::runtime()?;
    let plan = session.plan(&runtime)?;
    if let Some(path) = &arguments.plan {
        let saved: Json = serde_json::from_str(&small(path, MAX_PLAN)?)
            .with_context(|| format!("read the plan {}", path.display()))?;
        let departs = plan.departs_from(&saved);
        if !departs.is_empty() {
            for line in departs.iter().take(50) {
                note(line, quiet);
            }
            anyhow::bail!(
                "what would be done is not what {} says, in {} places: nothing was written. Plan again",
                path.display(),
                departs.len()
            );
        }
    }
    show(&plan, arguments.format)?;
    if arguments.dry_run {
        if arguments.format == ResultFormat::Json {
            print(&format!(
                "{}\n",
                json!({"version": 1, "plan": plan.to_json(), "outcome": null})
            ))?;
        }
        return Ok(if plan.problems.is_empty() {
            Done::Well
        } else {
            Done::Refused
        });
    }
    session.permitted(&runtime, &plan, quiet)?;
    session.apply(&runtime, &plan, arguments.format)
}

pub(super) fn destroy(arguments: &DestroyArgs, quiet: bool) -> anyhow::Result<Done> {
    let session = Session::open(&arguments.target, &arguments.asked, true)?;
    let runtime = crate::edge::runtime()?;
    let plan = session.plan(&runtime)?;
    show(&plan, arguments.format)?;
    if !arguments.yes {
        match arguments.format {
            ResultFormat::Human => print("nothing was deleted: --yes does it\n")?,
            ResultFormat::Json => {
                print(&format!(
                    "{}\n",
                    json!({"version": 1, "plan": plan.to_json(), "outcome": null})
                ))?;
            }
        }
        return Ok(Done::Well);
    }
    session.permitted(&runtime, &plan, quiet)?;
    session.apply(&runtime, &plan, arguments.format)
}

/// What an identity lacks, and what gives it.
pub(super) fn lacking(missing: &[Missing], principal: Option<&str>) -> String {
    let code = permission_missing::RULE.code;
    let scope = missing.first().map_or("", |missing| missing.scope.as_str());
    let mut text = format!("{code}: the identity may not do all that this needs at {scope}:");
    for missing in missing.iter().take(20) {
        text.push_str(&format!("\n  {}", missing.action));
    }
    if missing.len() > 20 {
        text.push_str(&format!("\n  and {} more", missing.len() - 20));
    }
    // The widest of the narrowest roles has them all.
    let last = missing.iter().max_by_key(|missing| {
        permission::ROLES
            .iter()
            .position(|role| Some(role) == missing.role)
    });
    if let Some(role) = last.and_then(|missing| missing.role) {
        text.push_str(&format!(
            "\nthe narrowest built-in role that has this is {}",
            role.name
        ));
    }
    if let Some(command) =
        last.and_then(|missing| missing.command(principal.unwrap_or("OBJECT_ID")))
    {
        text.push_str(&format!("; this gives it:\n  {command}"));
    }
    text.push_str("\n`flux-apim identity` writes a role with exactly these actions; a new role takes minutes to show");
    text
}

/// The plan before it is done, for people.
fn show(plan: &Plan, format: ResultFormat) -> anyhow::Result<()> {
    match format {
        ResultFormat::Human => print(&plan.to_human()),
        ResultFormat::Json => Ok(()),
    }
}
