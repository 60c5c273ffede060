//! What was predicted of renderings that look right and are not, and what the service says
//! to each: `predictions.md`. Each is deployed as a template.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]

mod support;

use serde_json::{Value, json};
use simulated_azure::access::Access;
use std::fmt::Write as _;
use std::time::Duration;
use support::{Asked, Sim, openapi, resource, template};

/// A prediction.
struct Prediction {
    /// What is rendered.
    rendered: &'static str,
    /// What was predicted of it.
    predicted: &'static str,
    /// Who says so.
    source: &'static str,
    /// Whether the service does as predicted.
    holds: bool,
    /// Deploys it: the words of the refusal, or what came of it.
    deploy: fn() -> String,
}

/// Deploys resources: the first message of what failed, none when all is there.
fn refusal(sim: &Sim, resources: Value, more: Value) -> Option<String> {
    let mut whole = template(resources);
    whole
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    let target = format!("{}?api-version=2021-04-01", sim.resources("deployments/d"));
    let body = json!({"properties": {"mode": "Incremental", "template": whole}});
    let ended = sim.done("PUT", &target, &body).body.unwrap();
    if ended["error"].is_null() {
        return None;
    }
    let words = |error: &Value| {
        let detail = error["details"][0]["message"].as_str();
        let message = error["message"].as_str().unwrap_or_default();
        format!(
            "{}: {}",
            error["code"].as_str().unwrap_or_default(),
            detail.unwrap_or(message)
        )
    };
    // The answer of the resource is a text in the deployment's error.
    let inner = ended["error"]["details"][0]["message"].as_str();
    let inner = inner.and_then(|text| serde_json::from_str::<Value>(text).ok());
    Some(words(&inner.map_or_else(
        || ended["error"].clone(),
        |inner| inner["error"].clone(),
    )))
}

/// The same on a new service, where nothing else is there.
fn alone(resources: Value) -> String {
    refusal(&Sim::new(None), resources, json!({})).unwrap_or_else(|| "taken".to_owned())
}

fn bare(kind: &str, name: &str, needs: &[&str]) -> Value {
    let mut made = resource(kind, name, Value::Null, needs);
    made.as_object_mut().unwrap().remove("properties");
    made
}

fn api(name: &str) -> Value {
    resource(
        "apis",
        name,
        json!({"path": name, "displayName": name}),
        &[],
    )
}

fn imported(operation: &str, responses: Value) -> Value {
    let paths = json!({"/x": {"get": {"operationId": operation, "responses": responses}}});
    resource(
        "apis",
        "a",
        json!({"path": "a", "displayName": "a", "format": "openapi+json", "value": openapi(paths)}),
        &[],
    )
}

fn policy(kind: &str, name: &str, value: &str, needs: &[&str]) -> Value {
    resource(
        kind,
        name,
        json!({"format": "rawxml", "value": value}),
        needs,
    )
}

const BASE: &str = "<policies><inbound><base /></inbound></policies>";

