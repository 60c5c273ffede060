//! Bundles of a few resources each, which between them have what trees have.

use flux_apim_deploy::{Asked, Id, Resources, Secrets, Texts};
use flux_apim_diag::tree::ArtifactPath;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A bundle put together by hand.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// Entries of `resources.json`.
    pub resources: Vec<Value>,
    /// Long texts by path.
    pub texts: BTreeMap<String, String>,
    secrets: BTreeSet<String>,
}

impl Texts for Bundle {
    fn text(&self, path: &ArtifactPath) -> Result<String, String> {
        let text = self.texts.get(path.as_str()).cloned();
        text.ok_or_else(|| format!("{} is not in the bundle", path.as_str()))
    }
}

/// Every secret has a value.
#[derive(Debug)]
pub struct Given;

impl Secrets for Given {
    fn reveal(&self, _: &str) -> Option<&str> {
        Some("correct horse")
    }
}

impl Bundle {
    /// Adds a resource, which waits for all that its id hangs on and for `after`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers make it in place")]
    pub fn with(mut self, id: &str, properties: Value, after: &[&str]) -> Self {
        let there = |id: &str| self.resources.iter().any(|r| r["id"] == id);
        let parent = Id::parse(id).and_then(|id| id.parent());
        let mut needs: Vec<String> = after.iter().map(|id| (*id).to_owned()).collect();
        needs.extend(parent.map(|id| id.to_string()));
        let parts: Vec<&str> = id.split('/').collect();
        let mut locks = match parts.as_slice() {
            ["apis" | "products", name, ..] => {
                let root = name.split(";rev=").next().unwrap_or(name);
                vec![format!("{}/{root}", parts[0])]
            }
            _ => Vec::new(),
        };
        if let ["products", _, "apis", api] = parts.as_slice() {
            locks.insert(0, format!("apis/{api}"));
            needs.push(format!("apis/{api}"));
        }
        // What locks the same stands in a chain.
        let shares = |other: &&Value| {
            let other = other["locks"].as_array().into_iter().flatten();
            let mut other = other.filter_map(Value::as_str);
            other.any(|lock| locks.iter().any(|own| own == lock))
        };
        let before = self.resources.iter().rev().find(shares);
        needs.extend(before.and_then(|r| r["id"].as_str().map(str::to_owned)));
        needs.retain(|id| there(id));
        needs.sort();
        needs.dedup();
        self.resources.push(json!({
            "dependsOn": needs, "id": id, "locks": locks, "properties": properties,
            "references": [], "secrets": [], "texts": [],
        }));
        self
    }

    fn last(&mut self, list: &str, entry: Value) {
        if let Some(last) = self.resources.last_mut()
            && let Some(list) = last[list].as_array_mut()
        {
            list.push(entry);
        }
    }

    /// Makes a place of the last resource one of a text.
    #[must_use]
    pub fn text(mut self, at: &str, text: &str) -> Self {
        let path = format!("content/{}", self.texts.len());
        self.last("texts", json!({"at": at, "path": path}));
        self.texts.insert(path, text.to_owned());
        self
    }

    /// Makes a place of the last resource a secret.
    #[must_use]
    pub fn secret(mut self, at: &str, parameter: &str) -> Self {
        self.last("secrets", json!({"at": at, "parameter": parameter}));
        self.secrets.insert(parameter.to_owned());
        self
    }

    /// Makes a place of the last resource a reference.
    #[must_use]
    pub fn reference(mut self, at: &str, to: &str) -> Self {
        self.last("references", json!({"at": at, "to": to}));
        self
    }

    /// Adds a policy.
    #[must_use]
    pub fn policy(self, id: &str, text: &str, after: &[&str]) -> Self {
        self.with(id, json!({"format": "rawxml", "value": null}), after)
            .text("/value", text)
    }

    /// Marks the last resource, an API, as one that is taken off the built-in gateway.
    #[must_use]
    pub fn off_gateway(mut self) -> Self {
        if let Some(last) = self.resources.last_mut() {
            last["offBuiltInGateway"] = true.into();
        }
        self
    }

