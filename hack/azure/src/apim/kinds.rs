//! What each kind checks and completes when it is written.

use super::{Call, hex};
use crate::answer::{Detail, Refusal};
use crate::behaviours::Row;
use crate::place::Place;
use crate::store::Entity;
use serde_json::{Map, Value, json};

impl Call<'_> {
    /// Checks and completes properties by kind.
    pub(super) fn prepare(
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
            "tags" => self.unique(
                "tags",
                "Tag with the same name already exists.",
                properties,
                Row::TagUnique,
            )?,
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

    /// No other resource of the collection has the same display name. The service calls it
    /// the name, also where it says what is wrong (Azure/apiops#837, #855).
    fn unique(
        &self,
        collection: &str,
        words: &str,
        properties: &Map<String, Value>,
        row: Row,
    ) -> Result<(), Refusal> {
        let display = |properties: Option<&Value>| {
            let text = properties.and_then(Value::as_str);
            text.unwrap_or_default().to_lowercase()
        };
        let own = display(properties.get("displayName"));
        let mut others = self
            .state
            .store
            .children(&format!("{}/{collection}", self.place.scope()));
        let same = |other: &Entity| {
            !other.name.eq_ignore_ascii_case(self.place.name())
                && display(other.property("displayName")) == own
        };
        match self.on(row) && others.any(same) {
            true => Err(Refusal::property("name", words)),
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
            "Property with the same name already exist.",
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
        // The sentences of Azure/bicep-types-az#2170.
        let refused = [("url", "Url"), ("protocol", "Protocol")];
        let refused = refused
            .iter()
            .filter(|(name, _)| pool && properties.contains_key(*name))
            .map(|(name, word)| Detail {
                target: (*name).to_owned(),
                message: format!("{word} is not supported for backend pool."),
            });
        let refused: Vec<Detail> = refused.collect();
        if !refused.is_empty() {
            return Err(Refusal::validation(refused));
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
    pub(super) fn created(&mut self, kind: &str, id: &str) {
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
}
