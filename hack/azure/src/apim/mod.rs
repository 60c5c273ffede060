//! API Management: what a request does to what is stored.

mod apis;
mod checks;
mod contract;
mod delete;
mod kinds;
mod lists;
mod policies;
mod write;

use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::place::Place;
use crate::request::Request;
use crate::table::{Older, Operation};
use crate::world::{State, World, put};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
pub use write::long_running;

/// A request with all that it needs.
#[derive(Debug)]
pub struct Call<'a> {
    /// Tables and what is switched on.
    pub world: &'a World,
    /// What is stored.
    pub state: &'a mut State,
    /// The request.
    pub request: &'a Request,
    /// Where it goes.
    pub place: Place,
    /// What the SDK says of it.
    pub operation: &'a Operation,
}

/// 24 hexadecimal digits of a text: how the service names what it makes itself.
pub fn hex(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What messages call a kind.
pub fn label(kind: &str) -> &str {
    match kind {
        "" => "Service",
        "apis" | "products/apis" | "gateways/apis" => "Api",
        "apis/operations" => "Operation",
        "apis/releases" => "Release",
        "apis/schemas" | "schemas" => "Schema",
        "apiversionsets" => "Api version set",
        "products" => "Product",
        "groups" | "products/groups" => "Group",
        "namedvalues" => "Property",
        "backends" => "Backend",
        "loggers" => "Logger",
        "subscriptions" => "Subscription",
        "tags" | "apis/tags" | "products/tags" | "apis/operations/tags" => "Tag",
        "users" => "User",
        "certificates" => "Certificate",
        "gateways" => "Gateway",
        "workspaces" => "Workspace",
        "policyfragments" => "Policy Fragment",
        _ if kind.ends_with("policies") => "Policy",
        _ if kind.ends_with("diagnostics") => "Diagnostic",
        _ => "Entity",
    }
}

/// The collection that the last name of a link names.
pub fn link_target(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "products/apis" | "gateways/apis" => "apis",
        "products/groups" | "users/groups" => "groups",
        "products/tags" | "apis/tags" | "apis/operations/tags" => "tags",
        "groups/users" => "users",
        _ => return None,
    })
}

