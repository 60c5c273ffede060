//! What the commands that deploy hold on to.

use super::asked::{AskedArgs, Given};
use super::target::{Bundle, ServiceArgs, Target};
use crate::edge::azure::{ResourceManager, StateStore};
use crate::edge::cli::options::ResultFormat;
use crate::edge::cli::{Done, note, print};
use crate::edge::oci::{Connection, Credentials};
use crate::edge::sops::{Document, Identities};
use crate::rules::permission_missing;
use flux_apim_deploy::permission::{self, Missing, Needed};
use flux_apim_deploy::{Asked, Engine, Plan, State};
use serde_json::json;

/// All that a command holds on to.
pub(in crate::edge::cli) struct Session {
    pub(super) bundle: Bundle,
    asked: Asked,
    secrets: Given,
    store: Option<StateStore>,
    state: Option<State>,
    pub(super) service: ResourceManager,
}

impl Session {
    pub(super) fn open(target: &Target, args: &AskedArgs, destroy: bool) -> anyhow::Result<Self> {
        let bundle = target.read()?;
        let connection = target.reading.registry.connection()?;
        Self::of(bundle, &target.service, args, &connection, destroy)
    }

    /// The same for a bundle that was read.
    pub(in crate::edge::cli) fn of(
        bundle: Bundle,
        at: &ServiceArgs,
        args: &AskedArgs,
        connection: &Connection,
        destroy: bool,
    ) -> anyhow::Result<Self> {
        let id = at.id(&bundle.resources)?;
        let service = at.connect(&id, connection.clone())?;
        let asked = args.asked(&bundle, destroy)?;
        let opening = |document: &Document| {
            let mut connection = connection.clone();
            // Vaults are asked as whoever deploys.
            connection.credentials = Credentials::Azure(at.identity()?);
            let identities = Identities::of_this_machine();
            let opened = document.decrypt(&identities, &connection);
            Ok(crate::edge::runtime()?.block_on(opened)?)
        };
        let secrets = args.secrets(&bundle, &opening)?;
        let store = args.state.as_deref();
        let store = store
            .map(|place| StateStore::open(place, &id, &asked.owner, connection))
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

    pub(in crate::edge::cli) fn engine(&self) -> Engine<'_, ResourceManager> {
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

    pub(in crate::edge::cli) fn plan(
        &self,
        runtime: &tokio::runtime::Runtime,
    ) -> anyhow::Result<Plan> {
        Ok(runtime.block_on(self.engine().plan())?)
    }

    /// Whether the identity may do what the plan needs, as far as Azure says.
    pub(in crate::edge::cli) fn permitted(
        &self,
        runtime: &tokio::runtime::Runtime,
        plan: &Plan,
        quiet: bool,
    ) -> anyhow::Result<()> {
        if plan.is_empty() || !plan.problems.is_empty() {
            return Ok(());
        }
        self.allowed(runtime, &permission::of_plan(plan), quiet)
    }

    /// Whether the identity may do what is needed, as far as Azure says.
    pub(super) fn allowed(
        &self,
        runtime: &tokio::runtime::Runtime,
        needed: &Needed,
        quiet: bool,
    ) -> anyhow::Result<()> {
        let principal = runtime.block_on(self.service.principal()).ok().flatten();
        let engine = self.engine();
        let asking = engine.lacks(needed, principal.as_deref());
        let missing = match runtime.block_on(asking) {
            Ok(missing) => missing,
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
        anyhow::ensure!(
            missing.is_empty(),
            "nothing was written: {}",
            lacking(&missing, principal.as_deref())
        );
        let vaults = flux_apim_deploy::identity::vaults(&self.bundle.resources);
        if let Some(vault) = vaults.first()
            && let Ok(about) = runtime.block_on(self.engine().about())
            && !about.has_identity
        {
            anyhow::bail!(
                "nothing was written: named values refer to the key vault {vault}, and the service \
                 has no identity to read it with. `az apim update --enable-managed-identity true` \
                 gives it one; `flux-apim identity` writes the role that it needs there"
            );
        }
        Ok(())
    }

    /// Does what the plan says, and says what came of it.
    pub(in crate::edge::cli) fn apply(
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

/// What an identity lacks, and what gives it.
pub(in crate::edge::cli) fn lacking(missing: &[Missing], principal: Option<&str>) -> String {
    let code = permission_missing::RULE.code;
    let scope = missing.first().map_or("", |missing| missing.scope.as_str());
    let mut text = format!("{code}: the identity may not do all that this needs at {scope}:");
    for missing in missing.iter().take(20) {
        text.push_str(&format!("\n  {}", missing.action));
        if missing.scope != scope {
            text.push_str(&format!(" at {}", missing.scope));
        }
        if let Some(name) = &missing.denied {
            text.push_str(&format!(" (the deny assignment `{name}` forbids it)"));
        }
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
