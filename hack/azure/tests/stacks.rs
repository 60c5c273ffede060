//! Deployment stacks, and what-if of deployments and of stacks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]

mod support;

use serde_json::{Value, json};
use simulated_azure::access::Access;
use simulated_azure::answer::Answer;
use support::{Asked, Sim, refused, resource, template};

fn tag(name: &str) -> Value {
    resource("tags", name, json!({"displayName": name}), &[])
}

/// What a stack is asked for.
fn body(resources: Value, action: &str, deny: Value) -> Value {
    json!({"properties": {"template": template(resources), "actionOnUnmanage": {"resources": action}, "denySettings": deny}})
}

fn address(sim: &Sim, path: &str, version: &str) -> String {
    format!("{}?api-version={version}", sim.resources(path))
}

/// Updates the stack `s`; its properties at the end.
fn update(sim: &Sim, body: &Value) -> Value {
    let target = address(sim, "deploymentStacks/s", "2024-03-01");
    let ended = sim.done("PUT", &target, body);
    assert!(ended.status < 300, "{:?}", ended.body);
    sim.get(&target).body.unwrap()["properties"].clone()
}

/// Names of resources in a list of a stack.
fn named(list: &Value) -> Vec<String> {
    let all = list.as_array().unwrap().iter();
    all.map(|one| {
        let id = one["id"].as_str().unwrap();
        id.rsplit('/').next().unwrap().to_owned()
    })
    .collect()
}

#[test]
fn a_stack_manages_what_its_template_names() {
    let sim = Sim::new(None);
    let none = json!({"mode": "none"});
    let stack = update(
        &sim,
        &body(json!([tag("a"), tag("b")]), "delete", none.clone()),
    );
    assert_eq!(stack["provisioningState"], "succeeded", "{stack}");
    assert_eq!(named(&stack["resources"]), ["a", "b"]);
    assert_eq!(stack["resources"][0]["status"], "managed");
    assert!(
        stack["deploymentId"]
            .as_str()
            .unwrap()
            .contains("/deployments/s-")
    );
    let stack = update(
        &sim,
        &body(json!([tag("b"), tag("c")]), "delete", none.clone()),
    );
    assert_eq!(named(&stack["resources"]), ["b", "c"]);
    assert_eq!(named(&stack["deletedResources"]), ["a"]);
    assert_eq!(sim.names("tags"), ["b", "c"]);
    let stack = update(&sim, &body(json!([tag("c")]), "detach", none));
    assert_eq!(named(&stack["detachedResources"]), ["b"]);
    assert_eq!(sim.names("tags"), ["b", "c"]);

    let listed = sim.get(&address(&sim, "deploymentStacks", "2024-03-01"));
    assert_eq!(named(&listed.body.unwrap()["value"]), ["s"]);
    let exported = address(&sim, "deploymentStacks/s/exportTemplate", "2024-03-01");
    let exported = sim.send("POST", &exported, &Value::Null, &[]).body.unwrap();
    assert_eq!(
        exported["template"]["resources"].as_array().unwrap().len(),
        1
    );

    let target = address(&sim, "deploymentStacks/s", "2024-03-01");
    let gone = sim.done(
        "DELETE",
        &format!("{target}&unmanageAction.Resources=delete"),
        &Value::Null,
    );
    assert_eq!(gone.status, 200, "{:?}", gone.body);
    assert_eq!(sim.names("tags"), ["b"], "what was detached stays");
    assert!(refused(&sim.get(&target), 404, "DeploymentStackNotFound"));
    assert_eq!(sim.send("DELETE", &target, &Value::Null, &[]).status, 204);
}

