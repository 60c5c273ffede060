//! Bundles for tests: `resources.json` put together by hand.

#![allow(
    dead_code,
    clippy::needless_pass_by_value,
    reason = "each test uses a part of it; properties are written in place"
)]

use super::service::{Memory, SERVICE, block_on};
use flux_apim_deploy::{
    Action, Asked, Engine, Error, Id, NotBegun, Outcome, Plan, Resources, Secrets, State, Texts,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default)]
pub(crate) struct Bundle {
    pub(crate) resources: Vec<Value>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) parameters: BTreeSet<String>,
    pub(crate) protect: Vec<String>,
}

impl Texts for Bundle {
    fn text(&self, path: &flux_apim_diag::tree::ArtifactPath) -> Result<String, String> {
        let text = self.texts.get(path.as_str()).cloned();
        text.ok_or_else(|| format!("{} is not in the bundle", path.as_str()))
    }
}

impl Bundle {
    /// Adds a resource that depends on all that its id hangs on, and on `after`.
    pub(crate) fn with(mut self, id: &str, properties: Value, after: &[&str]) -> Self {
        let parent = Id::parse(id).unwrap().parent();
        let there = |id: &str| self.resources.iter().any(|r| r["id"] == id);
        let mut needs: Vec<String> = after.iter().map(|id| (*id).to_owned()).collect();
        needs.extend(parent.map(|id| id.to_string()).filter(|id| there(id)));
        let parts: Vec<&str> = id.split('/').collect();
        let root = parts[1].split(";rev=").next().unwrap();
        let mut locks = match parts[0] {
            "apis" | "products" => vec![format!("{}/{root}", parts[0])],
            _ => Vec::new(),
        };
        if let ["products", _, "apis", api] = parts.as_slice() {
            locks.insert(0, format!("apis/{api}"));
            needs.push(format!("apis/{api}"));
        }
        // As the renderer does it: what locks the same stands in a chain.
        let shares = |other: &&Value| {
            let other: Vec<&str> = other["locks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|l| l.as_str().unwrap())
                .collect();
            locks.iter().any(|lock| other.contains(&lock.as_str()))
        };
        let before = self.resources.iter().rev().find(shares);
        needs.extend(before.map(|r| r["id"].as_str().unwrap().to_owned()));
        needs.retain(|id| there(id));
        needs.sort();
        needs.dedup();
        self.resources.push(json!({
            "dependsOn": needs, "id": id, "locks": locks, "name": "", "properties": properties,
            "references": [], "secrets": [], "texts": [], "type": "",
        }));
        self
    }

    pub(crate) fn text(mut self, at: &str, text: &str) -> Self {
        let path = format!("content/{}", self.texts.len());
        let last = self.resources.last_mut().unwrap();
        *last["properties"].pointer_mut(at).unwrap() = Value::Null;
        last["texts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"at": at, "path": path}));
        self.texts.insert(path, text.to_owned());
        self
    }

    pub(crate) fn secret(mut self, at: &str, parameter: &str) -> Self {
        let last = self.resources.last_mut().unwrap();
        last["secrets"]
            .as_array_mut()
            .unwrap()
            .push(json!({"at": at, "parameter": parameter}));
        self.parameters.insert(parameter.to_owned());
        self
    }

    pub(crate) fn reference(mut self, at: &str, to: &str) -> Self {
        let last = self.resources.last_mut().unwrap();
        last["references"]
            .as_array_mut()
            .unwrap()
            .push(json!({"at": at, "to": to}));
        self
    }

    pub(crate) fn policy(self, id: &str, text: &str, after: &[&str]) -> Self {
        self.with(id, json!({"format": "rawxml", "value": null}), after)
            .text("/value", text)
    }

    pub(crate) fn parsed(&self) -> Resources {
        let secrets = self.parameters.iter();
        let secrets: BTreeMap<_, _> = secrets
            .map(|name| (name, json!({"description": "of a test", "optional": false})))
            .collect();
        let file = json!({
            "apiVersion": "flux-apim.dev/resources/v1", "armApiVersion": "2024-05-01",
            "protect": self.protect, "resources": self.resources, "secrets": secrets, "service": null,
        });
        Resources::parse(file.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.resources
            .iter()
            .map(|r| r["id"].as_str().unwrap().to_lowercase())
            .collect()
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Given(pub(crate) BTreeMap<String, String>);

impl Secrets for Given {
    fn reveal(&self, parameter: &str) -> Option<&str> {
        self.0.get(parameter).map(String::as_str)
    }
}

pub(crate) fn asked() -> Asked {
    Asked {
        owner: "shop".to_owned(),
        bundle: "sha256:1".to_owned(),
        destroy: false,
        refresh: false,
        adopt: false,
        allow_delete: BTreeSet::new(),
        protect: Vec::new(),
    }
}

/// A deployment, with what is kept of it from one to the next.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) asked: Asked,
    pub(crate) secrets: Given,
    pub(crate) state: Option<State>,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        Self {
            asked: asked(),
            secrets: Given::default(),
            state: Some(State::new(SERVICE, "shop")),
        }
    }

    pub(crate) fn stateless() -> Self {
        Self {
            state: None,
            ..Self::new()
        }
    }

    fn engine<T>(
        &self,
        bundle: &Bundle,
        memory: &Memory,
        run: impl AsyncFnOnce(Engine<'_, Memory>) -> T,
    ) -> T {
        let resources = bundle.parsed();
        let engine = Engine {
            service: memory,
            service_id: SERVICE,
            resources: &resources,
            texts: bundle,
            secrets: &self.secrets,
            asked: &self.asked,
            state: self.state.as_ref(),
        };
        block_on(run(engine))
    }

    pub(crate) fn plan(&self, bundle: &Bundle, memory: &Memory) -> Result<Plan, Error> {
        self.engine(bundle, memory, async |engine| engine.plan().await)
    }

    /// Plans and applies; the state is kept, as whoever runs it does.
    pub(crate) fn deploy(
        &mut self,
        bundle: &Bundle,
        memory: &Memory,
    ) -> Result<(Plan, Result<Outcome, NotBegun>), Error> {
        let (plan, outcome) = self.engine(bundle, memory, async |engine| {
            let plan = engine.plan().await?;
            let outcome = engine.apply(&plan).await;
            Ok::<_, Error>((plan, outcome))
        })?;
        if let Ok(outcome) = &outcome
            && outcome.state.is_some()
        {
            self.state.clone_from(&outcome.state);
        }
        Ok((plan, outcome))
    }

    /// Deploys, which must go well.
    pub(crate) fn well(&mut self, bundle: &Bundle, memory: &Memory) -> Plan {
        let (plan, outcome) = self.deploy(bundle, memory).unwrap();
        let outcome = outcome.unwrap();
        assert!(
            outcome.is_whole(),
            "{}\n{}",
            plan.to_human(),
            outcome.to_human()
        );
        assert!(outcome.unlearnt.is_none());
        plan
    }
}

pub(crate) fn definition(operations: &[(&str, &str, &str)]) -> String {
    let mut paths = serde_json::Map::new();
    for (id, method, path) in operations {
        paths.entry(*path).or_insert_with(|| json!({}))[method] =
            json!({"operationId": id, "responses": {}});
    }
    json!({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": paths}).to_string()
}

/// A little of everything.
pub(crate) fn shop() -> Bundle {
    Bundle::default()
        .with("namedValues/url", json!({"displayName": "url", "value": "https://x", "secret": false}), &[])
        .with("namedValues/key", json!({"displayName": "key", "value": null, "secret": true}), &[])
        .secret("/value", "key")
        .with("tags/blue", json!({"displayName": "blue"}), &[])
        .with("groups/buyers", json!({"displayName": "Buyers", "type": "custom"}), &[])
        .with("backends/b", json!({
            "url": "https://b", "protocol": "http",
            "credentials": {"header": {"x-key": [null]}},
        }), &[])
        .secret("/credentials/header/x-key/0", "backend")
        .with("loggers/l", json!({"loggerType": "azureMonitor"}), &[])
        .with("diagnostics/d", json!({"loggerId": null, "httpCorrelationProtocol": "W3C"}), &["loggers/l"])
        .reference("/loggerId", "loggers/l")
        .policy("policyFragments/f", "<fragment><a /><b /></fragment>", &[])
        .policy("policies/policy", "<policies><inbound /><backend><forward-request /></backend></policies>", &["policyFragments/f"])
        .with("products/p", json!({"displayName": "P", "subscriptionRequired": true, "state": "published"}), &[])
        .policy("products/p/policies/policy", "<policies><inbound><base /></inbound></policies>", &[])
        .with("products/p/groups/buyers", Value::Null, &["groups/buyers"])
        .with("apis/orders", json!({
            "displayName": "Orders", "path": "orders", "protocols": ["https"], "subscriptionRequired": true,
            "format": "openapi+json", "value": null,
        }), &[])
        .text("/value", &definition(&[("list", "get", "/"), ("read", "get", "/{id}"), ("make", "post", "/")]))
        .with("apis/orders/operations/read", json!({
            "displayName": "Read one", "method": "GET", "urlTemplate": "/{id}",
            "request": {"headers": [{"name": "x", "type": "string"}]},
        }), &[])
        .policy("apis/orders/policies/policy", "<policies><inbound><validate-jwt /><base /></inbound></policies>", &["policyFragments/f"])
        .policy("apis/orders/operations/list/policies/policy", "<policies><inbound><include-fragment fragment-id=\"f\" /></inbound></policies>", &["policyFragments/f", "apis/orders"])
        .with("apis/orders/tags/blue", Value::Null, &["tags/blue"])
        .with("apis/soap", json!({"displayName": "Soap", "path": "soap"}), &[])
        .with("products/p/apis/orders", Value::Null, &["apis/orders"])
        .with("subscriptions/s", json!({"displayName": "S", "scope": null}), &["products/p"])
        .reference("/scope", "products/p")
}

pub(crate) fn given() -> Given {
    Given(BTreeMap::from([
        ("key".to_owned(), "hunter2".to_owned()),
        ("backend".to_owned(), "correct horse".to_owned()),
    ]))
}

/// A deployment that is given the secrets of the shop.
pub(crate) fn deployment() -> Deployment {
    Deployment {
        secrets: given(),
        ..Deployment::new()
    }
}

/// What a plan does: action and id, in its order.
pub(crate) fn doing(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| step.action != Action::None);
    steps
        .map(|step| format!("{} {}", step.action.as_str(), step.id))
        .collect()
}

/// The bundle without the resources whose ids begin so, and without references to them.
pub(crate) fn without(bundle: &Bundle, start: &str) -> Bundle {
    let mut bundle = bundle.clone();
    bundle
        .resources
        .retain(|r| !r["id"].as_str().unwrap().starts_with(start));
    for resource in &mut bundle.resources {
        let needs = resource["dependsOn"].as_array_mut().unwrap();
        needs.retain(|id| !id.as_str().unwrap().starts_with(start));
    }
    bundle
}