    /// Removes a resource with all that hangs on it.
    pub fn drop_all(&mut self, start: &str) {
        let gone = |id: &Value| {
            let id = id.as_str().unwrap_or("");
            id == start || id.starts_with(&format!("{start}/"))
        };
        self.resources.retain(|r| !gone(&r["id"]));
        for resource in &mut self.resources {
            if let Some(needs) = resource["dependsOn"].as_array_mut() {
                needs.retain(|id| !gone(id));
            }
        }
    }

    /// As it is read.
    ///
    /// # Errors
    /// When it does not hang together.
    pub fn parsed(&self) -> Result<Resources, flux_apim_deploy::Unreadable> {
        let secrets = self.secrets.iter();
        let secrets: BTreeMap<_, _> = secrets
            .map(|name| (name, json!({"description": "of a test", "optional": false})))
            .collect();
        let file = json!({
            "apiVersion": "flux-apim.dev/resources/v1", "armApiVersion": "2024-05-01",
            "resources": self.resources, "secrets": secrets, "service": null,
        });
        Resources::parse(file.to_string().as_bytes())
    }

    /// Ids in lower case.
    pub fn ids(&self) -> BTreeSet<String> {
        let ids = self.resources.iter().filter_map(|r| r["id"].as_str());
        ids.map(str::to_lowercase).collect()
    }
}