#[test]
fn a_stack_that_is_deleted_detaches_when_nothing_is_said() {
    let sim = Sim::new(None);
    update(
        &sim,
        &body(json!([tag("a")]), "delete", json!({"mode": "denyDelete"})),
    );
    let target = address(&sim, "deploymentStacks/s", "2024-03-01");
    assert_eq!(sim.done("DELETE", &target, &Value::Null).status, 200);
    assert_eq!(sim.names("tags"), ["a"]);
    assert_eq!(
        sim.delete("tags/a").status,
        200,
        "its deny settings went with it"
    );
}

#[test]
fn children_are_deleted_before_what_they_stand_below() {
    let sim = Sim::new(None);
    let none = json!({"mode": "none"});
    let operation = json!({"displayName": "o", "method": "GET", "urlTemplate": "/o"});
    let api = json!({"displayName": "a", "path": "a"});
    let all = json!([
        resource("apis", "a", api, &[]),
        resource("apis/operations", "a/o", operation, &["apis/a"]),
    ]);
    update(&sim, &body(all, "delete", none.clone()));
    let stack = update(&sim, &body(json!([]), "delete", none));
    assert_eq!(named(&stack["deletedResources"]), ["o", "a"]);
}

#[test]
fn a_product_with_subscriptions_makes_the_stack_fail() {
    let sim = Sim::new(None);
    let none = json!({"mode": "none"});
    let product = resource("products", "p", json!({"displayName": "p"}), &[]);
    update(&sim, &body(json!([product]), "delete", none.clone()));
    let target = address(&sim, "deploymentStacks/s", "2024-03-01");
    let ended = sim
        .done("PUT", &target, &body(json!([]), "delete", none))
        .body
        .unwrap();
    assert_eq!(ended["status"], "Failed");
    assert_eq!(
        ended["error"]["code"],
        "DeploymentStackDeleteResourcesFailed"
    );
    let stack = sim.get(&target).body.unwrap()["properties"].clone();
    assert_eq!(stack["provisioningState"], "failed");
    assert_eq!(stack["resources"][0]["status"], "deleteFailed");
    // The words of Azure/deployment-stacks#208.
    let why = stack["failedResources"][0]["error"]["message"]
        .as_str()
        .unwrap();
    assert!(why.starts_with("Product cannot be deleted since it has existing subscriptions"));
    let gone = sim.done(
        "DELETE",
        &format!("{target}&unmanageAction.Resources=delete"),
        &Value::Null,
    );
    assert_eq!(gone.status, 409, "{:?}", gone.body);
}

#[test]
fn a_deployment_that_fails_unmanages_nothing() {
    let sim = Sim::new(None);
    let none = json!({"mode": "none"});
    update(&sim, &body(json!([tag("a")]), "delete", none.clone()));
    let wrong = resource("tags", "b", json!({}), &[]);
    let target = address(&sim, "deploymentStacks/s", "2024-03-01");
    let ended = sim
        .done(
            "PUT",
            &target,
            &body(json!([wrong, tag("c")]), "delete", none),
        )
        .body
        .unwrap();
    assert_eq!(ended["error"]["code"], "DeploymentStackDeploymentFailed");
    assert_eq!(ended["error"]["details"][0]["code"], "DeploymentFailed");
    let stack = sim.get(&target).body.unwrap()["properties"].clone();
    assert_eq!(named(&stack["resources"]), ["a", "c"]);
    assert_eq!(named(&stack["failedResources"]), ["b"]);
    assert_eq!(sim.names("tags"), ["a", "c"]);
}

