//! Deployments of templates, and templates with one planted fault each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    reason = "bodies are written where they are sent, and faults are one expression each"
)]

mod support;

use serde_json::{Map, Value, json};
use support::{Sim, VERSION, openapi};

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const POLICY: &str = "<policies><inbound><base /></inbound></policies>";

fn template(resources: Value) -> Value {
    json!({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources})
}

fn resource(kind: &str, name: &str, properties: Value, needs: &[&str]) -> Value {
    let id = |needed: &&str| {
        let parts: Vec<&str> = needed.split('/').collect();
        let types: Vec<&str> = parts.iter().step_by(2).copied().collect();
        let names: Vec<String> = parts
            .iter()
            .skip(1)
            .step_by(2)
            .map(|name| format!(", '{name}'"))
            .collect();
        format!(
            "[resourceId('Microsoft.ApiManagement/service/{}', 'simulated'{})]",
            types.join("/"),
            names.concat()
        )
    };
    json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": VERSION, "name": format!("simulated/{name}"),
           "properties": properties, "dependsOn": needs.iter().map(id).collect::<Vec<_>>()})
}

/// Deploys; the deployment as it ended, or the refusal.
fn deploy(sim: &Sim, template: &Value, parameters: &Value) -> Value {
    let group = sim
        .world
        .group()
        .replace("resourceGroups", "resourcegroups");
    let target =
        format!("{group}/providers/Microsoft.Resources/deployments/d?api-version=2021-04-01");
    let body = json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}});
    let answer = sim.send("PUT", &target, &body, &[]);
    if answer.status >= 300 {
        return answer.body.unwrap();
    }
    let (_, link) = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "azure-asyncoperation")
        .unwrap();
    let link = link.strip_prefix(&sim.origin).unwrap().to_owned();
    while sim.get(&link).body.unwrap()["status"] == "InProgress" {
        std::thread::yield_now();
    }
    sim.get(&target).body.unwrap()["properties"].clone()
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

/// An API, with a policy on its operation, a product with it, a named value.
fn good() -> Vec<Value> {
    let paths = json!({"/x": {"get": {"operationId": "Get_X", "responses": {"200": {"description": "ok"}}}}});
    let value =
        r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#;
    vec![
        resource("namedValues", "n", json!({"displayName": "shown", "value": "v"}), &[]),
        resource("apis", "a", json!({"path": "a", "displayName": "a", "format": "openapi+json", "value": openapi(paths)}), &[]),
        resource("apis/operations/policies", "a/Get_X/policy", json!({"format": "rawxml", "value": value}), &["apis/a", "namedValues/n"]),
        resource("apis/policies", "a/policy", json!({"format": "rawxml", "value": POLICY}), &["apis/a/operations/Get_X/policies/policy"]),
        resource("products", "p", json!({"displayName": "p"}), &[]),
        resource("products/apis", "p/a", Value::Null, &["products/p", "apis/a/policies/policy"]),
    ]
    .into_iter()
    .map(|mut one| {
        if one["properties"].is_null() {
            one.as_object_mut().unwrap().remove("properties");
        }
        one
    })
    .collect()
}

type Plant = fn(&mut Vec<Value>, &mut Map<String, Value>);