const PREDICTIONS: &[Prediction] = &[
    Prediction {
        rendered: "a named value with the value of the tree and the Key Vault identifier of the environment",
        predicted: "refused",
        source: "apiops-cli: strips value",
        holds: true,
        deploy: || {
            let vault = json!({"secretIdentifier": "https://v.vault.azure.net/secrets/s"});
            alone(json!([resource(
                "namedValues",
                "n",
                json!({"displayName": "n", "value": "v", "keyVault": vault}),
                &[]
            )]))
        },
    },
    Prediction {
        rendered: "a definition with a `$ref` to another file below `responses.default`",
        predicted: "refused",
        source: "API import restrictions",
        holds: true,
        deploy: || {
            alone(json!([imported(
                "Get_X",
                json!({"default": {"$ref": "common.yaml#/Problem"}})
            )]))
        },
    },
    Prediction {
        rendered: "the policy of an operation under the normalised form of its operationId",
        predicted: "refused: Entity with specified identifier not found",
        source: "exports of API Management; apiops#399",
        holds: true,
        deploy: || {
            let policy = policy(
                "apis/operations/policies",
                "a/get-x/policy",
                BASE,
                &["apis/a"],
            );
            alone(json!([
                imported("Get_X", json!({"200": {"description": "ok"}})),
                policy
            ]))
        },
    },
    Prediction {
        rendered: "a secret without value as a parameter without default",
        predicted: "refused before anything is deployed, when nobody gives the value",
        source: "apiops: does not put such named values",
        holds: true,
        deploy: || {
            let value = resource(
                "namedValues",
                "n",
                json!({"displayName": "n", "value": "[parameters('secret')]", "secret": true}),
                &[],
            );
            let parameters = json!({"parameters": {"secret": {"type": "securestring"}}});
            refusal(&Sim::new(None), json!([value]), parameters)
                .unwrap_or_else(|| "taken".to_owned())
        },
    },
    Prediction {
        rendered: "resources of one API that are ready together",
        predicted: "refused: PessimisticConcurrencyConflict",
        source: "devops-resource-kit#340",
        holds: true,
        deploy: || {
            let sim = Sim::timed(None, Access::default(), Duration::from_millis(20));
            let operation = json!({"displayName": "o", "method": "GET", "urlTemplate": "/o"});
            let resources = json!([
                api("a"),
                policy("apis/policies", "a/policy", BASE, &["apis/a"]),
                resource("apis/operations", "a/o", operation, &["apis/a"]),
            ]);
            // With one pass through the deployment, both are asked for before the first is done.
            refusal(&sim, resources, json!({})).unwrap_or_else(|| "taken".to_owned())
        },
    },
    Prediction {
        rendered: "a built-in group with a text of its own",
        predicted: "refused: System entity cannot be modified",
        source: "devops-resource-kit#776",
        holds: true,
        deploy: || {
            alone(json!([resource(
                "groups",
                "developers",
                json!({"displayName": "Developers", "description": "Ours"}),
                &[]
            )]))
        },
    },
    Prediction {
        rendered: "an API with `apiRevision: 2` and `isCurrent`, where revision 1 is current",
        predicted: "refused",
        source: "devops-resource-kit#731",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            sim.api("a");
            let api = resource(
                "apis",
                "a",
                json!({"path": "a", "displayName": "a", "apiRevision": "2", "isCurrent": true}),
                &[],
            );
            refusal(&sim, json!([api]), json!({})).unwrap_or_else(|| "taken".to_owned())
        },
    },
    Prediction {
        rendered: "the same without `isCurrent`",
        predicted: "taken, and revision 1 is overwritten",
        source: "apiops#459",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            sim.api("a");
            let api = resource(
                "apis",
                "a",
                json!({"path": "a", "displayName": "new", "apiRevision": "2"}),
                &[],
            );
            assert_eq!(refusal(&sim, json!([api]), json!({})), None);
            let shown = sim.get("apis/a").body.unwrap()["properties"].clone();
            format!(
                "taken: revision {} is `{}` now",
                shown["apiRevision"].as_str().unwrap(),
                shown["displayName"].as_str().unwrap()
            )
        },
    },
    Prediction {
        rendered: "a new revision with `isCurrent: true`",
        predicted: "refused",
        source: "devops-resource-kit#316",
        holds: true,
        deploy: || {
            let revision = resource(
                "apis",
                "a;rev=2",
                json!({"path": "a", "sourceApiId": "/apis/a", "isCurrent": true}),
                &["apis/a"],
            );
            alone(json!([api("a"), revision]))
        },
    },
    Prediction {
        rendered: "a revision with a displayName of its own",
        predicted: "refused: Can't change property Name for non-current revision",
        source: "devops-resource-kit#316, azure-powershell#9270",
        holds: true,
        deploy: || {
            let revision = resource(
                "apis",
                "a;rev=2",
                json!({"path": "a", "displayName": "own", "sourceApiId": "/apis/a"}),
                &["apis/a"],
            );
            alone(json!([api("a"), revision]))
        },
    },
    Prediction {
        rendered: "a new revision that says nothing of `isCurrent`",
        predicted: "taken, and it becomes the current one",
        source: "apiops-cli: sets isCurrent to false",
        holds: false,
        deploy: || {
            let sim = Sim::new(None);
            let revision = resource(
                "apis",
                "a;rev=2",
                json!({"path": "a", "sourceApiId": "/apis/a"}),
                &["apis/a"],
            );
            assert_eq!(refusal(&sim, json!([api("a"), revision]), json!({})), None);
            let current = sim.get("apis/a").body.unwrap()["properties"]["apiRevision"].clone();
            format!(
                "taken: revision {} stays the current one",
                current.as_str().unwrap()
            )
        },
    },
    Prediction {
        rendered: "a SOAP API with `type: soap` and without `apiType`",
        predicted: "taken, as an API that is not SOAP",
        source: "apiops-cli: apiType",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            let soap = resource(
                "apis",
                "a",
                json!({"path": "a", "displayName": "a", "type": "soap"}),
                &[],
            );
            assert_eq!(refusal(&sim, json!([soap]), json!({})), None);
            format!(
                "taken: its type is `{}`",
                sim.get("apis/a").body.unwrap()["properties"]["type"]
                    .as_str()
                    .unwrap()
            )
        },
    },
    Prediction {
        rendered: "the subscription `master`",
        predicted: "refused",
        source: "apiops-cli: never written",
        holds: true,
        deploy: || {
            alone(json!([resource(
                "subscriptions",
                "master",
                json!({"displayName": "m", "scope": "/apis"}),
                &[]
            )]))
        },
    },
    Prediction {
        rendered: "a subscription with the `ownerId` of another service",
        predicted: "refused",
        source: "apiops-cli: generated subscriptions",
        holds: true,
        deploy: || {
            let subscription =
                json!({"displayName": "s", "scope": "/apis", "ownerId": "/users/5f2a"});
            alone(json!([resource("subscriptions", "s", subscription, &[])]))
        },
    },
    Prediction {
        rendered: "a product without its groups",
        predicted: "taken, and the group administrators and a subscription are there too",
        source: "apiops: deletes both after creation",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            let product = resource("products", "p", json!({"displayName": "p"}), &[]);
            assert_eq!(refusal(&sim, json!([product]), json!({})), None);
            let subscriptions = sim.names("products/p/subscriptions").len();
            format!(
                "taken: groups {:?}, {subscriptions} subscription",
                sim.names("products/p/groups")
            )
        },
    },
    Prediction {
        rendered: "a workspace's product linked to a built-in group by an id in the workspace",
        predicted: "refused",
        source: "REST: WorkspaceProductGroupLink",
        holds: true,
        deploy: || {
            let workspace = resource("workspaces", "w", json!({"displayName": "w"}), &[]);
            let product = resource(
                "workspaces/products",
                "w/p",
                json!({"displayName": "p"}),
                &["workspaces/w"],
            );
            let link = resource(
                "workspaces/products/groupLinks",
                "w/p/l",
                json!({"groupId": "/groups/developers"}),
                &["workspaces/w/products/p"],
            );
            alone(json!([workspace, product, link]))
        },
    },
    Prediction {
        rendered: "a link under its target's name, where the portal made one with another name",
        predicted: "refused: Link already exists",
        source: "apiops#835",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            sim.api("a");
            sim.made("products/p", json!({"displayName": "p"}));
            sim.made("products/p/apiLinks/portal", json!({"apiId": "/apis/a"}));
            let link = resource("products/apiLinks", "p/a", json!({"apiId": "/apis/a"}), &[]);
            refusal(&sim, json!([link]), json!({})).unwrap_or_else(|| "taken".to_owned())
        },
    },
    Prediction {
        rendered: "a resolver that does not wait for its schema",
        predicted: "refused",
        source: "GraphQL APIs",
        holds: true,
        deploy: || {
            let resolver = resource(
                "apis/resolvers",
                "a/r",
                json!({"displayName": "r", "path": "Query/x"}),
                &["apis/a"],
            );
            alone(json!([api("a"), resolver]))
        },
    },
    Prediction {
        rendered: "an operation that names a schema which the tree does not have",
        predicted: "refused",
        source: "apiops-cli: strips them",
        holds: true,
        deploy: || {
            let request = json!({"representations": [{"contentType": "application/json", "schemaId": "/apis/a/schemas/none", "typeName": "X"}]});
            let operation = json!({"displayName": "o", "method": "POST", "urlTemplate": "/o", "request": request});
            alone(json!([
                api("a"),
                resource("apis/operations", "a/o", operation, &["apis/a"])
            ]))
        },
    },
    Prediction {
        rendered: "276 parameters",
        predicted: "refused",
        source: "ARM limits",
        holds: true,
        deploy: || {
            let all = (0..276).map(|n| {
                (
                    format!("p{n}"),
                    json!({"type": "string", "defaultValue": ""}),
                )
            });
            let parameters = json!({"parameters": Value::Object(all.collect())});
            refusal(&Sim::new(None), json!([api("a")]), parameters)
                .unwrap_or_else(|| "taken".to_owned())
        },
    },
    Prediction {
        rendered: "two services of one group under one deployment name",
        predicted: "taken, and the record of the first is lost",
        source: "ARM: deployment names",
        holds: true,
        deploy: || {
            let sim = Sim::new(None);
            for name in ["a", "b"] {
                assert_eq!(refusal(&sim, json!([api(name)]), json!({})), None);
            }
            let all = sim
                .get(&format!(
                    "{}?api-version=2021-04-01",
                    sim.resources("deployments")
                ))
                .body
                .unwrap();
            format!(
                "taken: {} deployment is listed",
                all["value"].as_array().unwrap().len()
            )
        },
    },
    Prediction {
        rendered: "a policy that names a certificate which is not there",
        predicted: "refused",
        source: "policies reference",
        holds: true,
        deploy: || {
            let value = r#"<policies><inbound><authentication-certificate certificate-id="none" /></inbound></policies>"#;
            alone(json!([policy("policies", "policy", value, &[])]))
        },
    },
    Prediction {
        rendered: "a named value whose display name the environment changes, and policies do not",
        predicted: "refused: Cannot find a property",
        source: "named values",
        holds: true,
        deploy: || {
            let value = resource(
                "namedValues",
                "n",
                json!({"displayName": "renamed", "value": "v"}),
                &[],
            );
            let text = r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#;
            alone(json!([
                value,
                policy("policies", "policy", text, &["namedValues/n"])
            ]))
        },
    },
    Prediction {
        rendered: "a link between a product and an API that does not wait for the API",
        predicted: "refused",
        source: "apiops-cli 0.4.0 on 38 trees",
        holds: true,
        deploy: || {
            let product = resource("products", "p", json!({"displayName": "p"}), &[]);
            let late = resource(
                "apis",
                "a",
                json!({"path": "a", "displayName": "a"}),
                &["products/p/apis/a"],
            );
            alone(json!([
                product,
                bare("products/apis", "p/a", &["products/p"]),
                late
            ]))
        },
    },
];

fn table() -> String {
    let mut out = String::from(
        "# Renderings that look right\n\nWhat public sources predict of them, and what the simulated service says when they are\ndeployed as templates. Made by `tests/predictions.rs`, which holds this page against it.\n\n",
    );
    out.push_str(
        "| rendered | predicted | source | the service | as predicted |\n|---|---|---|---|---|\n",
    );
    for one in PREDICTIONS {
        let said = (one.deploy)();
        let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            one.rendered,
            one.predicted,
            one.source,
            cell(&said),
            if one.holds { "yes" } else { "no" }
        )
        .unwrap();
        let is_refused = !said.starts_with("taken");
        let was_predicted = one.predicted.starts_with("refused");
        // What is taken with a consequence is told in the cell, and read there.
        assert!(
            !one.holds || is_refused == was_predicted,
            "{}: {said}",
            one.rendered
        );
        assert!(
            one.holds || is_refused != was_predicted || !is_refused,
            "{}: {said}",
            one.rendered
        );
    }
    out
}

#[test]
fn the_page_says_what_the_service_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("predictions.md");
    let fresh = table();
    println!("{fresh}");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == fresh,
        "predictions.md is old: run with UPDATE_README=1"
    );
}