#[test]
fn deny_settings_hold_for_others_and_not_for_the_stack() {
    let sim = Sim::new(None);
    let deny = json!({"mode": "denyWriteAndDelete"});
    let product = resource("products", "p", json!({"displayName": "p"}), &[]);
    let stack = update(
        &sim,
        &body(json!([product, tag("t")]), "delete", deny.clone()),
    );
    assert_eq!(stack["resources"][0]["denyStatus"], "denyWriteAndDelete");
    let denied = |answer: &Answer| refused(answer, 403, "DenyAssignmentAuthorizationFailed");
    assert!(denied(&sim.put("products/p", json!({"displayName": "q"}))));
    assert!(denied(&sim.delete("products/p")));
    assert_eq!(sim.get("products/p").status, 200);
    // Without applyToChildScopes what stands below is free.
    assert!(
        sim.send("PUT", "products/p/groups/developers", &Value::Null, &[])
            .status
            < 300
    );
    // Another deployment is another caller.
    let target = address(&sim, "deployments/d", "2021-04-01");
    let other =
        json!({"properties": {"mode": "Incremental", "template": template(json!([tag("t")]))}});
    let ended = sim.done("PUT", &target, &other).body.unwrap();
    assert!(
        ended["error"]
            .to_string()
            .contains("DenyAssignmentAuthorizationFailed"),
        "{ended}"
    );
    // The stack itself changes and deletes.
    let renamed = resource("products", "p", json!({"displayName": "q"}), &[]);
    let below = json!({"mode": "denyWriteAndDelete", "applyToChildScopes": true,
        "excludedActions": ["Microsoft.ApiManagement/service/products/groups/write"]});
    let stack = update(&sim, &body(json!([renamed]), "delete", below));
    assert_eq!(stack["provisioningState"], "succeeded", "{stack}");
    assert_eq!(
        sim.get("products/p").body.unwrap()["properties"]["displayName"],
        "q"
    );
    assert_eq!(sim.get("tags/t").status, 404);
    assert!(
        sim.send("PUT", "products/p/groups/developers", &Value::Null, &[])
            .status
            < 300
    );
    assert!(denied(&sim.delete("products/p/groups/developers")));
}

#[test]
fn principals_can_be_excluded() {
    let access = |excluded: &str| -> (Sim, Value) {
        let access: Access = serde_json::from_value(json!({
            "applications": [{"clientId": "app", "objectId": "oid", "secrets": ["s"]}],
            "assignments": [{"principal": "oid", "role": "Owner", "scope": "/subscriptions/00000000-0000-0000-0000-000000000000"}],
        }))
        .unwrap();
        (
            Sim::with(None, access),
            json!({"mode": "denyDelete", "excludedPrincipals": [excluded]}),
        )
    };
    for (excluded, status) in [("oid", 200), ("somebody", 403)] {
        let (sim, deny) = access(excluded);
        let form = "grant_type=client_credentials&client_id=app&client_secret=s&scope=https://management.azure.com/.default";
        let token = sim.send(
            "POST",
            "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token",
            &json!(form),
            &[],
        );
        let token = format!(
            "Bearer {}",
            token.body.unwrap()["access_token"].as_str().unwrap()
        );
        let target = address(&sim, "deploymentStacks/s", "2024-03-01");
        let headers = [("authorization", token.as_str())];
        let ended = sim.done_as(
            "PUT",
            &target,
            &body(json!([tag("t")]), "delete", deny),
            &headers,
        );
        assert_eq!(ended.body.unwrap()["status"], "Succeeded");
        let gone = sim.send(
            "DELETE",
            "tags/t",
            &Value::Null,
            &[("authorization", &token), ("if-match", "*")],
        );
        assert_eq!(gone.status, status, "{:?}", gone.body);
    }
}

