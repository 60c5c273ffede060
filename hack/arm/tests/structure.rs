//! Loops, conditions, names, order, nested deployments, two phases.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

mod support;

use arm_template::{Context, Mode, Nothing, Place, expand};
use serde_json::{Value, json};
use support::{GROUP, SUBSCRIPTION, Store, context, expanded, refusal, template};

fn resource(kind: &str, name: &str, more: Value) -> Value {
    let mut resource = json!({ "type": kind, "apiVersion": "2024-05-01", "name": name });
    for (key, value) in more.as_object().unwrap() {
        resource[key] = value.clone();
    }
    resource
}

/// Name, and names of what it waits for.
fn order(members: Value) -> Vec<(String, Vec<String>)> {
    expanded(members)
        .unwrap()
        .resources
        .into_iter()
        .map(|resource| {
            let last = |id: &str| id.rsplit('/').next().unwrap().to_owned();
            let before = resource.depends_on.iter().map(|id| last(id)).collect();
            (last(&resource.id), before)
        })
        .collect()
}

fn pairs(all: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    all.iter()
        .map(|(name, before)| {
            let before = before.iter().map(|name| (*name).to_owned()).collect();
            ((*name).to_owned(), before)
        })
        .collect()
}

#[test]
fn a_resource_is_what_the_template_says_and_no_more() {
    let expanded = expanded(json!({
        "parameters": { "service": { "type": "string", "defaultValue": "svc" } },
        "resources": [{
            "comments": "not sent",
            "type": "Microsoft.ApiManagement/service/apis",
            "apiVersion": "2024-05-01",
            "name": "[format('{0}/{1}', parameters('service'), 'orders;rev=2')]",
            "location": "[resourceGroup().location]",
            "tags": { "[concat('a', 'b')]": "[[c]" },
            "condition": "[equals(1, 1)]",
            "properties": {
                "value": "[[not an expression]",
                "left": "[[x",
                "nothing": null,
                "none": "[null()]",
                "list": [null, { "x": null }],
                "copy": [{ "name": "paths", "count": 2, "input": { "i": "[copyIndex('paths', 1)]" } }],
                "nested": { "copy": "a property of that name" },
            },
        }],
    }))
    .unwrap();
    let [only] = expanded.resources.as_slice() else {
        panic!("{expanded:?}");
    };
    assert_eq!(
        only.id,
        format!("{GROUP}/providers/Microsoft.ApiManagement/service/svc/apis/orders;rev=2")
    );
    assert_eq!(
        (only.kind.as_str(), only.name.as_str()),
        ("Microsoft.ApiManagement/service/apis", "svc/orders;rev=2")
    );
    assert_eq!(only.location.as_deref(), Some("westeurope"));
    assert!(!only.is_deferred());
    assert_eq!(only.resolve(&Nothing).unwrap(), only.body);
    assert_eq!(
        only.body,
        json!({
            "location": "westeurope",
            "tags": { "ab": "[c]" },
            "properties": {
                "value": "[not an expression]",
                "left": "[[x",
                "list": [null, {}],
                "paths": [{ "i": 1 }, { "i": 2 }],
                "nested": { "copy": "a property of that name" },
            },
        })
    );
}

