//! Deployments of templates.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    reason = "bodies are written where they are sent, and faults are one expression each"
)]

mod support;

use serde_json::{Value, json};
use support::{Asked, Sim, resource, template};

const POLICY: &str = "<policies><inbound><base /></inbound></policies>";

/// Deploys; the deployment as it ended, or the refusal.
fn deploy(sim: &Sim, template: &Value, parameters: &Value) -> Value {
    let target = format!("{}?api-version=2021-04-01", sim.resources("deployments/d"));
    let body = json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}});
    let answer = sim.done("PUT", &target, &body);
    match answer.status {
        300.. => answer.body.unwrap(),
        _ => sim.get(&target).body.unwrap()["properties"].clone(),
    }
}

#[test]
fn nested_deployments_outputs_and_references() {
    let sim = Sim::new(None);
    let inner = template(json!([resource(
        "tags",
        "inner",
        json!({"displayName": "inner"}),
        &[]
    )]));
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inside",
        "dependsOn": ["[resourceId('Microsoft.ApiManagement/service/products', 'simulated', 'p')]"],
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner}});
    let mut whole = template(json!([
        nested,
        resource(
            "products",
            "p",
            json!({"displayName": "[parameters('title')]"}),
            &[]
        )
    ]));
    whole["parameters"] = json!({"title": {"type": "string"}});
    whole["outputs"] = json!({"shown": {"type": "string", "value": "[reference(resourceId('Microsoft.ApiManagement/service/products', 'simulated', 'p'), '2024-05-01').displayName]"}});
    let ended = deploy(&sim, &whole, &json!({"title": {"value": "Gold"}}));
    assert_eq!(ended["provisioningState"], "Succeeded", "{ended}");
    assert_eq!(ended["outputs"]["shown"]["value"], "Gold");
    assert_eq!(sim.names("tags"), ["inner"]);
}

#[test]
fn as_many_resources_as_a_template_may_have() {
    let sim = Sim::new(None);
    let tags: Vec<Value> = (0..799)
        .map(|n| {
            resource(
                "tags",
                &format!("t{n}"),
                json!({"displayName": format!("t{n}")}),
                &[],
            )
        })
        .collect();
    let ended = deploy(&sim, &template(json!(tags)), &json!({}));
    assert_eq!(ended["provisioningState"], "Succeeded", "{ended}");
    let first = sim.get("tags").body.unwrap();
    assert_eq!(first["count"], 799);
}

#[test]
fn writers_of_one_api_that_are_not_chained_get_in_each_others_way() {
    let sim = Sim::new(None);
    sim.api("a");
    sim.send(
        "POST",
        "/simulator/faults",
        &json!({"method": "PUT", "path": "/apis/a/policies/policy$", "hold": "one"}),
        &[],
    );
    sim.send(
        "POST",
        "/simulator/faults",
        &json!({"method": "PUT", "path": "/apis/a/operations/o$", "hold": "two"}),
        &[],
    );
    let operation = json!({"displayName": "o", "method": "GET", "urlTemplate": "/o"});
    let body = template(json!([
        resource(
            "apis/policies",
            "a/policy",
            json!({"format": "rawxml", "value": POLICY}),
            &[]
        ),
        resource("apis/operations", "a/o", operation, &[]),
    ]));
    let released = std::thread::scope(|scope| {
        let ended = scope.spawn(|| deploy(&sim, &body, &json!({})));
        // Whichever is first holds the lock until it is released; the other is refused.
        while sim
            .world
            .state()
            .log
            .iter()
            .filter(|(method, _, status)| method == "PUT" && *status == 409)
            .count()
            == 0
        {
            std::thread::yield_now();
        }
        for name in ["one", "two"] {
            let release = sim.request(
                "POST",
                &format!("/simulator/release/{name}"),
                &Value::Null,
                &[],
            );
            sim.runtime.block_on(simulated_azure::server::answer(
                std::sync::Arc::clone(&sim.world),
                release,
                None,
            ));
        }
        ended.join().unwrap()
    });
    assert_eq!(released["provisioningState"], "Failed");
    assert!(
        released["error"]
            .to_string()
            .contains("PessimisticConcurrencyConflict"),
        "{released}"
    );
}