#[test]
fn a_stack_needs_what_the_sdks_require_and_takes_one_update_at_a_time() {
    let sim = Sim::new(None);
    let target = address(&sim, "deploymentStacks/s", "2024-03-01");
    for wrong in [
        json!({}),
        body(json!([]), "drop", json!({"mode": "none"})),
        body(json!([]), "delete", json!({})),
        body(
            json!([]),
            "delete",
            json!({"mode": "denyDelete", "excludedPrincipals": ["1", "2", "3", "4", "5", "6"]}),
        ),
    ] {
        assert!(refused(
            &sim.send("PUT", &target, &wrong, &[]),
            400,
            "InvalidRequestContent"
        ));
    }
    assert!(refused(&sim.get(&target), 404, "DeploymentStackNotFound"));
    sim.send(
        "POST",
        "/simulator/faults",
        &json!({"method": "PUT", "path": "/tags/t$", "hold": "one"}),
        &[],
    );
    let held = body(json!([tag("t")]), "delete", json!({"mode": "none"}));
    assert_eq!(sim.send("PUT", &target, &held, &[]).status, 201);
    assert!(refused(
        &sim.send("PUT", &target, &held, &[]),
        409,
        "DeploymentStackInNonTerminalState"
    ));
    assert!(refused(
        &sim.send("DELETE", &target, &Value::Null, &[]),
        409,
        "DeploymentStackInNonTerminalState"
    ));
    sim.send("POST", "/simulator/release/one", &Value::Null, &[]);
    while sim.get(&target).body.unwrap()["properties"]["provisioningState"] != "succeeded" {
        std::thread::yield_now();
    }
}

#[test]
fn a_stack_is_validated_without_a_trace() {
    let sim = Sim::new(None);
    let target = address(&sim, "deploymentStacks/s/validate", "2024-03-01");
    let asked = body(json!([tag("t")]), "delete", json!({"mode": "none"}));
    assert_eq!(sim.send("POST", &target, &asked, &[]).status, 202);
    let result = sim.done("POST", &target, &asked);
    assert_eq!(result.status, 200);
    assert_eq!(
        named(&result.body.unwrap()["properties"]["validatedResources"]),
        ["t"]
    );
    assert_eq!(sim.get("tags/t").status, 404);
    let broken = body(json!([{"type": "x"}]), "delete", json!({"mode": "none"}));
    assert_eq!(sim.send("POST", &target, &broken, &[]).status, 400);
}

/// What-if of a deployment: its result.
fn what_if(sim: &Sim, mode: &str, resources: Value, settings: Value) -> Value {
    let target = address(sim, "deployments/d/whatIf", "2021-04-01");
    let body = json!({"properties": {"mode": mode, "template": template(resources), "whatIfSettings": settings}});
    let first = sim.send("POST", &target, &body, &[]);
    assert_eq!(first.status, 202, "{:?}", first.body);
    let result = sim.done("POST", &target, &body);
    assert_eq!(result.status, 200);
    result.body.unwrap()
}

#[test]
fn what_if_tells_changes_and_makes_none() {
    let sim = Sim::new(None);
    sim.made("tags/same", json!({"displayName": "same"}));
    sim.made("tags/changed", json!({"displayName": "before"}));
    sim.made("tags/other", json!({"displayName": "other"}));
    let resources = json!([
        tag("same"),
        resource("tags", "changed", json!({"displayName": "after"}), &[]),
        tag("new"),
    ]);
    let before = sim.world.state().store.version();
    let result = what_if(&sim, "Incremental", resources.clone(), Value::Null);
    assert_eq!(result["status"], "Succeeded");
    let changes = result["properties"]["changes"].as_array().unwrap();
    let told: Vec<(&str, &str)> = changes
        .iter()
        .map(|one| {
            let id = one["resourceId"].as_str().unwrap();
            (
                id.rsplit('/').next().unwrap(),
                one["changeType"].as_str().unwrap(),
            )
        })
        .collect();
    // Resource Manager lists the service of the group, and not what is in it.
    assert_eq!(
        told,
        [
            ("same", "NoChange"),
            ("changed", "Modify"),
            ("new", "Create"),
            ("simulated", "Ignore")
        ]
    );
    assert_eq!(
        changes[1]["delta"],
        json!([{"path": "properties.displayName", "propertyChangeType": "Modify", "before": "before", "after": "after", "children": null}])
    );
    assert_eq!(changes[1]["before"]["properties"]["displayName"], "before");
    assert_eq!(changes[2]["after"]["properties"]["displayName"], "new");
    assert!(changes[2].get("before").is_none());
    assert_eq!(sim.world.state().store.version(), before);

    let ids = what_if(
        &sim,
        "Incremental",
        resources.clone(),
        json!({"resultFormat": "ResourceIdOnly"}),
    );
    let changes = ids["properties"]["changes"].as_array().unwrap();
    assert_eq!(changes[1]["changeType"], "Deploy");
    assert!(
        changes
            .iter()
            .all(|one| one.get("before").is_none() && one.get("after").is_none())
    );

    // A template without the service deletes it in complete mode.
    let complete = what_if(&sim, "Complete", resources, Value::Null);
    assert_eq!(complete["properties"]["changes"][3]["changeType"], "Delete");
}