#[test]
fn resources_wait_for_what_they_depend_on_by_any_of_its_names() {
    let found = order(json!({ "resources": [
        resource("A.B/c", "one", json!({})),
        resource("A.B/c", "byName", json!({ "dependsOn": ["one"] })),
        resource("A.B/c", "byId", json!({ "dependsOn": ["[resourceId('a.b/C', 'ONE')]", "[resourceId('A.B/c', 'one')]"] })),
        resource("A.B/c", "byTypeAndName", json!({ "dependsOn": ["A.B/c/one"] })),
        resource("A.B/c", "left out", json!({ "condition": false, "dependsOn": ["one"] })),
        resource("A.B/c", "after what is left out", json!({ "dependsOn": ["left out"] })),
        resource("A.B/c", "byReference", json!({ "properties": { "x": "[reference('one').x]" } })),
        resource("A.B/c", "byReferenceOfId", json!({ "properties": { "x": "[reference(resourceId('A.B/c', 'one')).x]" } })),
        resource("A.B/c", "byList", json!({ "properties": { "x": "[if(equals(reference('byName').x, 1), listKeys('one', '1').k, 'no')]" } })),
        resource("A.B/c", "untaken", json!({ "properties": { "x": "[if(equals(1, 2), reference('one').x, 'no')]" } })),
    ] }));
    assert_eq!(
        found,
        pairs(&[
            ("one", &[]),
            ("byName", &["one"]),
            ("byId", &["one"]),
            ("byTypeAndName", &["one"]),
            ("after what is left out", &[]),
            ("byReference", &["one"]),
            // An id is no implicit dependency: define-resource-dependency.
            ("byReferenceOfId", &[]),
            ("byList", &["byName", "one"]),
            ("untaken", &[]),
        ])
    );
}

#[test]
fn loops_of_resources_are_parallel_or_serial() {
    let loop_of = |mode: Value| {
        order(json!({ "resources": [
            resource("A.B/c", "[concat('x', copyIndex(1))]", json!({ "copy": mode })),
            resource("A.B/c", "last", json!({ "dependsOn": ["many"] })),
        ] }))
    };
    assert_eq!(
        loop_of(json!({ "name": "many", "count": 3 })),
        pairs(&[
            ("x1", &[]),
            ("x2", &[]),
            ("x3", &[]),
            ("last", &["x1", "x2", "x3"])
        ])
    );
    assert_eq!(
        loop_of(json!({ "name": "many", "count": "[add(1, 2)]", "mode": "Serial" })),
        pairs(&[
            ("x1", &[]),
            ("x2", &["x1"]),
            ("x3", &["x2"]),
            ("last", &["x1", "x2", "x3"])
        ])
    );
    assert_eq!(
        loop_of(json!({ "name": "many", "count": 5, "mode": "serial", "batchSize": 2 })),
        pairs(&[
            ("x1", &[]),
            ("x2", &[]),
            ("x3", &["x1", "x2"]),
            ("x4", &["x1", "x2"]),
            ("x5", &["x3", "x4"]),
            ("last", &["x1", "x2", "x3", "x4", "x5"]),
        ])
    );
    assert_eq!(
        loop_of(json!({ "name": "many", "count": 0 })),
        pairs(&[("last", &[])])
    );
}

#[test]
fn children_have_the_types_and_names_of_their_parents_and_no_order() {
    let found = expanded(
        json!({ "resources": [resource("A.B/c", "p", json!({ "resources": [
        resource("d", "q", json!({ "resources": [resource("e", "r", json!({}))] })),
        resource("d", "s", json!({ "dependsOn": ["p"] })),
    ] }))] }),
    )
    .unwrap();
    let ids: Vec<&str> = found
        .resources
        .iter()
        .map(|r| r.id.strip_prefix(GROUP).unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "/providers/A.B/c/p",
            "/providers/A.B/c/p/d/q",
            "/providers/A.B/c/p/d/q/e/r",
            "/providers/A.B/c/p/d/s",
        ]
    );
    let waiting: Vec<usize> = found.resources.iter().map(|r| r.depends_on.len()).collect();
    assert_eq!(waiting, [0, 0, 0, 1]);
}

#[test]
fn extension_resources_are_below_their_scope() {
    let found = expanded(json!({ "resources": [
        resource("A.B/c", "p", json!({})),
        resource("Microsoft.Authorization/locks", "byId", json!({ "scope": "[resourceId('A.B/c', 'p')]" })),
        resource("Microsoft.Authorization/locks", "relative", json!({ "scope": "A.B/c/p" })),
        resource("A.B/c/providers/locks", "p/Microsoft.Authorization/old", json!({})),
    ] }))
    .unwrap();
    let ids: Vec<&str> = found
        .resources
        .iter()
        .map(|r| r.id.strip_prefix(GROUP).unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "/providers/A.B/c/p",
            "/providers/A.B/c/p/providers/Microsoft.Authorization/locks/byId",
            "/providers/A.B/c/p/providers/Microsoft.Authorization/locks/relative",
            "/providers/A.B/c/p/providers/Microsoft.Authorization/locks/old",
        ]
    );
    assert_eq!(
        found.resources[1].scope.as_deref(),
        Some(format!("{GROUP}/providers/A.B/c/p").as_str())
    );
}

