//! Each behaviour by a request that it refuses or changes: seen when it is on, and not when
//! it is off. The table is printed, and the README has it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]

mod probes;
mod support;

use serde_json::{Value, json};
use simulated_azure::access::Access;
use simulated_azure::answer::Answer;
use simulated_azure::behaviours::{Behaviours, Row};
use std::sync::Arc;
use support::{Asked, Sim, VERSION, openapi, refused, refuses, resource, template};

fn path(operation: &str) -> Value {
    json!({"/x": {"get": {"operationId": operation, "responses": {"200": {"description": "ok"}}}}})
}

fn access() -> Access {
    serde_json::from_value(json!({
        "applications": [{"clientId": "app", "objectId": "oid", "secrets": ["s"]}, {"clientId": "old", "objectId": "oid2", "secrets": ["s"]}],
        "assignments": [{"principal": "oid", "role": "Reader", "scope": "/subscriptions/00000000-0000-0000-0000-000000000000"}],
    }))
    .unwrap()
}

/// A token of the local Entra ID.
fn token(sim: &Sim, scope: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id=app&client_secret=s&scope={scope}");
    let answer = sim.send(
        "POST",
        "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token",
        &Value::String(form),
        &[],
    );
    format!(
        "Bearer {}",
        answer.body.unwrap()["access_token"].as_str().unwrap()
    )
}

/// A product that another writer holds, and what is answered meanwhile.
fn while_held(row: Option<Row>, held: &str, meanwhile: &str) -> Answer {
    let sim = Sim::new(row);
    sim.api("a");
    sim.made("products/p", json!({"displayName": "p"}));
    sim.send(
        "POST",
        "/simulator/faults",
        &json!({"method": "PUT", "hold": "one"}),
        &[],
    );
    let first = sim.request(
        "PUT",
        held,
        &json!({"properties": {"displayName": "p", "path": "a"}}),
        &[],
    );
    let world = Arc::clone(&sim.world);
    let running = sim
        .runtime
        .spawn(simulated_azure::server::answer(world, first, None));
    // The plan is used up as soon as the first request is held.
    while sim.world.state().faults.list().len() == 1 || sim.world.state().locks.is_empty() {
        std::thread::yield_now();
    }
    let second = sim.request("PUT", meanwhile, &Value::Null, &[]);
    let answer = sim
        .runtime
        .block_on(simulated_azure::server::answer(
            Arc::clone(&sim.world),
            second,
            None,
        ))
        .answer;
    sim.runtime.block_on(simulated_azure::server::answer(
        Arc::clone(&sim.world),
        sim.request("POST", "/simulator/release/one", &Value::Null, &[]),
        None,
    ));
    sim.runtime.block_on(running).unwrap();
    answer
}

