//! A bundle and a service, and the plan that leads from one to the other.

use crate::body::{Composer, Secrets, Texts};
use crate::caller::{Caller, Failure};
use crate::deletion;
use crate::id::Id;
use crate::inventory::{Found, Inventories, Inventory, Made, PREFIX, head};
use crate::live::{Picture, Reader, below};
use crate::plan::{Asked, Ownership, Plan};
use crate::planner::Planner;
use crate::resources::Resources;
use crate::service::Service;
use crate::state::State;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a plan is made of.
#[derive(Clone, Copy)]
pub struct Engine<'a, S> {
    /// The service, reached as somebody.
    pub service: &'a S,
    /// Its full id: `/subscriptions/.../providers/Microsoft.ApiManagement/service/NAME`.
    pub service_id: &'a str,
    /// What the bundle deploys.
    pub resources: &'a Resources,
    /// Its long texts.
    pub texts: &'a dyn Texts,
    /// Values that are not in it.
    pub secrets: &'a dyn Secrets,
    /// What is asked for.
    pub asked: &'a Asked,
    /// Baselines of earlier deployments, where they are kept.
    pub state: Option<&'a State>,
}

impl<S> std::fmt::Debug for Engine<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("service_id", &self.service_id)
            .field("asked", self.asked)
            .finish_non_exhaustive()
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service could not be read.
    #[error("read what is live: {0}")]
    Read(#[from] Failure),
    /// The bundle lacks something.
    #[error("read the bundle: {0}")]
    Bundle(String),
    /// A newer flux-apim deployed here.
    #[error(
        "the inventory of `{owner}` in the service was written by a newer flux-apim (version \
         {version} of its form): deploy with that one"
    )]
    Newer {
        /// Whose inventory.
        owner: String,
        /// Version of its form.
        version: u64,
    },
}

/// What stands for what the service does not say of itself.
const UNSAID: &str = "not said";

/// A service, as far as it matters to whoever deploys to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its tier: `Developer`, `Consumption`, `StandardV2`.
    pub tier: String,
    /// What Azure does with it: `Succeeded` when nothing.
    pub state: String,
    /// Whether it has an identity, with which it reads key vaults.
    pub has_identity: bool,
}

impl About {
    /// Whether it takes changes.
    pub fn is_ready(&self) -> bool {
        ["Succeeded", UNSAID]
            .iter()
            .any(|state| self.state.eq_ignore_ascii_case(state))
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.tier, self.state)
    }
}

