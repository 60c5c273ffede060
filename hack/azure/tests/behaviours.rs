//! Each behaviour by a request that it refuses or changes: seen when it is on, and not when
//! it is off. The table is printed, and the README has it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]

mod support;

use serde_json::{Value, json};
use simulated_azure::access::Access;
use simulated_azure::answer::Answer;
use simulated_azure::behaviours::{Behaviours, Row};
use std::sync::Arc;
use support::{Sim, VERSION, openapi, refused, refuses};

const POLICY: &str = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";

fn policy(sim: &Sim, target: &str, value: &str) -> Answer {
    sim.put(target, json!({"format": "rawxml", "value": value}))
}

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

/// Whether the behaviour is seen. One arm for each row: a new row does not compile without.
fn seen(row: Row, off: Option<Row>) -> bool {
    let sim = Sim::new(off);
    match row {
        Row::TokenRequired => refused(&sim.send("GET", "apis", &Value::Null, &[("authorization", "")]), 401, "AuthenticationFailed"),
        Row::TokenExpires => {
            let sim = Sim::with(off, Access { token_lifetime: Some(-10), ..access() });
            let token = token(&sim, "https://management.azure.com/.default");
            refused(&sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]), 401, "ExpiredAuthenticationToken")
        }
        Row::TokenAudience => {
            let sim = Sim::with(off, access());
            let token = token(&sim, "https://graph.microsoft.com/.default");
            refused(&sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]), 401, "InvalidAuthenticationTokenAudience")
        }
        Row::RolesEnforced => {
            let sim = Sim::with(off, access());
            let token = token(&sim, "https://management.azure.com/.default");
            let reads = sim.send("GET", "apis", &Value::Null, &[("authorization", &token)]);
            assert_eq!(reads.status, 200);
            let tag = json!({"properties": {"displayName": "t"}});
            refused(&sim.send("PUT", "tags/t", &tag, &[("authorization", &token)]), 403, "AuthorizationFailed")
        }
        Row::ApiVersionRequired => refused(&sim.get("apis?api-version="), 400, "MissingApiVersionParameter"),
        Row::ApiVersionKnown => refused(&sim.get("apis?api-version=2024-05-02"), 400, "NoRegisteredProviderFound"),
        Row::JsonRequired => refused(&sim.send("PUT", "tags/t", &Value::String("{".into()), &[]), 400, "InvalidRequestContent"),
        Row::RequestSize => {
            let tag = json!({"properties": {"displayName": "t", "x": " ".repeat(4 * 1024 * 1024)}});
            refused(&sim.send("PUT", "tags/t", &tag, &[]), 413, "RequestContentTooLarge")
        }
        Row::GroupExists => {
            let other = sim.world.service().replace("/resourceGroups/simulated/", "/resourceGroups/other/");
            refused(&sim.get(&format!("{other}/apis")), 404, "ResourceGroupNotFound")
        }
        Row::ServiceExists => {
            let other = sim.world.service().replace("/service/simulated", "/service/other");
            sim.get(&format!("{other}/apis")).status == 404
        }
        Row::LongRunning => {
            let answer = sim.put("apis/a", json!({"displayName": "a", "path": "a"}));
            answer.headers.iter().any(|(name, _)| *name == "azure-asyncoperation")
        }
        Row::LockHeld => refused(&while_held(off, "products/p", "products/p/groups/developers"), 409, "PessimisticConcurrencyConflict"),
        Row::LockSpansLinks => refused(&while_held(off, "apis/a", "products/p/apis/a"), 409, "PessimisticConcurrencyConflict"),
        Row::EtagCompared => {
            sim.made("tags/t", json!({"displayName": "t"}));
            let body = json!({"properties": {"displayName": "u"}});
            refused(&sim.send("PUT", "tags/t", &body, &[("if-match", "\"AAAAAAAAAAA=\"")]), 412, "PreconditionFailed")
        }
        Row::EtagRequired => {
            sim.made("tags/t", json!({"displayName": "t"}));
            sim.send("DELETE", "tags/t", &Value::Null, &[]).status == 400
        }
        Row::HeadEtag => sim.send("HEAD", "groups/developers", &Value::Null, &[]).headers.iter().any(|(name, _)| *name == "etag"),
        Row::CreatedOnce => {
            let first = sim.put("tags/t", json!({"displayName": "t"})).status;
            (first, sim.put("tags/t", json!({"displayName": "t"})).status) == (201, 200)
        }
        Row::NamesChecked => refuses(&sim.put("policyFragments/a b", json!({"value": "<fragment />"})), "id"),
        Row::RequiredProperties => refuses(&sim.put("tags/t", json!({})), "displayName"),
        Row::LengthsChecked => refuses(&sim.put("namedValues/n", json!({"displayName": "with space", "value": "v"})), "displayName"),
        Row::TypesChecked => refuses(&sim.put("tags/t", json!({"displayName": ["t"]})), "displayName"),
        Row::EnumsChecked => refuses(&sim.put("backends/b", json!({"url": "https://b", "protocol": "ftp"})), "protocol"),
        Row::ReadOnlyIgnored => {
            sim.made("loggers/l", json!({"loggerType": "azureMonitor"}));
            sim.made("apis/a", json!({"displayName": "a", "path": "a", "isOnline": false}));
            sim.get("apis/a").body.unwrap()["properties"]["isOnline"] == true
        }
        Row::UnknownIgnored => {
            sim.made("tags/t", json!({"displayName": "t", "colour": "red"}));
            sim.get("tags/t").body.unwrap()["properties"]["colour"].is_null()
        }
        Row::CaseIgnored => {
            sim.made("tags/Mine", json!({"displayName": "t"}));
            let answer = sim.get("tags/MINE");
            answer.status == 200 && answer.body.unwrap()["name"] == "Mine"
        }
        Row::ParentExists => refused(&policy(&sim, "products/none/policies/policy", POLICY), 404, "ResourceNotFound"),
        Row::OperationPolicyParent => {
            sim.api("a");
            refused(&policy(&sim, "apis/a/operations/none/policies/policy", POLICY), 400, "ValidationError")
        }
        Row::LinkTargetExists => {
            sim.made("products/p", json!({"displayName": "p"}));
            refused(&sim.send("PUT", "products/p/apis/none", &Value::Null, &[]), 404, "ResourceNotFound")
        }
        Row::ReferenceExists => refuses(&sim.put("diagnostics/applicationinsights", json!({"loggerId": "/loggers/none"})), "loggerId"),
        Row::Paging => {
            for n in 0..101 {
                sim.made(&format!("tags/t{n:03}"), json!({"displayName": format!("t{n}")}));
            }
            let page = sim.get("tags").body.unwrap();
            let Some(link) = page["nextLink"].as_str() else { return false };
            let rest = sim.get(link.strip_prefix(&sim.origin).unwrap()).body.unwrap();
            assert_eq!(page["count"], 101);
            page["value"].as_array().unwrap().len() == 100 && rest["value"].as_array().unwrap().len() == 1
        }
        Row::Filtering => {
            sim.made("tags/t", json!({"displayName": "t"}));
            sim.made("tags/u", json!({"displayName": "u"}));
            sim.names("tags?$filter=displayName eq 'u' or contains(name, 'zz')") == ["u"]
        }
        Row::PathUnique => {
            sim.api("a");
            refuses(&sim.put("apis/b", json!({"displayName": "b", "path": "a"})), "path")
        }
        Row::VersionUnique => {
            sim.made("apiVersionSets/s", json!({"displayName": "s", "versioningScheme": "Segment"}));
            let set = format!("{}/apiVersionSets/s", sim.world.service());
            sim.made("apis/a", json!({"displayName": "a", "path": "a", "apiVersion": "v1", "apiVersionSetId": set}));
            sim.made("apis/b", json!({"displayName": "b", "path": "a", "apiVersion": "v2", "apiVersionSetId": set}));
            refuses(&sim.put("apis/c", json!({"displayName": "c", "path": "a", "apiVersion": "v1", "apiVersionSetId": set})), "apiVersion")
        }
        Row::ImportOperations => {
            sim.import("a", path("one"));
            sim.names("apis/a/operations") == ["one"]
        }
        Row::ImportRemoves => {
            sim.import("a", json!({"/x": {"get": {"operationId": "stays"}, "post": {"operationId": "goes"}}}));
            assert_eq!(policy(&sim, "apis/a/operations/stays/policies/policy", POLICY).status, 201);
            sim.import("a", json!({"/x": {"get": {"operationId": "stays"}}}));
            assert_eq!(sim.get("apis/a/operations/stays/policies/policy").status, 200);
            sim.names("apis/a/operations") == ["stays"]
        }
        Row::OperationNames => {
            sim.import("a", path("Create_Response"));
            sim.names("apis/a/operations") == ["Create_Response"]
        }
        Row::GeneratedNames => {
            sim.import("a", json!({"/foo/{bar}": {"get": {}}}));
            sim.names("apis/a/operations") == ["get-foo-bar"]
        }
        Row::RequiredQuery => {
            sim.import("a", json!({"/x": {"get": {"operationId": "o", "parameters": [{"name": "q", "in": "query", "required": true}]}}}));
            sim.get("apis/a/operations/o").body.unwrap()["properties"]["urlTemplate"] == "/x?q={q}"
        }
        Row::GetBody => {
            sim.import("a", json!({"/x": {"get": {"operationId": "o", "requestBody": {"content": {"text/plain": {}}}}}}));
            sim.get("apis/a/operations/o").body.unwrap()["properties"]["request"].is_null()
        }
        Row::ImportBroken => refuses(&sim.put("apis/a", json!({"path": "a", "format": "openapi", "value": "no: definition"})), "representation"),
        Row::ExternalReferences => {
            let operation = json!({"/x": {"get": {"operationId": "o", "responses": {"default": {"$ref": "common.yaml#/Problem"}}}}});
            refuses(&sim.import("a", operation), "representation")
        }
        Row::ImportSize => {
            // Escapes make the request smaller than what it holds only without this limit.
            let sim = Sim::new(off);
            let mut request = sim.request("PUT", "apis/a", &Value::Null, &[]);
            let text = format!("{}{}", openapi(path("one")), " ".repeat(4 * 1024 * 1024));
            request.bytes = json!({"properties": {"path": "a", "format": "openapi+json", "value": text}}).to_string().into_bytes();
            let behaviours = Sim::new(Some(Row::RequestSize));
            let sim = if off.is_some() { import_without_limits() } else { behaviours };
            refuses(&sim.ask(request, None), "representation")
        }
        Row::WsdlNames => {
            let wsdl = r#"<definitions><portType><operation name="Add"/></portType></definitions>"#;
            let body = json!({"path": "a", "displayName": "a", "format": "wsdl", "value": wsdl, "apiType": "soap"});
            sim.made("apis/a", body.clone());
            let first = sim.names("apis/a/operations");
            sim.made("apis/a", body);
            first.len() == 1 && first != sim.names("apis/a/operations")
        }
        Row::Exports => {
            sim.import("a", path("one"));
            sim.made("apis/a/operations/two", json!({"displayName": "two", "method": "GET", "urlTemplate": "/two"}));
            let link = sim.get("apis/a?export=true&format=openapi%2Bjson-link").body.unwrap()["value"]["link"].clone();
            let exported = sim.get(link.as_str().unwrap().strip_prefix(&sim.origin).unwrap()).body.unwrap();
            exported["paths"]["/two"]["get"]["operationId"] == "two" && exported["paths"]["/x"]["get"]["operationId"] == "one"
        }
        Row::TypeReadOnly => {
            sim.made("apis/a", json!({"displayName": "a", "path": "a", "type": "soap"}));
            sim.made("apis/b", json!({"displayName": "b", "path": "b", "apiType": "soap"}));
            assert_eq!(sim.get("apis/b").body.unwrap()["properties"]["type"], "soap");
            sim.get("apis/a").body.unwrap()["properties"]["type"] == "http"
        }
        Row::TemplateParameters => {
            sim.api("a");
            refuses(&sim.put("apis/a/operations/o", json!({"displayName": "o", "method": "GET", "urlTemplate": "/x/{id}"})), "templateParameters")
        }
        Row::RevisionCopies => {
            sim.import("a", path("one"));
            sim.made("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a"}));
            sim.names("apis/a;rev=2/operations") == ["one"]
        }
        Row::RevisionFixed => {
            sim.api("a");
            sim.made("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a"}));
            refuses(&sim.put("apis/a;rev=2", json!({"path": "a", "displayName": "other"})), "displayName")
        }
        Row::RevisionMakesApi => {
            sim.put("apis/a;rev=2", json!({"path": "a", "displayName": "a"}));
            let api = sim.get("apis/a");
            api.status == 200 && api.body.unwrap()["properties"]["apiRevision"] == "2"
        }
        Row::RootRevision => {
            sim.api("a");
            refuses(&sim.put("apis/a", json!({"path": "a", "displayName": "a", "apiRevision": "2", "isCurrent": true})), "isCurrent")
        }
        Row::ReleaseMoves => {
            sim.import("a", path("one"));
            sim.made("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a", "format": "openapi+json", "value": openapi(path("two"))}));
            sim.made("apis/a/releases/r", json!({"apiId": format!("{}/apis/a;rev=2", sim.world.service())}));
            let current = sim.get("apis/a").body.unwrap()["properties"]["apiRevision"] == "2";
            current && sim.names("apis/a/operations") == ["two"] && sim.names("apis/a;rev=1/operations") == ["one"] && sim.get("apis/a/releases/r").status == 200
        }
        Row::ReleaseTarget => {
            sim.api("a");
            sim.api("b");
            refuses(&sim.put("apis/a/releases/r", json!({"apiId": "/apis/b"})), "apiId")
        }
        Row::ApiInUse => {
            sim.api("a");
            sim.made("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a"}));
            let refused = refused(&sim.delete("apis/a"), 400, "ValidationError");
            refused && sim.delete("apis/a?deleteRevisions=true").status < 300 && sim.get("apis/a;rev=2").status == 404
        }
        Row::ProductDefaults => {
            sim.made("products/p", json!({"displayName": "p"}));
            sim.names("products/p/groups") == ["administrators"] && sim.names("products/p/subscriptions").len() == 1
        }
        Row::ProductInUse => {
            sim.made("products/p", json!({"displayName": "p"}));
            let refused = refused(&sim.delete("products/p"), 400, "ValidationError");
            refused && sim.delete("products/p?deleteSubscriptions=true").status == 200
        }
        Row::ProductApproval => refuses(&sim.put("products/p", json!({"displayName": "p", "subscriptionRequired": false, "approvalRequired": true})), "approvalRequired"),
        Row::SystemGroups => {
            let changed = sim.put("groups/developers", json!({"displayName": "Developers", "description": "Ours"}));
            refused(&changed, 405, "MethodNotAllowed") && refused(&sim.delete("groups/guests"), 405, "MethodNotAllowed")
        }
        Row::ManagedGateway => {
            sim.api("a");
            let linked = sim.send("PUT", "gateways/managed/apis/a", &Value::Null, &[]).status == 201;
            let location = json!({"locationData": {"name": "x"}});
            linked && sim.names("gateways/managed/apis") == ["a"] && refused(&sim.put("gateways/managed", location), 405, "MethodNotAllowed")
        }
        Row::MasterSubscription => refuses(&sim.put("subscriptions/master", json!({"displayName": "m", "scope": "/apis"})), "sid"),
        Row::SecretsHidden => {
            sim.made("namedValues/n", json!({"displayName": "n", "value": "v", "secret": true}));
            assert_eq!(sim.send("POST", "namedValues/n/listValue", &Value::Null, &[]).body.unwrap()["value"], "v");
            sim.get("namedValues/n").body.unwrap()["properties"]["value"].is_null()
        }
        Row::LoggerSecrets => {
            sim.made("loggers/l", json!({"loggerType": "applicationInsights", "credentials": {"instrumentationKey": "key"}}));
            let shown = sim.get("loggers/l").body.unwrap()["properties"]["credentials"]["instrumentationKey"].clone();
            shown.as_str().unwrap().starts_with("{{Logger-Credentials--")
        }
        Row::NamedValueNeedsValue => refuses(&sim.put("namedValues/n", json!({"displayName": "n", "secret": true})), "value"),
        Row::ValueAndVault => {
            let vault = json!({"secretIdentifier": "https://v.vault.azure.net/secrets/s"});
            refuses(&sim.put("namedValues/n", json!({"displayName": "n", "value": "v", "keyVault": vault})), "value")
        }
        Row::NamedValueUnique => {
            sim.made("namedValues/n", json!({"displayName": "n", "value": "v"}));
            refuses(&sim.put("namedValues/m", json!({"displayName": "N", "value": "v"})), "displayName")
        }
        Row::TagUnique => {
            sim.made("tags/t", json!({"displayName": "t"}));
            refuses(&sim.put("tags/u", json!({"displayName": "T"})), "displayName")
        }
        Row::PolicyWellFormed => refuses(&policy(&sim, "policies/policy", "<policies><inbound></policies>"), "representation"),
        Row::PolicyXmlFormat => {
            let value = r#"<policies><inbound><set-variable name="v" value="@(1 < 2 && "a" == "b")" /></inbound></policies>"#;
            assert_eq!(policy(&sim, "policies/policy", value).status, 200);
            refuses(&sim.put("policies/policy", json!({"format": "xml", "value": value})), "representation")
        }
        Row::PolicySections => refuses(&policy(&sim, "policies/policy", "<policies><inbound /><inbound /></policies>"), "representation"),
        Row::PolicyReferences => {
            let value = r#"<policies><inbound><include-fragment fragment-id="none" /></inbound></policies>"#;
            refuses(&policy(&sim, "policies/policy", value), "representation")
        }
        Row::PolicyStored => {
            let value = "<policies>\n<inbound><set-variable name=\"v\" value=\"@(1 < 2)\" /></inbound>\n</policies>";
            policy(&sim, "policies/policy", value);
            let xml = sim.get("policies/policy").body.unwrap()["properties"].clone();
            let raw = sim.get("policies/policy?format=rawxml").body.unwrap()["properties"]["value"].clone();
            xml["format"] == "xml" && xml["value"].as_str().unwrap().contains("@(1 &lt; 2)") && raw == value.replace('\n', "\r\n")
        }
        Row::PolicySize => {
            let value = format!("<policies><!--{}--></policies>", " ".repeat(256 * 1024));
            refuses(&policy(&sim, "policies/policy", &value), "representation")
        }
        Row::FragmentInUse => {
            sim.made("policyFragments/f", json!({"value": "<fragment />"}));
            policy(&sim, "policies/policy", r#"<policies><inbound><include-fragment fragment-id="f" /></inbound></policies>"#);
            refused(&sim.delete("policyFragments/f"), 400, "ValidationError")
        }
        Row::NamedValueInUse => {
            sim.made("namedValues/n", json!({"displayName": "shown", "value": "v"}));
            policy(&sim, "policies/policy", r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#);
            refused(&sim.delete("namedValues/n"), 400, "ValidationError")
        }
        Row::BackendInUse => {
            sim.made("backends/b", json!({"url": "https://b", "protocol": "http"}));
            policy(&sim, "policies/policy", r#"<policies><inbound><set-backend-service backend-id="b" /></inbound></policies>"#);
            refused(&sim.delete("backends/b"), 400, "ValidationError")
        }
        Row::LinkUnique => {
            sim.api("a");
            sim.made("products/p", json!({"displayName": "p"}));
            let api = format!("{}/apis/a", sim.world.service());
            sim.made("products/p/apiLinks/one", json!({"apiId": api}));
            refused(&sim.put("products/p/apiLinks/two", json!({"apiId": api})), 409, "Conflict")
        }
        Row::ResolverSchema => {
            sim.api("a");
            refuses(&sim.put("apis/a/resolvers/r", json!({"displayName": "r", "path": "Query/x"})), "path")
        }
        Row::SubscriptionScope => refuses(&sim.put("subscriptions/s", json!({"displayName": "s", "scope": "/products/none"})), "scope"),
        Row::WebsocketUrl => refuses(&sim.put("apis/a", json!({"displayName": "a", "path": "a", "type": "websocket", "serviceUrl": "https://a"})), "serviceUrl"),
        Row::PoolMembers => {
            sim.made("backends/one", json!({"url": "https://one", "protocol": "http"}));
            let pool = json!({"services": [{"id": "/backends/one"}]});
            let made = sim.put("backends/b", json!({"type": "Pool", "pool": pool})).status == 201;
            made && refuses(&sim.put("backends/c", json!({"type": "Pool", "pool": pool, "url": "https://c", "protocol": "http"})), "url")
        }
        Row::VersionSetNames => refuses(&sim.put("apiVersionSets/s", json!({"displayName": "s", "versioningScheme": "Header"})), "versionHeaderName"),
        Row::DeploymentLimits => {
            let resource = json!({"type": "Microsoft.ApiManagement/service/tags", "apiVersion": VERSION, "name": "simulated/t",
                "properties": {"displayName": "t", "x": " ".repeat(1024 * 1024)}});
            deploy(&sim, json!([resource])).status == 400
        }
        Row::DeploymentOrder => {
            // In the order of names the policy is first; it needs the named value.
            let value = r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#;
            let of = |kind: &str, name: &str, properties: Value, needs: Value| {
                json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": VERSION, "name": format!("simulated/{name}"),
                       "properties": properties, "dependsOn": needs})
            };
            let id = |kind: &str, name: &str| format!("[resourceId('Microsoft.ApiManagement/service/{kind}', 'simulated', '{name}')]");
            deploy(&sim, json!([
                of("products/policies", "p/policy", json!({"format": "rawxml", "value": value}), json!([id("products", "p"), id("namedValues", "n")])),
                of("products", "p", json!({"displayName": "p"}), json!([id("namedValues", "n")])),
                of("namedValues", "n", json!({"displayName": "shown", "value": "v"}), json!([])),
            ]));
            let ended = sim.get(&format!("{}/providers/Microsoft.Resources/deployments/d?api-version=2021-04-01", sim.world.group().replace("resourceGroups", "resourcegroups")));
            ended.body.unwrap()["properties"]["provisioningState"] == "Succeeded"
        }
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

/// Deploys and waits for the end.
fn deploy(sim: &Sim, resources: Value) -> Answer {
    let template = json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": resources});
    let group = sim
        .world
        .group()
        .replace("resourceGroups", "resourcegroups");
    let target =
        format!("{group}/providers/Microsoft.Resources/deployments/d?api-version=2021-04-01");
    let answer = sim.send(
        "PUT",
        &target,
        &json!({"properties": {"mode": "Incremental", "template": template}}),
        &[],
    );
    let link = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "azure-asyncoperation")
        .map(|(_, link)| link.strip_prefix(&sim.origin).unwrap().to_owned());
    while let Some(link) = &link {
        if sim.get(link).body.unwrap()["status"] != "InProgress" {
            break;
        }
    }
    answer
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