/// What is asked for, by an owner of tests.
pub fn asked() -> Asked {
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

/// An OpenAPI document.
pub fn definition(operations: &[(&str, &str, &str)]) -> String {
    let mut paths = serde_json::Map::new();
    for (id, method, path) in operations {
        let operation = json!({"operationId": id, "responses": {"200": {"description": "OK"}}});
        paths.entry(*path).or_insert_with(|| json!({}))[method] = operation;
    }
    json!({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": paths}).to_string()
}

const POLICY: &str = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";
const GLOBAL: &str = "<policies><inbound><set-variable name=\"a\" value=\"b\" /></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>";

fn api(bundle: Bundle, name: &str) -> Bundle {
    let properties = json!({
        "displayName": name, "path": name, "protocols": ["https"], "subscriptionRequired": true,
        "format": "openapi+json", "value": null,
    });
    let operations = [
        ("list", "get", "/"),
        ("read", "get", "/{id}"),
        ("make", "post", "/"),
    ];
    bundle
        .with(&format!("apis/{name}"), properties, &[])
        .text("/value", &definition(&operations))
}

/// A little of everything.
pub fn shop() -> Bundle {
    let bundle = Bundle::default()
        .with(
            "namedValues/url",
            json!({"displayName": "url", "value": "https://x.example", "secret": false}),
            &[],
        )
        .with(
            "namedValues/key",
            json!({"displayName": "key", "value": null, "secret": true}),
            &[],
        )
        .secret("/value", "key")
        .with("tags/blue", json!({"displayName": "blue"}), &[])
        .with(
            "groups/buyers",
            json!({"displayName": "Buyers", "type": "custom"}),
            &[],
        )
        .with(
            "backends/b",
            json!({
                "url": "https://b.example", "protocol": "http",
                "credentials": {"header": {"x-key": [null]}},
            }),
            &[],
        )
        .secret("/credentials/header/x-key/0", "backend")
        .policy(
            "policyFragments/f",
            "<fragment><set-variable name=\"a\" value=\"b\" /></fragment>",
            &[],
        )
        .policy("policies/policy", GLOBAL, &[])
        .with(
            "products/p",
            json!({"displayName": "P", "subscriptionRequired": true, "state": "published"}),
            &[],
        )
        .policy("products/p/policies/policy", POLICY, &[])
        .with("products/p/groups/buyers", Value::Null, &["groups/buyers"]);
    api(bundle, "orders")
        .policy(
            "apis/orders/policies/policy",
            &POLICY.replace(
                "<inbound>",
                "<inbound><include-fragment fragment-id=\"f\" />",
            ),
            &["policyFragments/f"],
        )
        .policy(
            "apis/orders/operations/list/policies/policy",
            POLICY,
            &["apis/orders"],
        )
        .with("apis/orders/tags/blue", Value::Null, &["tags/blue"])
        .with(
            "apis/soap",
            json!({"displayName": "Soap", "path": "soap", "protocols": ["https"]}),
            &[],
        )
        .with("products/p/apis/orders", Value::Null, &["apis/orders"])
        .with(
            "subscriptions/s",
            json!({"displayName": "S", "scope": null}),
            &["products/p"],
        )
        .reference("/scope", "products/p")
}

/// Twenty bundles: each has some kinds of resources and not others.
pub fn twenty() -> Vec<(&'static str, Bundle)> {
    let none = Bundle::default;
    let product = |bundle: Bundle| {
        bundle.with(
            "products/p",
            json!({"displayName": "P", "subscriptionRequired": true, "state": "published"}),
            &[],
        )
    };
    let workspace = |bundle: Bundle| bundle.with("workspaces/w", json!({"displayName": "W"}), &[]);
    vec![
        (
            "tag",
            none().with("tags/a", json!({"displayName": "a"}), &[]),
        ),
        (
            "group",
            none().with(
                "groups/g",
                json!({"displayName": "G", "type": "custom"}),
                &[],
            ),
        ),
        (
            "named value",
            none().with(
                "namedValues/n",
                json!({"displayName": "n", "value": "v", "secret": false}),
                &[],
            ),
        ),
        (
            "secret",
            none()
                .with(
                    "namedValues/n",
                    json!({"displayName": "n", "value": null, "secret": true}),
                    &[],
                )
                .secret("/value", "n"),
        ),
        (
            "backend",
            none().with(
                "backends/b",
                json!({"url": "https://b.example", "protocol": "http"}),
                &[],
            ),
        ),
        (
            "fragment",
            none().policy(
                "policyFragments/f",
                "<fragment><set-variable name=\"a\" value=\"b\" /></fragment>",
                &[],
            ),
        ),
        (
            "global policy",
            none().policy("policies/policy", GLOBAL, &[]),
        ),
        (
            "logger and diagnostic",
            none()
                .with(
                    "loggers/azuremonitor",
                    json!({"loggerType": "azureMonitor"}),
                    &[],
                )
                .with(
                    "diagnostics/azuremonitor",
                    json!({"loggerId": null}),
                    &["loggers/azuremonitor"],
                )
                .reference("/loggerId", "loggers/azuremonitor"),
        ),
        (
            "version set",
            none().with(
                "apiVersionSets/v",
                json!({"displayName": "V", "versioningScheme": "Segment"}),
                &[],
            ),
        ),
        ("product", product(none())),
        (
            "product with policy",
            product(none()).policy("products/p/policies/policy", POLICY, &[]),
        ),
        (
            "product with group",
            product(none().with(
                "groups/g",
                json!({"displayName": "G", "type": "custom"}),
                &[],
            ))
            .with("products/p/groups/g", Value::Null, &["groups/g"]),
        ),
        ("API", api(none(), "orders")),
        (
            "API without definition",
            none().with(
                "apis/a",
                json!({"displayName": "A", "path": "a", "protocols": ["https"]}),
                &[],
            ),
        ),
        (
            "API with operation",
            none()
                .with(
                    "apis/a",
                    json!({"displayName": "A", "path": "a", "protocols": ["https"]}),
                    &[],
                )
                .with(
                    "apis/a/operations/o",
                    json!({"displayName": "O", "method": "GET", "urlTemplate": "/o"}),
                    &[],
                ),
        ),
        (
            "API with policies",
            api(none(), "orders")
                .policy("apis/orders/policies/policy", POLICY, &[])
                .policy(
                    "apis/orders/operations/list/policies/policy",
                    POLICY,
                    &["apis/orders"],
                ),
        ),
        (
            "API with tag and product",
            product(api(
                none().with("tags/a", json!({"displayName": "a"}), &[]),
                "orders",
            ))
            .with("apis/orders/tags/a", Value::Null, &["tags/a"])
            .with("products/p/apis/orders", Value::Null, &["apis/orders"]),
        ),
        (
            "subscription",
            product(none())
                .with(
                    "subscriptions/s",
                    json!({"displayName": "S", "scope": null}),
                    &["products/p"],
                )
                .reference("/scope", "products/p"),
        ),
        (
            "workspace",
            workspace(none()).with("workspaces/w/tags/t", json!({"displayName": "t"}), &[]),
        ),
        ("all", shop()),
    ]
}