#[test]
fn what_if_does_not_show_secrets() {
    let sim = Sim::new(None);
    sim.made(
        "namedValues/n",
        json!({"displayName": "n", "value": "hidden", "secret": true}),
    );
    let resources = json!([resource(
        "namedValues",
        "n",
        json!({"displayName": "n", "value": "next", "secret": true}),
        &[]
    )]);
    let result = what_if(&sim, "Incremental", resources, Value::Null);
    assert!(!result.to_string().contains("hidden"), "{result}");
    assert_eq!(
        result["properties"]["changes"][0]["delta"][0]["propertyChangeType"],
        "Create"
    );
}

#[test]
fn results_of_a_stacks_what_if() {
    let sim = Sim::new(None);
    update(
        &sim,
        &body(
            json!([tag("old"), tag("kept")]),
            "delete",
            json!({"mode": "none"}),
        ),
    );
    let target = address(&sim, "deploymentStacksWhatIfResults/w", "2025-07-01");
    let kept = resource("tags", "kept", json!({"displayName": "renamed"}), &[]);
    let mut asked = body(
        json!([kept, tag("new")]),
        "delete",
        json!({"mode": "denyDelete"}),
    );
    asked["properties"]["deploymentStackResourceId"] = json!(sim.resources("deploymentStacks/s"));
    assert!(refused(
        &sim.send("PUT", &target, &asked, &[]),
        400,
        "InvalidRequestContent"
    ));
    asked["properties"]["retentionInterval"] = json!("PT1H");
    assert_eq!(
        sim.done("PUT", &target, &asked).body.unwrap()["status"],
        "Succeeded"
    );
    let got = sim.get(&target).body.unwrap();
    let changes = &got["properties"]["changes"];
    let told: Vec<(String, &str, &str)> = changes["resourceChanges"]
        .as_array()
        .unwrap()
        .iter()
        .zip(named(&changes["resourceChanges"]))
        .map(|(one, name)| {
            let status = one["managementStatusChange"]["after"].as_str().unwrap();
            (name, one["changeType"].as_str().unwrap(), status)
        })
        .collect();
    let of = |name: &str, change, status| (name.to_owned(), change, status);
    assert_eq!(
        told,
        [
            of("kept", "modify", "managed"),
            of("new", "create", "managed"),
            of("old", "delete", "unmanaged")
        ]
    );
    assert_eq!(changes["denySettingsChange"]["delta"][0]["path"], "mode");
    assert!(
        changes["resourceChanges"][0]
            .get("resourceConfigurationChanges")
            .is_none()
    );

    let detailed = sim
        .done("POST", &target.replace("/w?", "/w/whatIf?"), &Value::Null)
        .body
        .unwrap();
    let changes = &detailed["properties"]["changes"]["resourceChanges"];
    assert_eq!(
        changes[0]["resourceConfigurationChanges"]["delta"][0]["path"],
        "properties.displayName"
    );
    assert_eq!(sim.names("tags"), ["kept", "old"], "nothing is changed");
    assert_eq!(sim.delete(&target).status, 200);
    let older = address(&sim, "deploymentStacksWhatIfResults/w", "2024-03-01");
    assert!(refused(&sim.get(&older), 404, "InvalidResourceType"));
}