impl<S: Service> Engine<'_, S> {
    pub(crate) fn caller(&self) -> Caller<'_, S> {
        Caller::new(self.service, &self.resources.api_version)
    }

    pub(crate) fn composer(&self) -> Composer<'_> {
        Composer {
            texts: self.texts,
            secrets: self.secrets,
            service: self.service_id,
        }
    }

    /// Patterns of what is never deleted: of the project, and of the command line.
    pub(crate) fn protections(&self) -> impl Iterator<Item = &str> {
        let patterns = self.resources.protect.iter().chain(&self.asked.protect);
        patterns.map(String::as_str)
    }

    /// The service itself.
    ///
    /// # Errors
    /// When it is not there, or may not be read.
    pub async fn about(&self) -> Result<About, Failure> {
        let Some(answer) = self.caller().get("", &[]).await? else {
            return Err(Failure::absent("GET the service"));
        };
        let text = |value: &Json| value.as_str().unwrap_or(UNSAID).to_owned();
        Ok(About {
            tier: text(&answer.body["sku"]["name"]),
            state: text(&answer.body["properties"]["provisioningState"]),
            has_identity: {
                let kind = answer.body["identity"]["type"].as_str();
                kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("none"))
            },
        })
    }

    /// Compares the bundle with what is live, and says what is to be done. Writes nothing.
    ///
    /// # Errors
    /// When the service cannot be read, the bundle lacks a text, or a newer flux-apim
    /// deployed here.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let inventories = self.inventories().await?;
        let owner = &self.asked.owner;
        let (ownership, before, generation) = self.ownership(&inventories)?;
        let mut claims = BTreeMap::new();
        let mut unread = Vec::new();
        let foreign = |of: &&String| *of != owner && **of != head(owner);
        for (other, found) in inventories.of.iter().filter(|(of, _)| foreign(of)) {
            match found {
                Found::Whole { inventory, .. } => {
                    let ids = inventory.entries.iter().map(|entry| entry.id.clone());
                    claims.extend(ids.map(|id| (id, other.clone())));
                }
                _ => unread.push(other.clone()),
            }
        }
        let picture = self.picture(&before).await?;
        let mut planner = Planner {
            engine: self,
            picture: &picture,
            own: before
                .entries
                .iter()
                .map(|entry| (&entry.id, entry))
                .collect(),
            claims: &claims,
            problems: Vec::new(),
            missing: BTreeMap::new(),
            uncompared: 0,
        };
        let mut steps = Vec::new();
        if !self.asked.destroy {
            for resource in &self.resources.list {
                let step = planner.step(resource).map_err(Error::Bundle)?;
                steps.push(step);
            }
            planner.imports(&mut steps);
            planner.order(&mut steps);
        }
        let Planner {
            mut problems,
            missing,
            uncompared,
            ..
        } = planner;
        for (parameter, ids) in missing {
            let what = self.resources.secrets.get(&parameter);
            let what = what.map_or(String::new(), |p| format!(" ({})", p.description));
            let ids: Vec<&str> = ids.iter().map(Id::as_str).take(5).collect();
            problems.push(format!(
                "the secret `{parameter}`{what} is missing, and {} would be written with it: name \
                 it with --secret {parameter}=env:VARIABLE or {parameter}=file:PATH",
                ids.join(", ")
            ));
        }
        let mut remembered = Vec::new();
        if ownership == Ownership::Known {
            remembered = deletion::plan(self, &before, &picture, &mut steps).await?;
        }
        // What is live and no longer in the bundle is never known to be ours.
        let unsettled = before
            .entries
            .iter()
            .filter(|entry| entry.made == Made::Begun)
            .any(|entry| {
                let in_bundle = self.resources.place(&entry.id).is_some() && !self.asked.destroy;
                in_bundle || !picture.live.contains_key(&entry.id)
            });
        let mut plan = Plan {
            unsettled,
            service: self.service_id.to_owned(),
            asked: self.asked.clone(),
            ownership,
            steps,
            problems,
            uncompared,
            generation,
            leftovers: inventories.old_parts(owner),
            remembered,
            before,
        };
        if let Ownership::Unknown(why) = &plan.ownership
            && !self.asked.adopt
            && (!plan.is_empty() || self.asked.destroy)
        {
            plan.problems.push(format!(
                "who made what is there is not known: {why}. Nothing is written, so that nothing \
                 of somebody else is taken over or deleted. --adopt goes on: what is there counts \
                 as somebody else's from then on, is changed where the bundle says so, and is \
                 never deleted"
            ));
        }
        if !unread.is_empty() && !plan.is_empty() {
            plan.problems.push(format!(
                "what {} deployed here cannot be read: a resource of the bundle may be theirs. \
                 Deploy theirs again first",
                unread.join(", ")
            ));
        }
        Ok(plan)
    }

    /// Inventories of all who deploy into this service.
    async fn inventories(&self) -> Result<Inventories, Failure> {
        let filter = format!("startswith(displayName,'{PREFIX}')");
        let mut values = BTreeMap::new();
        let take = |item: Json| {
            let name = item["name"].as_str().unwrap_or("");
            if name.starts_with(PREFIX) {
                let value = item["properties"]["value"].as_str().map(str::to_owned);
                values.insert(name.to_owned(), value);
            }
        };
        let query = [("$filter", filter.as_str())];
        self.caller().list("namedValues", &query, take).await?;
        Ok(Inventories::read(&values))
    }

    fn ownership(
        &self,
        inventories: &Inventories,
    ) -> Result<(Ownership, Inventory, Option<String>), Error> {
        let owner = &self.asked.owner;
        let found = inventories
            .of
            .get(owner)
            .or_else(|| inventories.of.get(&head(owner)));
        Ok(match found {
            Some(Found::Whole {
                inventory,
                generation,
            }) => (
                Ownership::Known,
                inventory.clone(),
                Some(generation.clone()),
            ),
            Some(Found::Unreadable(why)) => {
                let why = format!("the inventory of `{owner}` is damaged, {why}");
                (Ownership::Unknown(why), Inventory::default(), None)
            }
            Some(Found::Newer(version)) => {
                return Err(Error::Newer {
                    owner: owner.clone(),
                    version: *version,
                });
            }
            Some(Found::None) | None => {
                let deployed = self.state.is_some_and(|state| !state.is_empty());
                match deployed {
                    true => {
                        let why = format!(
                            "`{owner}` deployed here before, as its state says, and its inventory \
                             (the named value {}) is gone",
                            head(owner)
                        );
                        (Ownership::Unknown(why), Inventory::default(), None)
                    }
                    false => (Ownership::First, Inventory::default(), None),
                }
            }
        })
    }

    /// What is live of the bundle's resources and of those that were deployed before.
    async fn picture(&self, before: &Inventory) -> Result<Picture, Failure> {
        let deployed = before.entries.iter().map(|entry| entry.id.clone());
        let mut wanted: BTreeSet<Id> = deployed.collect();
        let mut targets = BTreeMap::new();
        let mut definitions = BTreeSet::new();
        if !self.asked.destroy {
            for resource in &self.resources.list {
                wanted.insert(resource.id.clone());
                wanted.extend(resource.built_in_gateway());
                let in_workspace = resource.id.types().starts_with("workspaces/");
                if in_workspace
                    && resource.id.is_link()
                    && let Some((_, Some(to))) = resource.references.first()
                {
                    targets.insert(resource.id.clone(), below(to.as_str()));
                }
                let known = self.state.and_then(|state| state.get(&resource.id));
                if resource.has_definition() && known.is_some_and(|b| !b.operations.is_empty()) {
                    definitions.insert(resource.id.clone());
                }
            }
        }
        let reader = Reader {
            caller: self.caller(),
            wanted,
            definitions,
            targets,
            state: self.state,
        };
        reader.read().await
    }
}