#[test]
fn symbolic_names_existing_resources_and_collections() {
    let members = json!({
        "languageVersion": "2.0",
        "parameters": {
            "maybe": { "type": "string", "nullable": true },
            "names": { "type": "array", "items": { "type": "string" }, "defaultValue": ["a", "b"] },
        },
        "resources": {
            "service": { "existing": true, "type": "A.B/c", "apiVersion": "7", "name": "svc", "dependsOn": ["before"] },
            "before": resource("A.B/x", "before", json!({})),
            "many": resource("A.B/c/d", "[format('svc/{0}', parameters('names')[copyIndex()])]", json!({
                "copy": { "name": "many", "count": "[length(parameters('names'))]" },
                "dependsOn": ["service"],
            })),
            "second": resource("A.B/x", "second", json!({
                "dependsOn": ["[format('many[{0}]', 1)]"],
                "properties": {
                    "location": "[reference('service', '7', 'full').location]",
                    "all": "[map(references('many'), lambda('m', lambdaVariables('m').n))]",
                    "id": "[resourceInfo('service').id]",
                    "type": "[resourceInfo('before').type]",
                    "maybe": "[coalesce(parameters('maybe'), 'not specified')]",
                },
            })),
        },
    });
    let found = expanded(members).unwrap();
    let names: Vec<(&str, usize)> = found
        .resources
        .iter()
        .map(|r| (r.name.as_str(), r.depends_on.len()))
        .collect();
    // Through `existing` to what it waits for; `references` names all of the loop.
    assert_eq!(
        names,
        [("before", 0), ("svc/a", 1), ("svc/b", 1), ("second", 3)]
    );
    let second = &found.resources[3];
    assert!(second.is_deferred());
    let store = Store(vec![
        json!({ "id": format!("{GROUP}/providers/A.B/c/svc"), "location": "north", "properties": {} }),
        json!({ "id": format!("{GROUP}/providers/A.B/c/svc/d/a"), "properties": { "n": 1 } }),
        json!({ "id": format!("{GROUP}/providers/A.B/c/svc/d/b"), "properties": { "n": 2 } }),
    ]);
    assert_eq!(
        second.resolve(&store).unwrap(),
        json!({ "properties": {
            "location": "north",
            "all": [1, 2],
            "id": format!("{GROUP}/providers/A.B/c/svc"),
            "type": "A.B/x",
            "maybe": "not specified",
        } })
    );
    let error = second.resolve(&Nothing).unwrap_err();
    assert_eq!(error.code, "ResourceNotFound");
}

#[test]
fn what_a_deployed_resource_lacks_is_said_with_its_id() {
    let found = expanded(json!({ "resources": [
        resource("A.B/c", "one", json!({})),
        resource("A.B/c", "two", json!({ "properties": { "x": "[reference('one').missing]" } })),
    ] }))
    .unwrap();
    let store = Store(vec![
        json!({ "id": format!("{GROUP}/providers/A.B/c/one"), "properties": { "y": 1 } }),
    ]);
    let error = found.resources[1].resolve(&store).unwrap_err();
    assert_eq!(error.code, "InvalidTemplate");
    assert_eq!(
        error.message,
        format!(
            "Unable to process template language expressions for resource '{GROUP}/providers/A.B/c/two' at line '0' and column '0'. 'The language expression property 'missing' doesn't exist, available properties are 'y'.'"
        )
    );
    assert_eq!(
        error.target.as_deref(),
        Some(format!("{GROUP}/providers/A.B/c/two").as_str())
    );
}

