//! Templates with one planted fault each, and what the service says to each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    reason = "bodies are written where they are sent, and faults are one expression each"
)]

mod support;

use serde_json::{Map, Value, json};
use support::{Asked, Sim, openapi, resource, template};

const POLICY: &str = "<policies><inbound><base /></inbound></policies>";

/// Deploys; the deployment as it ended, or the refusal.
fn deploy(template: &Value) -> Value {
    let sim = Sim::new(None);
    let target = format!("{}?api-version=2021-04-01", sim.resources("deployments/d"));
    let body = json!({"properties": {"mode": "Incremental", "template": template}});
    let answer = sim.done("PUT", &target, &body);
    match answer.status {
        300.. => answer.body.unwrap(),
        _ => sim.get(&target).body.unwrap()["properties"].clone(),
    }
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

/// Changes the good resources, and members of the template.
type Plant = fn(&mut Vec<Value>, &mut Map<String, Value>);

/// A named value that `good` does not have.
fn named_value(name: &str, display: &str) -> Value {
    resource(
        "namedValues",
        name,
        json!({"displayName": display, "value": "v"}),
        &[],
    )
}

/// The policy of the API.
fn with_policy(resources: &mut [Value], value: &str) {
    resources[3]["properties"]["value"] = json!(value);
}

/// Faults, and a word of what Azure says to each.
const FAULTS: [(&str, Plant, &str); 53] = [
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
    (
        "a resource twice, in another case",
        |r, _| {
            let mut again = r[4].clone();
            again["name"] = json!("simulated/P");
            r.push(again);
        },
        "multiple times",
    ),
    (
        "two named values of one display name",
        |r, _| {
            r.push(resource(
                "namedValues",
                "m",
                json!({"displayName": "SHOWN", "value": "v"}),
                &["namedValues/n"],
            ))
        },
        "Property with the same name already exist.",
    ),
    (
        "two tags of one display name",
        |r, _| {
            r.push(resource("tags", "t", json!({"displayName": "Blue"}), &[]));
            r.push(resource(
                "tags",
                "u",
                json!({"displayName": "blue"}),
                &["tags/t"],
            ));
        },
        "Tag with the same name already exists.",
    ),
    (
        "a pool with a url",
        |r, _| {
            r.push(resource(
                "backends",
                "one",
                json!({"url": "https://one", "protocol": "http"}),
                &[],
            ));
            let pool = json!({"type": "Pool", "url": "https://x", "protocol": "http", "pool": {"services": [{"id": "/backends/one"}]}});
            r.push(resource("backends", "all", pool, &["backends/one"]));
        },
        "Url is not supported for backend pool.",
    ),
    (
        "a backend that is not there",
        |r, _| {
            with_policy(
                r,
                r#"<policies><inbound><set-backend-service backend-id="b" /></inbound></policies>"#,
            )
        },
        "Backend with id 'b' could not be found",
    ),
    (
        "a name with a space",
        |r, _| {
            r.push(resource(
                "tags",
                "Internal Payroll",
                json!({"displayName": "t"}),
                &[],
            ))
        },
        "Invalid identifier Internal Payroll specified.",
    ),
    (
        "a new revision that says it is current",
        |r, _| {
            r.push(resource(
                "apis",
                "a;rev=2",
                json!({"path": "a", "sourceApiId": "/apis/a", "isCurrent": true}),
                &["products/p/apis/a"],
            ))
        },
        "Can't set new revision as current.",
    ),
    (
        "a revision with a name of its own",
        |r, _| {
            r.push(resource(
                "apis",
                "a;rev=2",
                json!({"path": "a", "displayName": "other", "sourceApiId": "/apis/a"}),
                &["products/p/apis/a"],
            ))
        },
        "Can't change property Name for non-current revision",
    ),
    (
        "a child of an API that is not there",
        |r, _| {
            r.push(resource(
                "apis/schemas",
                "none/s",
                json!({"contentType": "application/json", "document": {"value": "{}"}}),
                &[],
            ))
        },
        "Api not found.",
    ),
    (
        "a link to a tag that is not there",
        |r, _| {
            let mut link = resource("apis/tags", "a/none", Value::Null, &["products/p/apis/a"]);
            link.as_object_mut().unwrap().remove("properties");
            r.push(link);
        },
        "Tag not found.",
    ),
    (
        "a second link to one API",
        |r, _| {
            r.push(resource(
                "products/apiLinks",
                "p/one",
                json!({"apiId": "/apis/a"}),
                &["products/p/apis/a"],
            ));
            r.push(resource(
                "products/apiLinks",
                "p/two",
                json!({"apiId": "/apis/a"}),
                &["products/p/apiLinks/one"],
            ));
        },
        "Link already exists between specified Product and Api.",
    ),
    (
        "a WebSocket API over https",
        |r, _| {
            r.push(resource("apis", "w", json!({"path": "w", "displayName": "w", "type": "websocket", "serviceUrl": "https://w"}), &[]))
        },
        "serviceUrl",
    ),
    (
        "a version set by header without its name",
        |r, _| {
            r.push(resource(
                "apiVersionSets",
                "s",
                json!({"displayName": "s", "versioningScheme": "Header"}),
                &[],
            ))
        },
        "versionHeaderName",
    ),
    (
        "a resolver without a schema",
        |r, _| {
            r.push(resource(
                "apis/resolvers",
                "a/r",
                json!({"displayName": "r", "path": "Query/x"}),
                &["products/p/apis/a"],
            ))
        },
        "GraphQL schema",
    ),
    (
        "a WSDL with two endpoints",
        |r, _| {
            let port = |n: u8| {
                format!(
                    r#"<w:port name="P{n}" binding="B"><soap:address location="https://{n}"/></w:port>"#
                )
            };
            let wsdl = format!(
                r#"<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"><w:binding name="B" type="T"/><w:service name="S">{}{}</w:service></w:definitions>"#,
                port(1),
                port(2)
            );
            r[1]["properties"] = json!({"path": "a", "displayName": "a", "apiType": "soap", "format": "wsdl", "value": wsdl});
            r.truncate(2);
        },
        "Multiple service endpoints available, only one can be imported at a time",
    ),
    (
        "a section of a policy twice",
        |r, _| with_policy(r, "<policies><inbound /><inbound /></policies>"),
        "Error in element 'inbound'",
    ),
    (
        "a subscription to a product that is not there",
        |r, _| {
            r.push(resource(
                "subscriptions",
                "s",
                json!({"displayName": "s", "scope": "/products/none"}),
                &[],
            ))
        },
        "Scope should be one of",
    ),
    (
        "a parameter of a URL template that is not declared",
        |r, _| {
            r.push(resource(
                "apis/operations",
                "a/o",
                json!({"displayName": "o", "method": "GET", "urlTemplate": "/o/{id}"}),
                &["products/p/apis/a"],
            ))
        },
        "templateParameters",
    ),
    (
        "a value that is none of the enumeration",
        |r, _| r[4]["properties"]["state"] = json!("hidden"),
        "Error converting value",
    ),
    (
        "a text where a boolean is wanted",
        |r, _| r[4]["properties"]["subscriptionRequired"] = json!("maybe"),
        "Error converting value",
    ),
    (
        "a diagnostic of a logger that is not there",
        |r, _| {
            r.push(resource(
                "apis/diagnostics",
                "a/applicationinsights",
                json!({"loggerId": "/loggers/none"}),
                &["products/p/apis/a"],
            ))
        },
        "Logger with id",
    ),
    (
        "a type that came with a later api-version",
        |r, _| {
            let mut link = resource(
                "products/apiLinks",
                "p/one",
                json!({"apiId": "/apis/a"}),
                &["products/p/apis/a"],
            );
            link["apiVersion"] = json!("2022-08-01");
            r.push(link);
        },
        "NoRegisteredProviderFound",
    ),
    (
        "an output of what is not there",
        |_, t| {
            let value = "[reference(resourceId('Microsoft.ApiManagement/service/tags', 'simulated', 'none'), '2024-05-01').displayName]";
            drop(t.insert(
                "outputs".into(),
                json!({"o": {"type": "string", "value": value}}),
            ));
        },
        "ResourceNotFound",
    ),
    (
        "801 resources",
        |r, _| r.extend((0..796).map(|n| named_value(&format!("n{n}"), &format!("d{n}")))),
        "800",
    ),
    (
        "a name that lacks a segment",
        |r, _| r[4]["name"] = json!("p"),
        "segment",
    ),
    (
        "a parameter of another type",
        |_, t| {
            drop(t.insert(
                "parameters".into(),
                json!({"p": {"type": "int", "defaultValue": "one"}}),
            ))
        },
        "InvalidTemplate",
    ),
    (
        "a value that the template does not allow",
        |_, t| {
            drop(t.insert(
                "parameters".into(),
                json!({"p": {"type": "string", "allowedValues": ["a"], "defaultValue": "b"}}),
            ))
        },
        "allow",
    ),
];

#[test]
fn planted_faults_fail_with_azures_words() {
    let ended = deploy(&template(json!(good())));
    assert_eq!(ended["provisioningState"], "Succeeded", "{ended}");
    let mut wrong = Vec::new();
    for (name, plant, word) in FAULTS {
        let mut resources = good();
        let mut more = Map::new();
        plant(&mut resources, &mut more);
        let mut whole = template(json!(resources));
        whole.as_object_mut().unwrap().extend(more);
        let ended = deploy(&whole);
        println!("{name}: {}", ended["error"]);
        if ended["error"].is_null() || !ended["error"].to_string().contains(word) {
            wrong.push((name, ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