/// Faults, and a word of what Azure says to each.
const FAULTS: [(&str, Plant, &str); 26] = [
    (
        "wrong order",
        |r, _| {
            r.push(resource(
                "loggers",
                "l",
                json!({"loggerType": "azureMonitor"}),
                &["diagnostics/azuremonitor"],
            ));
            r.push(resource(
                "diagnostics",
                "azuremonitor",
                json!({"loggerId": "/loggers/l"}),
                &[],
            ));
        },
        "Logger with id",
    ),
    (
        "wrong operation name",
        |r, _| {
            r[2]["name"] = json!("simulated/a/get-x/policy");
            r[3]["dependsOn"] = json!([
                "[resourceId('Microsoft.ApiManagement/service/apis/operations/policies', 'simulated', 'a', 'get-x', 'policy')]"
            ]);
        },
        "Entity with specified identifier not found",
    ),
    (
        "a system group",
        |r, _| {
            r.push(resource(
                "groups",
                "developers",
                json!({"displayName": "Developers", "description": "Ours"}),
                &[],
            ))
        },
        "System entity cannot be modified",
    ),
    (
        "value beside Key Vault",
        |r, _| {
            r[0]["properties"]["keyVault"] =
                json!({"secretIdentifier": "https://v.vault.azure.net/secrets/s"})
        },
        "keyVault",
    ),
    (
        "a missing parameter",
        |_, t| drop(t.insert("parameters".into(), json!({"needed": {"type": "string"}}))),
        "needed",
    ),
    (
        "a 257th parameter",
        |_, t| {
            let many: Map<String, Value> = (0..257)
                .map(|n| {
                    (
                        format!("p{n}"),
                        json!({"type": "string", "defaultValue": ""}),
                    )
                })
                .collect();
            t.insert("parameters".into(), Value::Object(many));
        },
        "256",
    ),
    (
        "an unknown function",
        |r, _| r[4]["properties"]["displayName"] = json!("[shout('p')]"),
        "shout",
    ),
    (
        "text that is an expression",
        |r, _| r[4]["properties"]["displayName"] = json!("[not an expression]"),
        "InvalidTemplate",
    ),
    (
        "a resource twice",
        |r, _| {
            let again = r[4].clone();
            r.push(again);
        },
        "multiple times",
    ),
    (
        "a cycle",
        |r, _| {
            r[4]["dependsOn"] = json!([
                "[resourceId('Microsoft.ApiManagement/service/products/apis', 'simulated', 'p', 'a')]"
            ])
        },
        "ircular",
    ),
    (
        "dependsOn of nothing",
        |r, _| {
            r[4]["dependsOn"] =
                json!(["[resourceId('Microsoft.ApiManagement/service/tags', 'simulated', 'none')]"])
        },
        "not defined",
    ),
    (
        "an api-version that is none",
        |r, _| r[4]["apiVersion"] = json!("2024-05-99"),
        "NoRegisteredProviderFound",
    ),
    (
        "a type that is none",
        |r, _| {
            r[4]["type"] = json!("Microsoft.ApiManagement/service/produkts");
            r[5]["dependsOn"] = json!([]);
        },
        "InvalidResourceType",
    ),
    (
        "a service that is not there",
        |r, _| {
            r[4]["name"] = json!("other/p");
            r[5]["dependsOn"] = json!([]);
        },
        "was not found",
    ),
    (
        "an API path that is taken",
        |r, _| {
            r.push(resource(
                "apis",
                "b",
                json!({"path": "a", "displayName": "b"}),
                &["apis/a"],
            ))
        },
        "same Path",
    ),
    (
        "a definition with a foreign reference",
        |r, _| {
            let paths = json!({"/x": {"get": {"operationId": "Get_X", "responses": {"default": {"$ref": "x.yaml#/P"}}}}});
            r[1]["properties"]["value"] = json!(openapi(paths));
        },
        "External references",
    ),
    (
        "a definition that is none",
        |r, _| r[1]["properties"]["value"] = json!("{"),
        "Parsing error",
    ),
    (
        "a policy that is not closed",
        |r, _| r[3]["properties"]["value"] = json!("<policies><inbound>"),
        "representation",
    ),
    (
        "raw expressions as xml",
        |r, _| {
            r[3]["properties"]["format"] = json!("xml");
            r[3]["properties"]["value"] = json!(
                "<policies><inbound><set-variable name=\"v\" value=\"@(1 < 2)\" /></inbound></policies>"
            );
        },
        "representation",
    ),
    (
        "a fragment that is not there",
        |r, _| {
            r[3]["properties"]["value"] = json!(
                "<policies><inbound><include-fragment fragment-id=\"f\" /></inbound></policies>"
            )
        },
        "Policy fragment with id 'f'",
    ),
    (
        "a named value by its name",
        |r, _| r[0]["properties"]["displayName"] = json!("other"),
        "Cannot find a property 'shown'",
    ),
    (
        "a named value without value",
        |r, _| drop(r[0]["properties"].as_object_mut().unwrap().remove("value")),
        "value",
    ),
    (
        "a display name with a space",
        |r, _| r[0]["properties"]["displayName"] = json!("with space"),
        "displayName",
    ),
    (
        "a product without name",
        |r, _| r[4]["properties"] = json!({}),
        "displayName",
    ),
    (
        "approval without subscription",
        |r, _| {
            r[4]["properties"] =
                json!({"displayName": "p", "subscriptionRequired": false, "approvalRequired": true})
        },
        "approvalRequired",
    ),
    (
        "the subscription master",
        |r, _| {
            r.push(resource(
                "subscriptions",
                "master",
                json!({"displayName": "m", "scope": "/apis"}),
                &[],
            ))
        },
        "built in",
    ),
];

#[test]
fn planted_faults_fail_with_azures_words() {
    let sim = Sim::new(None);
    let ended = deploy(&sim, &template(json!(good())), &json!({}));
    assert_eq!(ended["provisioningState"], "Succeeded", "{ended}");
    let mut wrong = Vec::new();
    for (name, plant, word) in FAULTS {
        let mut resources = good();
        let mut more = Map::new();
        plant(&mut resources, &mut more);
        let mut whole = template(json!(resources));
        whole.as_object_mut().unwrap().extend(more);
        let ended = deploy(&Sim::new(None), &whole, &json!({}));
        println!("{name}: {}", ended["error"]);
        if ended["error"].is_null() || !ended["error"].to_string().contains(word) {
            wrong.push((name, ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