fn deployment(name: &str, inner: bool, nested: Value, parameters: Value) -> Value {
    resource(
        "Microsoft.Resources/deployments",
        name,
        json!({ "properties": {
        "mode": "Incremental",
        "expressionEvaluationOptions": { "scope": if inner { "inner" } else { "outer" } },
        "parameters": parameters,
        "template": template(nested),
    } }),
    )
}

#[test]
fn nested_templates_have_names_of_their_own_or_those_around_them() {
    let nested = |extra: Value| {
        let mut nested = json!({
            "variables": { "who": "inner" },
            "resources": [resource("A.B/c", "[variables('who')]", json!({ "properties": {
                "deployment": "[deployment().name]",
            } }))],
        });
        for (key, value) in extra.as_object().unwrap() {
            nested[key] = value.clone();
        }
        nested
    };
    let found = expanded(json!({
        "variables": { "who": "outer" },
        "resources": [
            deployment("in", true, nested(json!({ "parameters": { "p": { "type": "string" } } })), json!({ "p": { "value": "[variables('who')]" } })),
            deployment("out", false, nested(json!({})), json!({})),
        ],
    }))
    .unwrap();
    let seen: Vec<(&str, &str, &str)> = found
        .deployments
        .iter()
        .map(|(id, nested)| {
            let resource = &nested.resources[0];
            (
                id.rsplit('/').next().unwrap(),
                resource.name.as_str(),
                resource.body["properties"]["deployment"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("in", "inner", "in"), ("out", "outer", "deployment")]
    );
    // The template is sent as it stands.
    assert_eq!(
        found.resources[0].body["properties"]["template"]["resources"][0]["name"],
        "[variables('who')]"
    );
}

#[test]
fn nested_deployments_wait_for_the_state_that_their_parameters_need() {
    let found = expanded(json!({ "resources": [
        resource("A.B/c", "one", json!({})),
        deployment(
            "later",
            true,
            json!({
                "parameters": { "p": { "type": "string" } },
                "resources": [resource("A.B/c", "[parameters('p')]", json!({}))],
                "outputs": { "o": { "type": "string", "value": "[parameters('p')]" } },
            }),
            json!({ "p": { "value": "[reference('one').name]" } }),
        ),
        resource("A.B/c", "last", json!({ "properties": { "x": "[reference('later').outputs.o.value]" } })),
    ] }))
    .unwrap();
    assert!(found.deployments.is_empty());
    let later = &found.resources[1];
    assert_eq!(later.depends_on, [format!("{GROUP}/providers/A.B/c/one")]);
    let mut store = Store(vec![
        json!({ "id": format!("{GROUP}/providers/A.B/c/one"), "properties": { "name": "made" } }),
    ]);
    let nested = later.nested.as_ref().unwrap();
    assert_eq!(
        (nested.name.as_str(), nested.mode),
        ("later", Mode::Incremental)
    );
    let inner = nested.expand(&context(), &store).unwrap();
    assert_eq!(inner.resources[0].name, "made");
    let outputs = inner.outputs.resolve(&store).unwrap();
    store
        .0
        .push(json!({ "id": later.id, "properties": { "outputs": outputs } }));
    assert_eq!(
        found.resources[2].resolve(&store).unwrap(),
        json!({ "properties": { "x": "made" } })
    );
}

#[test]
fn nested_deployments_go_where_they_are_sent() {
    let mut elsewhere = deployment(
        "d",
        true,
        json!({ "resources": [resource("A.B/c", "x", json!({}))] }),
        json!({}),
    );
    elsewhere["resourceGroup"] = json!("[concat('an', 'other')]");
    let mut subscription = deployment("s", true, json!({}), json!({}));
    subscription["subscriptionId"] = json!("other");
    subscription["location"] = json!("westeurope");
    subscription["properties"]["template"]["$schema"] = json!(
        "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
    );
    let found = expanded(json!({ "resources": [elsewhere, subscription] })).unwrap();
    let other = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/another/providers");
    assert_eq!(
        found.deployments[0].0,
        format!("{other}/Microsoft.Resources/deployments/d")
    );
    assert_eq!(
        found.deployments[0].1.resources[0].id,
        format!("{other}/A.B/c/x")
    );
    assert_eq!(
        found.deployments[1].0,
        "/subscriptions/other/providers/Microsoft.Resources/deployments/s"
    );
    let place = &found.resources[1].nested.as_ref().unwrap().place;
    assert_eq!(
        *place,
        Place::Subscription {
            subscription_id: "other".to_owned()
        }
    );
}

#[test]
fn refusals_inside_of_a_nested_template_name_its_deployment() {
    let error = refusal(json!({ "resources": [deployment("d", true, json!({
        "parameters": { "p": { "type": "string" } },
    }), json!({}))] }));
    assert_eq!(
        error.target.as_deref(),
        Some(format!("{GROUP}/providers/Microsoft.Resources/deployments/d").as_str())
    );
    assert!(
        error
            .message
            .contains("'p' at line '0' and column '0' is not provided"),
        "{error}"
    );
}

#[test]
fn links_are_answered_by_who_can_read_them() {
    let linked = resource(
        "Microsoft.Resources/deployments",
        "d",
        json!({ "properties": {
        "mode": "Incremental",
        "templateLink": { "uri": "https://templates.example/x.json" },
    } }),
    );
    let whole = template(json!({ "resources": [linked] }));
    let found = expand(&whole, &json!({}), &context()).unwrap();
    let error = found.resources[0]
        .nested
        .as_ref()
        .unwrap()
        .expand(&context(), &Nothing)
        .unwrap_err();
    assert_eq!(error.code, "InvalidContentLink");
    let read = |address: &str| {
        (address == "https://templates.example/x.json")
            .then(|| template(json!({ "resources": [resource("A.B/c", "x", json!({}))] })))
    };
    let context = Context {
        linked: Some(&read),
        ..context()
    };
    let found = expand(&whole, &json!({}), &context).unwrap();
    assert_eq!(found.deployments[0].1.resources[0].name, "x");
}

#[test]
fn parameters_come_as_a_file_or_as_a_request_has_them() {
    let whole = template(json!({
        "parameters": { "a": { "type": "string" }, "b": { "type": "secureString" }, "c": { "type": "int", "defaultValue": 3 } },
        "outputs": {
            "all": { "type": "array", "value": "[createArray(parameters('A'), parameters('b'), parameters('c'))]" },
            "hidden": { "type": "securestring", "value": "[parameters('b')]" },
            "left": { "type": "string", "condition": false, "value": "x" },
            "many": { "type": "array", "copy": { "count": 2, "input": "[copyIndex(1)]" } },
        },
    }));
    let reference = json!({ "reference": { "keyVault": { "id": "/v" }, "secretName": "s" } });
    let values = json!({ "A": { "value": "[text]" }, "b": reference, "c": { "value": null } });
    let secrets = |vault: &str, name: &str| Some(format!("{vault}-{name}"));
    let context = Context {
        secrets: Some(&secrets),
        ..context()
    };
    for parameters in [
        values.clone(),
        json!({ "$schema": "…", "contentVersion": "1.0.0.0", "parameters": values }),
    ] {
        let outputs = expand(&whole, &parameters, &context)
            .unwrap()
            .outputs
            .resolve(&Nothing)
            .unwrap();
        assert_eq!(
            outputs,
            json!({
                "all": { "type": "array", "value": ["[text]", "/v-s", 3] },
                "hidden": { "type": "securestring" },
                "many": { "type": "array", "value": [1, 2] },
            })
        );
    }
}

#[test]
fn variables_may_stand_in_any_order_and_come_from_loops() {
    let found = expanded(json!({
        "variables": {
            "third": "[concat(variables('second'), variables('names')[1])]",
            "second": "[concat(variables('first'), '-')]",
            "first": "a",
            "copy": [{ "name": "names", "count": 2, "input": "[concat(variables('first'), copyIndex('names'))]" }],
            "object": { "copy": [{ "name": "inside", "count": 2, "input": "[copyIndex('inside')]" }], "other": 1 },
            "dynamic": "[variables(concat('thi', 'rd'))]",
        },
        "outputs": { "all": { "type": "array", "value": "[createArray(variables('third'), variables('names'), variables('object'), variables('dynamic'))]" } },
    }))
    .unwrap();
    assert_eq!(
        found.outputs.resolve(&Nothing).unwrap()["all"]["value"],
        json!(["a-a1", ["a0", "a1"], { "inside": [0, 1], "other": 1 }, "a-a1"])
    );
}

#[test]
fn a_chain_of_variables_is_no_deeper_for_the_stack() {
    let variables: serde_json::Map<String, Value> = (0..250)
        .map(|n| {
            let value = match n {
                249 => json!("end"),
                n => json!(format!("[concat(variables('v{}'), '.')]", n + 1)),
            };
            (format!("v{n}"), value)
        })
        .collect();
    let found = expanded(json!({
        "variables": variables,
        "outputs": { "o": { "type": "int", "value": "[length(variables('v0'))]" } },
    }))
    .unwrap();
    assert_eq!(found.outputs.resolve(&Nothing).unwrap()["o"]["value"], 252);
}

#[test]
fn a_role_assignment_in_a_subscription() {
    let mut whole = template(json!({ "resources": [
        resource("Microsoft.Resources/resourceGroups", "g", json!({ "location": "westeurope" })),
        resource("Microsoft.Authorization/roleAssignments", "[guid('x')]", json!({})),
    ] }));
    whole["$schema"] = json!(
        "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
    );
    let context = Context {
        place: Place::Subscription {
            subscription_id: "s".to_owned(),
        },
        ..context()
    };
    let found = expand(&whole, &json!({}), &context).unwrap();
    assert_eq!(found.resources[0].id, "/subscriptions/s/resourceGroups/g");
    assert!(
        found.resources[1]
            .id
            .starts_with("/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/")
    );
}

#[test]
fn members_are_read_without_case_as_the_service_reads_them() {
    let found = expanded(json!({ "resources": [{
        "Type": "A.B/c", "APIVersion": "1", "NAME": "x", "Properties": { "Kept": 1 },
    }] }))
    .unwrap();
    assert_eq!(found.resources[0].id, format!("{GROUP}/providers/A.B/c/x"));
    assert_eq!(
        found.resources[0].body,
        json!({ "Properties": { "Kept": 1 } })
    );
}

#[test]
fn what_was_expanded_can_be_handed_to_other_threads() {
    fn handed<T: Send + Sync>() {}
    handed::<arm_template::Expanded>();
    handed::<arm_template::ArmError>();
}

#[test]
fn nested_deployments_can_be_run_as_one_list() {
    let inner = json!({ "resources": [
        resource("A.B/c", "in1", json!({})),
        resource("A.B/c", "in2", json!({ "dependsOn": ["in1"] })),
    ] });
    let mut nested = deployment("d", true, inner, json!({}));
    nested["dependsOn"] = json!(["first"]);
    let found = expanded(json!({ "resources": [
        resource("A.B/c", "last", json!({ "dependsOn": ["d"] })),
        nested,
        resource("A.B/c", "first", json!({})),
    ] }))
    .unwrap();
    let last = |id: &str| id.rsplit('/').next().unwrap().to_owned();
    let flat: Vec<(String, Vec<String>)> = found
        .flattened()
        .iter()
        .map(|flat| {
            let before = flat.depends_on.iter().map(|id| last(id)).collect();
            (last(&flat.resource.id), before)
        })
        .collect();
    assert_eq!(
        flat,
        pairs(&[
            ("last", &["d"]),
            ("in1", &["first"]),
            ("in2", &["first", "in1"]),
            ("d", &["first", "in1", "in2"]),
            ("first", &[]),
        ])
    );
}