/// Whether the behaviour is seen.
fn seen(row: Row, off: Option<Row>) -> bool {
    let sim = Sim::new(off);
    if let Some(seen) = probes::seen(row, &sim) {
        return seen;
    }
    match row {
        Row::TokenExpires => {
            let sim = Sim::with(
                off,
                Access {
                    token_lifetime: Some(-10),
                    ..access()
                },
            );
            let token = token(&sim, "https://management.azure.com/.default");
            refused(
                &sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]),
                401,
                "ExpiredAuthenticationToken",
            )
        }
        Row::TokenAudience => {
            let sim = Sim::with(off, access());
            let token = token(&sim, "https://graph.microsoft.com/.default");
            refused(
                &sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]),
                401,
                "InvalidAuthenticationTokenAudience",
            )
        }
        Row::RolesEnforced => {
            let sim = Sim::with(off, access());
            let token = token(&sim, "https://management.azure.com/.default");
            let reads = sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]);
            assert_eq!(reads.status, 200);
            let tag = json!({"properties": {"displayName": "t"}});
            refused(
                &sim.send("PUT", "tags/t", &tag, &[("authorization", &token)]),
                403,
                "AuthorizationFailed",
            )
        }
        Row::LockHeld => refused(
            &while_held(off, "products/p", "products/p/groups/developers"),
            409,
            "PessimisticConcurrencyConflict",
        ),
        Row::LockSpansLinks => refused(
            &while_held(off, "apis/a", "products/p/apis/a"),
            409,
            "PessimisticConcurrencyConflict",
        ),
        Row::ImportSize => {
            // Escapes make the request smaller than what it holds only without this limit.
            let sim = Sim::new(off);
            let mut request = sim.request("PUT", "apis/a", &Value::Null, &[]);
            let text = format!("{}{}", openapi(path("one")), " ".repeat(4 * 1024 * 1024));
            request.bytes =
                json!({"properties": {"path": "a", "format": "openapi+json", "value": text}})
                    .to_string()
                    .into_bytes();
            let behaviours = Sim::new(Some(Row::RequestSize));
            let sim = if off.is_some() {
                import_without_limits()
            } else {
                behaviours
            };
            refuses(&sim.ask(request, None), "representation")
        }
        Row::DeploymentLimits => {
            let large = json!({"displayName": "t", "x": " ".repeat(1024 * 1024)});
            deploy(&sim, json!([resource("tags", "t", large, &[])])).status == 400
        }
        Row::CompleteMode => {
            let other = sim
                .world
                .service()
                .replace("/service/simulated", "/service/other");
            let service = json!({"location": "westeurope", "sku": {"name": "Developer", "capacity": 1},
                "properties": {"publisherEmail": "a@contoso.invalid", "publisherName": "a"}});
            assert!(sim.send("PUT", &other, &service, &[]).status < 300);
            sim.api("stays");
            let mut own = service.clone();
            own["type"] = json!("Microsoft.ApiManagement/service");
            own["apiVersion"] = json!(VERSION);
            own["name"] = json!("simulated");
            let target = format!("{}?api-version=2021-04-01", sim.resources("deployments/d"));
            let body =
                json!({"properties": {"mode": "Complete", "template": template(json!([own]))}});
            let ended = sim.done("PUT", &target, &body).body.unwrap();
            assert_eq!(ended["status"], "Succeeded", "{ended}");
            sim.get(&other).status == 404 && sim.get("apis/stays").status == 200
        }
        Row::WhatIfErrors => {
            let target = format!(
                "{}?api-version=2021-04-01",
                sim.resources("deployments/d/whatIf")
            );
            let body = json!({"properties": {"mode": "Incremental", "template": template(json!([{"type": "x"}]))}});
            let answer = sim.done("POST", &target, &body);
            let body = answer.body.unwrap();
            answer.status == 200 && body["status"] == "Failed" && body["error"]["code"].is_string()
        }
        Row::StackUnmanages => {
            let tag = resource("tags", "t", json!({"displayName": "t"}), &[]);
            stack(&sim, json!([tag]), "none", &[]);
            stack(&sim, json!([]), "none", &[]);
            sim.get("tags/t").status == 404
        }
        Row::StackDenies => {
            let tag = resource("tags", "t", json!({"displayName": "t"}), &[]);
            stack(&sim, json!([tag]), "denyDelete", &[]);
            refused(
                &sim.delete("tags/t"),
                403,
                "DenyAssignmentAuthorizationFailed",
            ) && sim.put("tags/t", json!({"displayName": "u"})).status == 200
        }
        Row::StackDenyPermission => {
            let mut access = access();
            access.assignments[0].role = "Contributor".to_owned();
            let sim = Sim::with(off, access);
            let token = token(&sim, "https://management.azure.com/.default");
            let headers = [("authorization", token.as_str())];
            let taken = stack(&sim, json!([]), "none", &headers);
            assert!(taken.status < 300, "{:?}", taken.body);
            refused(
                &stack(&sim, json!([]), "denyDelete", &headers),
                403,
                "AuthorizationFailed",
            )
        }
        Row::DeploymentOrder => {
            // In the order of names the policy is first; it needs the named value.
            let value = r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#;
            let of = |kind: &str, name: &str, properties: Value, needs: Value| {
                json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": VERSION, "name": format!("simulated/{name}"),
                       "properties": properties, "dependsOn": needs})
            };
            let id = |kind: &str, name: &str| {
                format!(
                    "[resourceId('Microsoft.ApiManagement/service/{kind}', 'simulated', '{name}')]"
                )
            };
            deploy(
                &sim,
                json!([
                    of(
                        "products/policies",
                        "p/policy",
                        json!({"format": "rawxml", "value": value}),
                        json!([id("products", "p"), id("namedValues", "n")])
                    ),
                    of(
                        "products",
                        "p",
                        json!({"displayName": "p"}),
                        json!([id("namedValues", "n")])
                    ),
                    of(
                        "namedValues",
                        "n",
                        json!({"displayName": "shown", "value": "v"}),
                        json!([])
                    ),
                ]),
            );
            let ended = sim.get(&format!(
                "{}?api-version=2021-04-01",
                sim.resources("deployments/d")
            ));
            ended.body.unwrap()["properties"]["provisioningState"] == "Succeeded"
        }
        _ => panic!("no probe for {row:?}"),
    }
}

/// Without both limits of a size.
fn import_without_limits() -> Sim {
    let sim = Sim::new(None);
    let names = [Row::RequestSize.about().name, Row::ImportSize.about().name];
    let world = simulated_azure::world::World::new(
        sim.world.settings.clone(),
        Behaviours::without(&names).unwrap(),
        Access::default(),
    )
    .unwrap();
    Sim {
        world: Arc::new(world),
        ..sim
    }
}

/// Deploys and waits for the end; the first answer.
fn deploy(sim: &Sim, resources: Value) -> Answer {
    let target = format!("{}?api-version=2021-04-01", sim.resources("deployments/d"));
    let body = json!({"properties": {"mode": "Incremental", "template": template(resources)}});
    sim.done("PUT", &target, &body)
}

/// A stack that deletes what it no longer manages, at its end.
fn stack(sim: &Sim, resources: Value, deny: &str, headers: &[(&str, &str)]) -> Answer {
    let target = format!(
        "{}?api-version=2024-03-01",
        sim.resources("deploymentStacks/s")
    );
    let body = json!({"properties": {"template": template(resources), "parameters": {},
        "actionOnUnmanage": {"resources": "delete"}, "denySettings": {"mode": deny}}});
    sim.done_as("PUT", &target, &body, headers)
}

#[test]
fn each_behaviour_is_seen_and_goes_away_without() {
    let mut wrong = Vec::new();
    for &row in Row::ALL {
        let (on, off) = (seen(row, None), seen(row, Some(row)));
        println!(
            "{:26} {:11} with {:5} without {:5}",
            row.about().name,
            row.about().class.as_str(),
            on,
            off
        );
        if !on || off {
            wrong.push(row.about().name);
        }
    }
    assert!(wrong.is_empty(), "not shown: {wrong:?}");
}

#[test]
fn the_readme_has_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- behaviours -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let fresh = format!(
        "{before}<!-- behaviours -->\n{}<!-- end -->{after}",
        Behaviours::markdown()
    );
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(
        text == fresh || std::env::var_os("UPDATE_README").is_some(),
        "README.md is old: run with UPDATE_README=1"
    );
}