impl Call<'_> {
    fn on(&self, row: Row) -> bool {
        self.world.on(row)
    }

    /// What the api-version of the request lacks.
    fn older(&self) -> Option<&Older> {
        let version = self.request.asks("api-version").unwrap_or_default();
        self.world.table.older(version)
    }

    /// A name with the revision that is current is the API itself.
    fn canonical(&mut self) {
        let scope = self.place.scope();
        for at in 0..self.place.pairs.len() {
            let (kind, name) = &self.place.pairs[at];
            let (root, Some(number)) = crate::place::revision(name) else {
                continue;
            };
            let api = self.state.store.get(&format!("{scope}/apis/{root}"));
            let current = api.and_then(|api| api.text("apiRevision"));
            if kind.eq_ignore_ascii_case("apis") && current == Some(number) {
                let root = root.to_owned();
                self.place.pairs[at].1 = root;
            }
        }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// A refusal, with nothing changed.
    pub fn run(&mut self) -> Result<Answer, Refusal> {
        self.canonical();
        self.service_exists()?;
        match (self.request.method.as_str(), self.place.tail.clone()) {
            ("GET", None) if self.operation.name.ends_with("Export.Get") => self.export(),
            ("GET", None) => self.get(),
            ("HEAD", None) => self.head(),
            ("PUT", None) => self.put(),
            ("PATCH", None) => self.patch(),
            ("DELETE", None) => self.delete(),
            ("GET", Some(tail)) => self.list(&tail),
            ("POST", Some(tail)) => self.act(&tail),
            _ => Err(not_simulated(&self.operation.name)),
        }
    }

    fn service_exists(&self) -> Result<(), Refusal> {
        let makes_it = self.place.pairs.is_empty() && self.request.method == "PUT";
        if makes_it
            || !self.on(Row::ServiceExists)
            || self.state.store.get(&self.place.service).is_some()
        {
            return Ok(());
        }
        let path: Vec<&str> = crate::table::segments(&self.place.service).collect();
        let message = format!(
            "The Resource 'Microsoft.ApiManagement/service/{}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            path.last().copied().unwrap_or_default(),
            path.get(3).copied().unwrap_or_default()
        );
        Err(Refusal::new(404, "ResourceNotFound", message))
    }

    fn missing(&self) -> Refusal {
        Refusal::not_found(label(&self.place.kind()))
    }

    fn get(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        if !self.on(Row::CaseIgnored)
            && self
                .state
                .store
                .get(&id)
                .is_some_and(|entity| entity.id != id)
        {
            return Err(self.missing());
        }
        let entity = self.state.store.get(&id).ok_or_else(|| self.missing())?;
        let shown = self.shown(entity, true);
        Ok(Answer::json(200, shown).with("etag", entity.etag()))
    }

    fn head(&mut self) -> Result<Answer, Refusal> {
        let entity = self
            .state
            .store
            .get(&self.place.id())
            .ok_or_else(|| self.missing())?;
        // Links are asked for by HEAD with 204; all else answers 200 with the ETag.
        let status = self.operation.success.first().copied().unwrap_or(200);
        let answer = Answer::empty(status);
        Ok(if self.on(Row::HeadEtag) {
            answer.with("etag", entity.etag())
        } else {
            answer
        })
    }

    /// Actions: what POST asks for.
    fn act(&mut self, action: &str) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        if !self.place.pairs.is_empty() && self.state.store.get(&id).is_none() {
            return Err(self.missing());
        }
        let entity = self.state.store.get(&id);
        let shown = |name: &str| {
            entity
                .and_then(|e| e.property(name))
                .cloned()
                .unwrap_or(Value::Null)
        };
        let action = action.to_lowercase();
        let kind = kind.as_str();
        let body = match (kind, action.as_str()) {
            ("namedvalues", "listvalue") => json!({"value": shown("value")}),
            ("subscriptions", "listsecrets") => {
                json!({"primaryKey": shown("primaryKey"), "secondaryKey": shown("secondaryKey")})
            }
            ("authorizationservers", "listsecrets") => {
                json!({"clientSecret": shown("clientSecret"), "resourceOwnerUsername": shown("resourceOwnerUsername"), "resourceOwnerPassword": shown("resourceOwnerPassword")})
            }
            ("identityproviders" | "openidconnectproviders", "listsecrets") => {
                json!({"clientSecret": shown("clientSecret")})
            }
            ("gateways", "listkeys") => {
                json!({"primary": hex(&format!("{id}primary")), "secondary": hex(&format!("{id}secondary"))})
            }
            ("gateways", "generatetoken") => {
                json!({"value": format!("{}&{}", self.place.name(), hex(&id))})
            }
            ("subscriptions", "regenerateprimarykey" | "regeneratesecondarykey") => {
                let name = if action.contains("primary") {
                    "primaryKey"
                } else {
                    "secondaryKey"
                };
                let key = format!("{}{}", hex(&id), self.state.number());
                if let Some(entity) = self.state.store.change(&id) {
                    entity.set(name, key);
                }
                return Ok(Answer::empty(204));
            }
            ("gateways", "regeneratekey") | ("backends", "reconnect") => {
                return Ok(Answer::empty(
                    self.operation.success.first().copied().unwrap_or(204),
                ));
            }
            ("namedvalues" | "certificates", "refreshsecret") => {
                let vault = entity.is_some_and(|entity| entity.property("keyVault").is_some());
                if !vault {
                    return Err(Refusal::property(
                        "keyVault",
                        "The entity has no Key Vault identifier to refresh.",
                    ));
                }
                return self.get();
            }
            ("policyfragments", "listreferences") => return self.references_of_fragment(),
            _ => return Err(not_simulated(&self.operation.name)),
        };
        Ok(Answer::json(200, body))
    }
}

