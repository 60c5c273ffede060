//! PUT, PATCH and DELETE.

use super::{Call, hex, label, link_target};
use crate::answer::{Answer, Detail, Refusal};
use crate::behaviours::Row;
use crate::place::Place;
use crate::policy;
use crate::shape::Shape;
use crate::store::Entity;
use crate::table::Operation;
use serde_json::{Map, Value, json};

/// Whether a request of this operation ends later.
pub fn long_running(operation: &Operation) -> bool {
    operation.long_running && operation.method != "POST"
}

impl Call<'_> {
    /// Compares `If-Match` with what is there; `missing` says whether it must be sent.
    fn if_match(&self, old: Option<&Entity>) -> Result<(), Refusal> {
        let needed = self
            .operation
            .headers
            .iter()
            .any(|header| header == "If-Match!");
        let Some(asked) = self.request.header("if-match") else {
            return match needed && self.on(Row::EtagRequired) {
                true => Err(Refusal::new(
                    400,
                    "MissingOrIncorrectVersionCondition",
                    "If-Match header must be specified with the ETag of the entity, or with *.",
                )),
                false => Ok(()),
            };
        };
        let same = asked == "*"
            || old.is_some_and(|old| {
                asked
                    .split(',')
                    .any(|tag| tag.trim().trim_start_matches("W/") == old.etag())
            });
        match same || !self.on(Row::EtagCompared) {
            true => Ok(()),
            false => Err(Refusal::new(
                412,
                "PreconditionFailed",
                "Resource was modified since last retrieval.",
            )),
        }
    }

    /// Reads the body by the model of the operation.
    fn body(&self, whole: bool) -> Result<Map<String, Value>, Refusal> {
        let sent = match self.request.json() {
            Ok(sent) => sent,
            Err(_) if !self.on(Row::JsonRequired) => Value::Null,
            Err(refusal) => return Err(refusal),
        };
        let sent = match sent {
            Value::Object(sent) => sent,
            Value::Null => Map::new(),
            _ if !self.on(Row::JsonRequired) => Map::new(),
            _ => {
                return Err(Refusal::new(
                    400,
                    "InvalidRequestContent",
                    "The request content was invalid: a JSON object is expected.",
                ));
            }
        };
        let Some(model) = &self.operation.body else {
            return Ok(Map::new());
        };
        let pool = self.place.kind() == "backends"
            && self.on(Row::PoolMembers)
            && sent
                .get("properties")
                .and_then(|p| p["type"].as_str())
                .is_some_and(|kind| kind.eq_ignore_ascii_case("pool"));
        let not_needed: &[&str] = if pool {
            &["properties.url", "properties.protocol"]
        } else {
            &[]
        };
        let shape = Shape {
            table: &self.world.table,
            behaviours: &self.world.behaviours,
            whole,
            not_needed,
        };
        shape.read(model, &sent).map_err(Refusal::validation)
    }

    pub(super) fn put(&mut self) -> Result<Answer, Refusal> {
        self.names()?;
        let kind = self.place.kind();
        self.parent_exists()?;
        let id = self.place.id();
        let old = self.state.store.get(&id).cloned();
        self.if_match(old.as_ref())?;
        let mut body = self.body(true)?;
        if let Some(Value::Object(properties)) = body.get_mut("properties") {
            properties.retain(|_, value| !value.is_null());
        }
        self.references(&body)?;
        if kind == "apis" {
            return self.put_api(body, old.as_ref());
        }
        let mut properties = match body.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        self.prepare(&kind, &mut properties, old.as_ref())?;
        if !properties.is_empty() || link_target(&kind).is_none() {
            body.insert("properties".into(), Value::Object(properties));
        }
        if body
            .get("properties")
            .is_some_and(|properties| properties.as_object().is_some_and(Map::is_empty))
            && self.operation.body.is_none()
        {
            body.remove("properties");
        }
        let arm_type = self.place.arm_type();
        self.state.store.put(&id, &arm_type, body);
        if old.is_none() {
            self.created(&kind, &id);
        }
        if kind == "apis/releases" {
            self.release()?;
        }
        Ok(self.written(&id, old.is_none()))
    }

    /// 200 or 201 with the resource.
    pub(super) fn written(&self, id: &str, is_new: bool) -> Answer {
        let Some(entity) = self.state.store.get(id) else {
            return Answer::empty(200);
        };
        let wanted = if is_new && self.on(Row::CreatedOnce) {
            201
        } else {
            200
        };
        let success = &self.operation.success;
        let status = if success.contains(&wanted) {
            wanted
        } else {
            success.first().copied().unwrap_or(200)
        };
        Answer::json(status, self.shown(entity, true)).with("etag", entity.etag())
    }

    /// Checks and completes properties by kind.
    fn prepare(
        &mut self,
        kind: &str,
        properties: &mut Map<String, Value>,
        old: Option<&Entity>,
    ) -> Result<(), Refusal> {
        let text = |properties: &Map<String, Value>, name: &str| {
            properties
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let keeps = |properties: &mut Map<String, Value>, name: &str, other: Value| {
            if !properties.contains_key(name) {
                let value = old
                    .and_then(|old| old.property(name))
                    .cloned()
                    .unwrap_or(other);
                properties.insert(name.to_owned(), value);
            }
        };
        match kind {
            _ if kind.ends_with("policies") => self.policy(properties, false)?,
            "policyfragments" => self.policy(properties, true)?,
            "gateways" if self.is_managed_gateway(&self.place) => {
                return Err(Refusal::new(
                    405,
                    "MethodNotAllowed",
                    "System entity cannot be modified",
                ));
            }
            "products" => {
                for (name, value) in [
                    ("subscriptionRequired", json!(true)),
                    ("state", json!("notPublished")),
                ] {
                    keeps(properties, name, value);
                }
                let open = properties.get("subscriptionRequired") == Some(&Value::Bool(false));
                let asks = properties.get("approvalRequired") == Some(&Value::Bool(true))
                    || properties.contains_key("subscriptionsLimit");
                if open && asks && self.on(Row::ProductApproval) {
                    return Err(Refusal::property(
                        "approvalRequired",
                        "It can be present only if subscriptionRequired is true.",
                    ));
                }
                if !open {
                    keeps(properties, "approvalRequired", json!(false));
                }
            }
            "groups" => {
                if let Some(old) = old
                    .filter(|old| old.text("type") == Some("system") && self.on(Row::SystemGroups))
                {
                    let differs = properties
                        .iter()
                        .any(|(name, value)| old.property(name) != Some(value));
                    if differs {
                        return Err(Refusal::new(
                            405,
                            "MethodNotAllowed",
                            "System entity cannot be modified",
                        ));
                    }
                }
                keeps(properties, "type", json!("custom"));
                let system = old.is_some_and(|old| old.text("type") == Some("system"));
                properties.insert("builtIn".into(), json!(system));
            }
            "subscriptions" => {
                if self.place.name().eq_ignore_ascii_case("master")
                    && self.on(Row::MasterSubscription)
                {
                    return Err(Refusal::property(
                        "sid",
                        "The subscription 'master' is built in and cannot be modified.",
                    ));
                }
                self.scope(properties)?;
                let id = self.place.id();
                for name in ["primaryKey", "secondaryKey"] {
                    keeps(
                        properties,
                        name,
                        json!(format!("{}{}", hex(&format!("{id}{name}")), "00000000")),
                    );
                }
                keeps(properties, "state", json!("active"));
                keeps(properties, "allowTracing", json!(false));
                keeps(properties, "createdDate", json!("2024-01-01T00:00:00Z"));
            }
            "namedvalues" => self.named_value(properties)?,
            "tags" => self.unique("tags", "displayName", properties, Row::TagUnique)?,
            "loggers" => self.logger(properties),
            "backends" => self.backend(properties)?,
            "apiversionsets" => {
                let scheme = text(properties, "versioningScheme")
                    .unwrap_or_default()
                    .to_lowercase();
                let needed = match scheme.as_str() {
                    "header" => Some("versionHeaderName"),
                    "query" => Some("versionQueryName"),
                    _ => None,
                };
                if let Some(name) = needed
                    .filter(|name| !properties.contains_key(*name) && self.on(Row::VersionSetNames))
                {
                    return Err(Refusal::property(
                        name,
                        format!("'{name}' is required for the versioning scheme '{scheme}'."),
                    ));
                }
            }
            "apis/operations" => self.operation_template(properties)?,
            "apis/resolvers" if self.on(Row::ResolverSchema) => {
                let api = self.place.parent().map(|api| api.id()).unwrap_or_default();
                let mut schemas = self.state.store.children(&format!("{api}/schemas"));
                let graphql = |schema: &Entity| {
                    schema
                        .text("contentType")
                        .is_some_and(|kind| kind.contains("graphql"))
                };
                if !schemas.any(graphql) {
                    return Err(Refusal::property("path", "The API has no GraphQL schema."));
                }
            }
            "users" => {
                keeps(properties, "state", json!("active"));
                keeps(
                    properties,
                    "registrationDate",
                    json!("2024-01-01T00:00:00Z"),
                );
            }
            "apis/releases" => {
                self.release_target(properties)?;
                for name in ["createdDateTime", "updatedDateTime"] {
                    keeps(properties, name, json!("2024-01-01T00:00:00Z"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn scope(&self, properties: &mut Map<String, Value>) -> Result<(), Refusal> {
        let scope = properties
            .get("scope")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let is_all = ["/apis", "/apis/", "/"].contains(&scope.as_str());
        let id = self.named_id(&scope).unwrap_or_default();
        let id = id.trim_end_matches("/apis").to_owned();
        let below = id
            .to_lowercase()
            .starts_with(&format!("{}/", self.place.scope().to_lowercase()));
        let kinds = Place::of(&id).map(|place| place.kind()).unwrap_or_default();
        let service = !id.is_empty() && id.eq_ignore_ascii_case(&self.place.scope());
        let named = below
            && ["apis", "products"].contains(&kinds.as_str())
            && self.state.store.get(&id).is_some();
        if self.on(Row::SubscriptionScope) && !(is_all || service || named) {
            return Err(Refusal::property(
                "scope",
                "Scope should be one of '/apis', '/apis/{apiId}' or '/products/{productId}'.",
            ));
        }
        let whole = if is_all {
            format!("{}{}", self.place.scope(), scope.trim_end_matches('/'))
        } else if id.is_empty() {
            scope
        } else {
            id
        };
        properties.insert("scope".into(), whole.into());
        Ok(())
    }

    /// No other resource of the collection has the same text in a property.
    fn unique(
        &self,
        collection: &str,
        property: &str,
        properties: &Map<String, Value>,
        row: Row,
    ) -> Result<(), Refusal> {
        let own = properties
            .get(property)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut others = self
            .state
            .store
            .children(&format!("{}/{collection}", self.place.scope()));
        let same = |other: &Entity| {
            !other.name.eq_ignore_ascii_case(self.place.name())
                && other
                    .text(property)
                    .is_some_and(|text| text.eq_ignore_ascii_case(own))
        };
        match self.on(row) && others.any(same) {
            true => Err(Refusal::property(
                property,
                format!("'{own}' already exists: '{property}' must be unique."),
            )),
            false => Ok(()),
        }
    }

    fn named_value(&self, properties: &mut Map<String, Value>) -> Result<(), Refusal> {
        let vault = properties.contains_key("keyVault");
        let value = properties
            .get("value")
            .and_then(Value::as_str)
            .is_some_and(|value| !value.is_empty());
        if vault && value && self.on(Row::ValueAndVault) {
            return Err(Refusal::property(
                "value",
                "A value cannot be set together with keyVault.",
            ));
        }
        if !vault && !value && self.on(Row::NamedValueNeedsValue) {
            return Err(Refusal::property("value", "A value is required."));
        }
        if vault {
            let identifier = properties["keyVault"]["secretIdentifier"]
                .as_str()
                .unwrap_or_default();
            if !identifier.starts_with("https://") {
                return Err(Refusal::property(
                    "secretIdentifier",
                    "The Key Vault secret identifier must be an https URL.",
                ));
            }
            let name = identifier.to_owned();
            properties.insert("value".into(), json!(format!("the secret of {name}")));
        }
        self.unique(
            "namedValues",
            "displayName",
            properties,
            Row::NamedValueUnique,
        )
    }

    /// Credentials of a logger go into named values of their own.
    fn logger(&mut self, properties: &mut Map<String, Value>) {
        if !self.on(Row::LoggerSecrets) {
            return;
        }
        let service = self.place.scope();
        let logger = self.place.id();
        let Some(Value::Object(credentials)) = properties.get_mut("credentials") else {
            return;
        };
        for (key, value) in credentials.iter_mut() {
            let secret = ["instrumentationKey", "connectionString"].contains(&key.as_str());
            let Some(text) = value
                .as_str()
                .filter(|text| secret && !text.starts_with("{{"))
            else {
                continue;
            };
            let name = hex(&format!("{}{key}", logger.to_lowercase()));
            let display = format!("Logger-Credentials--{name}");
            let body =
                json!({"properties": {"displayName": display, "value": text, "secret": true}});
            let arm_type = "Microsoft.ApiManagement/service/namedValues";
            crate::world::put(
                &mut self.state.store,
                &format!("{service}/namedValues/{name}"),
                arm_type,
                body,
            );
            *value = json!(format!("{{{{{display}}}}}"));
        }
    }

    fn backend(&self, properties: &Map<String, Value>) -> Result<(), Refusal> {
        if !self.on(Row::PoolMembers) {
            return Ok(());
        }
        let pool = properties
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("pool"));
        let services = properties
            .get("pool")
            .and_then(|pool| pool["services"].as_array())
            .map_or(0, Vec::len);
        if pool && services == 0 {
            return Err(Refusal::property(
                "services",
                "A pool needs at least one service.",
            ));
        }
        if pool && properties.contains_key("url") {
            return Err(Refusal::property("url", "A pool has no url."));
        }
        Ok(())
    }

    fn operation_template(&self, properties: &Map<String, Value>) -> Result<(), Refusal> {
        if !self.on(Row::TemplateParameters) {
            return Ok(());
        }
        let url = properties
            .get("urlTemplate")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let named = crate::definition::named_in(url);
        let declared = properties
            .get("templateParameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let declared: Vec<&str> = declared
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let has =
            |list: &[&str], name: &str| list.iter().any(|other| other.eq_ignore_ascii_case(name));
        if let Some(name) = named.iter().find(|name| !has(&declared, name)) {
            return Err(Refusal::property(
                "templateParameters",
                format!(
                    "The parameter '{name}' of the URL template is not declared in templateParameters."
                ),
            ));
        }
        if let Some(name) = declared.iter().find(|name| !has(&named, name)) {
            return Err(Refusal::property(
                "templateParameters",
                format!("The template parameter '{name}' is not in the URL template."),
            ));
        }
        Ok(())
    }

    /// What the service makes beside what was asked for.
    fn created(&mut self, kind: &str, id: &str) {
        if kind.is_empty() {
            let samples = self.world.settings.samples;
            super::system_entities(self.state, id, samples);
        }
        let in_service = Place::of(id).is_some_and(|place| place.scope() == place.service);
        if kind == "products" && in_service && self.on(Row::ProductDefaults) {
            let group = format!("{id}/groups/administrators");
            self.state.store.put(
                &group,
                "Microsoft.ApiManagement/service/products/groups",
                Map::new(),
            );
            let product = self.state.store.get(id);
            let required = product.and_then(|product| product.property("subscriptionRequired"))
                == Some(&Value::Bool(true));
            if required {
                let name = hex(&format!(
                    "{}subscription{}",
                    id.to_lowercase(),
                    self.state.number()
                ));
                let body = json!({"properties": {"scope": id, "ownerId": format!("{}/users/1", self.place.service), "state": "active",
                    "primaryKey": hex(&format!("{name}1")), "secondaryKey": hex(&format!("{name}2")), "allowTracing": true, "createdDate": "2024-01-01T00:00:00Z"}});
                crate::world::put(
                    &mut self.state.store,
                    &format!("{}/subscriptions/{name}", self.place.service),
                    "Microsoft.ApiManagement/service/subscriptions",
                    body,
                );
            }
        }
    }

    pub(super) fn patch(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        let old = self
            .state
            .store
            .get(&id)
            .cloned()
            .ok_or_else(|| Refusal::not_found(label(&kind)))?;
        self.if_match(Some(&old))?;
        let sent = self.body(false)?;
        let mut body = old.body.clone();
        merge(&mut body, sent);
        self.references(&body)?;
        if kind == "apis" {
            return self.patch_api(body, &old);
        }
        let mut properties = match body.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        if kind == "namedvalues" && properties.contains_key("keyVault") {
            properties.remove("value");
        }
        self.prepare(&kind, &mut properties, Some(&old))?;
        body.insert("properties".into(), Value::Object(properties));
        let arm_type = old.arm_type.clone();
        self.state.store.put(&id, &arm_type, body);
        Ok(self.written(&id, false))
    }

    pub(super) fn delete(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        let Some(old) = self.state.store.get(&id).cloned() else {
            self.if_match_of_absent()?;
            return Ok(self.status_of([204, 200, 202]));
        };
        self.if_match(Some(&old))?;
        self.in_use(&kind, &old)?;
        self.remove(&kind, &id);
        Ok(self.status_of([200, 202, 204]))
    }

    /// `If-Match` is needed even for what is not there.
    fn if_match_of_absent(&self) -> Result<(), Refusal> {
        match self.request.header("if-match") {
            Some(_) => Ok(()),
            None => self.if_match(None),
        }
    }

    /// The first of some codes that the operation has.
    fn status_of(&self, wanted: [u16; 3]) -> Answer {
        let found = wanted
            .into_iter()
            .find(|code| self.operation.success.contains(code));
        Answer::empty(found.unwrap_or(200))
    }

    fn asks(&self, parameter: &str) -> bool {
        self.request
            .asks(parameter)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn in_use(&self, kind: &str, old: &Entity) -> Result<(), Refusal> {
        let refused = |message: String| Err(Refusal::new(400, "ValidationError", message));
        match kind {
            "groups" if old.text("type") == Some("system") && self.on(Row::SystemGroups) => {
                Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted"))
            }
            "subscriptions" if old.name.eq_ignore_ascii_case("master") && self.on(Row::MasterSubscription) => {
                Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted"))
            }
            "users" if old.name == "1" => Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted")),
            "products" if self.on(Row::ProductInUse) && !self.asks("deleteSubscriptions") => {
                match self.subscriptions_of(&old.id).first() {
                    Some(_) => refused("Cannot delete product that has subscriptions. Delete them first, or use deleteSubscriptions.".into()),
                    None => Ok(()),
                }
            }
            "apis" if self.on(Row::ApiInUse) && !self.asks("deleteRevisions") => {
                match self.revisions_of(old).is_empty() {
                    true => Ok(()),
                    false => refused("Cannot delete the current revision of an API that has other revisions. Delete them first, or use deleteRevisions.".into()),
                }
            }
            "policyfragments" | "backends" => {
                let (collection, row) = if kind == "backends" { ("backends", Row::BackendInUse) } else { ("policyFragments", Row::FragmentInUse) };
                let users = self.policies_that(|root, _| policy::named(root).iter().any(|named| named.collection == collection && named.name.eq_ignore_ascii_case(&old.name)));
                match users.first().filter(|_| self.on(row)) {
                    Some(user) => refused(format!("{} '{}' cannot be deleted: it is used in {user}.", label(kind), old.name)),
                    None => Ok(()),
                }
            }
            "namedvalues" if self.on(Row::NamedValueInUse) => {
                let display = old.text("displayName").unwrap_or_default();
                let users = self.policies_that(|_, text| policy::named_values(text).iter().any(|name| name.eq_ignore_ascii_case(display)));
                match users.first() {
                    Some(user) => refused(format!("Property '{display}' cannot be deleted: it is used in {user}.")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Ids of subscriptions whose scope is a product or API.
    pub(super) fn subscriptions_of(&self, id: &str) -> Vec<String> {
        let all = self
            .state
            .store
            .children(&format!("{}/subscriptions", self.place.scope()));
        let of = all.filter(|one| {
            one.text("scope")
                .is_some_and(|scope| scope.eq_ignore_ascii_case(id))
        });
        of.map(|one| one.id.clone()).collect()
    }

    /// Removes a resource, what is below it, and links to it.
    fn remove(&mut self, kind: &str, id: &str) {
        let mut gone = Vec::new();
        if kind == "products" {
            gone.extend(self.subscriptions_of(id));
        }
        if let ("apis", Some(api)) = (kind, self.state.store.get(id)) {
            gone.extend(self.revisions_of(api));
            gone.extend(self.subscriptions_of(id));
        }
        let scope = self.place.scope();
        let name = self.place.name().to_owned();
        for entity in self.state.store.below(&scope) {
            let place = Place::of(&entity.id);
            let link = place.as_ref().and_then(|place| link_target(&place.kind()));
            let leads = link.is_some_and(|collection| {
                kind == collection && entity.name.eq_ignore_ascii_case(&name)
            });
            let names = ["apiId", "groupId", "productId"].iter().any(|property| {
                let is_link = place
                    .as_ref()
                    .is_some_and(|place| place.kind().ends_with("links"));
                is_link
                    && entity
                        .text(property)
                        .is_some_and(|target| target.eq_ignore_ascii_case(id))
            });
            if leads || names {
                gone.push(entity.id.clone());
            }
        }
        gone.push(id.to_owned());
        for id in gone {
            self.state.store.remove(&id);
        }
    }
}

/// JSON merge: objects are merged, all else is replaced.
fn merge(old: &mut Map<String, Value>, new: Map<String, Value>) {
    for (key, value) in new {
        match (old.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                old.insert(key, value);
            }
        }
    }
}

/// One wrong property.
pub(super) fn wrong(target: &str, message: impl Into<String>) -> Refusal {
    Refusal::validation(vec![Detail {
        target: target.to_owned(),
        message: message.into(),
    }])
}