/// What a GET of a resource answers; `None` where nothing is to be read.
pub fn read(world: &World, state: &mut State, id: &str, api_version: &str) -> Option<Value> {
    let path: Vec<String> = crate::table::segments(id).map(str::to_owned).collect();
    let place = Place::read(&path)?;
    let mut there = world.table.at(&path).into_iter();
    let operation = there
        .find(|operation| operation.method == "GET" && !operation.name.ends_with("Export.Get"))?;
    let request = Request {
        method: "GET".to_owned(),
        path,
        query: BTreeMap::from([("api-version".to_owned(), api_version.to_owned())]),
        headers: BTreeMap::new(),
        bytes: Vec::new(),
        origin: String::new(),
        stack: None,
    };
    let mut call = Call {
        world,
        state,
        request: &request,
        place,
        operation,
    };
    call.run().ok()?.body
}

/// For what the SDK has and the simulation has not. Azure never answers so; it is said in
/// place of an answer that would be invented.
pub fn not_simulated(operation: &str) -> Refusal {
    Refusal::new(
        501,
        "NotSimulated",
        format!("The simulation has no behaviour for {operation}."),
    )
}

/// What a new service has.
pub fn system_entities(state: &mut State, service: &str, samples: bool) {
    let kind = |of: &str| format!("Microsoft.ApiManagement/service/{of}");
    let groups = [
        (
            "administrators",
            "Administrators",
            "Administrators is a built-in group containing the admin email account provided at the time of service creation. Its membership is managed by the system.",
        ),
        (
            "developers",
            "Developers",
            "Developers is a built-in group. Its membership is managed by the system. Signed-in users fall into this group.",
        ),
        (
            "guests",
            "Guests",
            "Guests is a built-in group. Its membership is managed by the system. Unauthenticated users visiting the developer portal fall into this group.",
        ),
    ];
    for (name, display, description) in groups {
        let body = json!({"properties": {"displayName": display, "description": description, "builtIn": true, "type": "system"}});
        put(
            &mut state.store,
            &format!("{service}/groups/{name}"),
            &kind("groups"),
            body,
        );
    }
    let user = json!({"properties": {"firstName": "Administrator", "lastName": "", "email": "admin@contoso.invalid", "state": "active",
        "registrationDate": "2024-01-01T00:00:00Z", "groups": [], "identities": [{"provider": "Azure", "id": "admin@contoso.invalid"}]}});
    put(
        &mut state.store,
        &format!("{service}/users/1"),
        &kind("users"),
        user,
    );
    let master = json!({"properties": {"scope": format!("{service}/"), "displayName": "Built-in all-access subscription", "state": "active",
        "primaryKey": hex(&format!("{service}master1")), "secondaryKey": hex(&format!("{service}master2")), "allowTracing": true}});
    put(
        &mut state.store,
        &format!("{service}/subscriptions/master"),
        &kind("subscriptions"),
        master,
    );
    let policy = "<policies>\r\n\t<inbound />\r\n\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>";
    put(
        &mut state.store,
        &format!("{service}/policies/policy"),
        &kind("policies"),
        json!({"properties": {"format": "xml", "value": policy}}),
    );
    if samples {
        for (name, display, limit) in [
            ("starter", "Starter", Some(1)),
            ("unlimited", "Unlimited", None),
        ] {
            let mut properties = json!({"displayName": display, "description": "", "terms": "", "subscriptionRequired": true, "approvalRequired": limit.is_none(), "state": "published"});
            properties["subscriptionsLimit"] = json!(limit);
            let id = format!("{service}/products/{name}");
            put(
                &mut state.store,
                &id,
                &kind("products"),
                json!({"properties": properties}),
            );
            for group in ["administrators", "developers", "guests"] {
                state.store.put(
                    &format!("{id}/groups/{group}"),
                    &kind("products/groups"),
                    Map::new(),
                );
            }
        }
    }
}
