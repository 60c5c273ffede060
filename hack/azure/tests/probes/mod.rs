//! Probes of behaviours that ask nothing but a service of API Management: the simulation,
//! or a real one (`live.rs`). Each leaves what it makes to be removed by who runs it.
#![allow(clippy::too_many_lines, reason = "one arm for each row")]
#![allow(
    clippy::redundant_pub_crate,
    reason = "two lints ask for opposite things"
)]

use super::support::{Asked, openapi, refused, refuses};
use serde_json::{Value, json};
use simulated_azure::answer::Answer;
use simulated_azure::behaviours::Row;

const POLICY: &str = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";

fn policy(sim: &dyn Asked, target: &str, value: &str) -> Answer {
    sim.put(target, json!({"format": "rawxml", "value": value}))
}

/// The id of the service with another name at a segment: 3 is its group, 7 its own.
fn elsewhere(sim: &dyn Asked, at: usize) -> String {
    let service = sim.service();
    let mut segments: Vec<&str> = service.trim_start_matches('/').split('/').collect();
    segments[at] = "other";
    format!("/{}", segments.join("/"))
}

fn path(operation: &str) -> Value {
    json!({"/x": {"get": {"operationId": operation, "responses": {"200": {"description": "ok"}}}}})
}

/// A WSDL of one operation with some SOAP endpoints.
fn wsdl(more: &str, ports: usize) -> String {
    let ports: String = (1..=ports)
        .map(|n| format!(r#"<wsdl:port name="Port{n}" binding="tns:Soap"><soap:address location="https://contoso.example/{n}"/></wsdl:port>"#))
        .collect();
    format!(
        r#"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:c" targetNamespace="urn:c">{more}
<wsdl:types><xs:schema targetNamespace="urn:c"><xs:element name="Add" type="xs:int"/></xs:schema></wsdl:types>
<wsdl:message name="AddIn"><wsdl:part name="parameters" element="tns:Add"/></wsdl:message>
<wsdl:portType name="Calculator"><wsdl:operation name="Add"><wsdl:input message="tns:AddIn"/></wsdl:operation></wsdl:portType>
<wsdl:binding name="Soap" type="tns:Calculator"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/><wsdl:operation name="Add"><soap:operation soapAction="urn:c/Add" style="document"/></wsdl:operation></wsdl:binding>
<wsdl:service name="Calculator">{ports}</wsdl:service></wsdl:definitions>"#
    )
}

/// Whether the behaviour is seen; none where that needs tokens, faults or templates. One arm
/// for each row: a new row does not compile without.
pub(crate) fn seen(row: Row, sim: &dyn Asked) -> Option<bool> {
    Some(match row {
        Row::TokenRequired => refused(&sim.send("GET", "apis", &Value::Null, &[("authorization", "")]), 401, "AuthenticationFailed"),
        Row::ApiVersionRequired => refused(&sim.get("apis?api-version="), 400, "MissingApiVersionParameter"),
        Row::ApiVersionKnown => {
            // Workspaces came with a later one.
            let older = refused(&sim.get("workspaces?api-version=2022-08-01"), 400, "NoRegisteredProviderFound");
            older && refused(&sim.get("apis?api-version=2024-05-02"), 400, "NoRegisteredProviderFound")
        }
        Row::JsonRequired => refused(&sim.send("PUT", "tags/t", &Value::String("{".into()), &[]), 400, "InvalidRequestContent"),
        Row::RequestSize => {
            let tag = json!({"properties": {"displayName": "t", "x": " ".repeat(4 * 1024 * 1024)}});
            refused(&sim.send("PUT", "tags/t", &tag, &[]), 413, "RequestContentTooLarge")
        }
        Row::GroupExists => {
            let other = elsewhere(sim, 3);
            refused(&sim.get(&format!("{other}/apis")), 404, "ResourceGroupNotFound")
        }
        Row::ServiceExists => {
            let other = elsewhere(sim, 7);
            sim.get(&format!("{other}/apis")).status == 404
        }
        Row::LongRunning => {
            let answer = sim.put("apis/a", json!({"displayName": "a", "path": "a"}));
            answer.headers.iter().any(|(name, _)| *name == "azure-asyncoperation")
        }
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
        Row::Identifiers => {
            let answer = sim.put("tags/Internal Payroll", json!({"displayName": "t"}));
            refused(&answer, 400, "ValidationError") && answer.body.unwrap()["error"]["message"].as_str().unwrap().starts_with("Invalid identifier")
        }
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
        Row::ParentExists => refused(&policy(sim, "products/none/policies/policy", POLICY), 404, "ResourceNotFound"),
        Row::OperationPolicyParent => {
            sim.api("a");
            refused(&policy(sim, "apis/a/operations/none/policies/policy", POLICY), 400, "ValidationError")
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
            let Some(link) = page["nextLink"].as_str() else { return Some(false) };
            let rest = sim.get(link.strip_prefix(sim.origin()).unwrap()).body.unwrap();
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
            let set = format!("{}/apiVersionSets/s", sim.service());
            sim.made("apis/a", json!({"displayName": "a", "path": "a", "apiVersion": "v1", "apiVersionSetId": set}));
            sim.made("apis/b", json!({"displayName": "b", "path": "a", "apiVersion": "v2", "apiVersionSetId": set}));
            refuses(&sim.put("apis/c", json!({"displayName": "c", "path": "a", "apiVersion": "v1", "apiVersionSetId": set})), "apiVersion")
        }
        Row::VersionNeedsSet => refuses(
            &sim.put("apis/a", json!({"displayName": "a", "path": "a", "apiVersion": "v1"})),
            "ApiVersion",
        ),
        Row::ImportOperations => {
            sim.import("a", path("one"));
            sim.names("apis/a/operations") == ["one"]
        }
        Row::ImportRemoves => {
            sim.import("a", json!({"/x": {"get": {"operationId": "stays"}, "post": {"operationId": "goes"}}}));
            assert_eq!(policy(sim, "apis/a/operations/stays/policies/policy", POLICY).status, 201);
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
        Row::WsdlNames => {
            let body = json!({"path": "a", "displayName": "a", "format": "wsdl", "value": wsdl("", 1), "apiType": "soap"});
            sim.made("apis/a", body.clone());
            let first = sim.names("apis/a/operations");
            sim.made("apis/a", body);
            first.len() == 1 && first != sim.names("apis/a/operations")
        }
        Row::WsdlRestrictions => {
            let import = r#"<wsdl:import location="https://contoso.example/other.wsdl"/>"#;
            let body = json!({"path": "a", "displayName": "a", "format": "wsdl", "value": wsdl(import, 1), "apiType": "soap"});
            refuses(&sim.put("apis/a", body), "representation")
        }
        Row::WsdlEndpoints => {
            let mut body = json!({"path": "a", "displayName": "a", "format": "wsdl", "value": wsdl("", 2), "apiType": "soap"});
            let refused = refuses(&sim.put("apis/a", body.clone()), "representation");
            body["wsdlSelector"] = json!({"wsdlServiceName": "Calculator", "wsdlEndpointName": "Port1"});
            sim.made("apis/a", body);
            refused && sim.names("apis/a/operations").len() == 1
        }
        Row::Exports => {
            sim.import("a", path("one"));
            sim.made("apis/a/operations/two", json!({"displayName": "two", "method": "GET", "urlTemplate": "/two"}));
            let link = sim.get("apis/a?export=true&format=openapi%2Bjson-link").body.unwrap()["value"]["link"].clone();
            let exported = sim.get(link.as_str().unwrap().strip_prefix(sim.origin()).unwrap()).body.unwrap();
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
        Row::RevisionNotCurrent => {
            sim.api("a");
            refuses(&sim.put("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a", "isCurrent": true})), "IsCurrent")
        }
        Row::RootRevision => {
            sim.api("a");
            refuses(&sim.put("apis/a", json!({"path": "a", "displayName": "a", "apiRevision": "2", "isCurrent": true})), "isCurrent")
        }
        Row::ReleaseMoves => {
            sim.import("a", path("one"));
            sim.made("apis/a;rev=2", json!({"path": "a", "sourceApiId": "/apis/a", "format": "openapi+json", "value": openapi(path("two"))}));
            sim.made("apis/a/releases/r", json!({"apiId": format!("{}/apis/a;rev=2", sim.service())}));
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
            refuses(&sim.put("namedValues/m", json!({"displayName": "N", "value": "v"})), "name")
        }
        Row::TagUnique => {
            sim.made("tags/t", json!({"displayName": "t"}));
            refuses(&sim.put("tags/u", json!({"displayName": "T"})), "name")
        }
        Row::PolicyWellFormed => refuses(&policy(sim, "policies/policy", "<policies><inbound></policies>"), "representation"),
        Row::PolicyXmlFormat => {
            let value = r#"<policies><inbound><set-variable name="v" value="@(1 < 2 && "a" == "b")" /></inbound></policies>"#;
            assert_eq!(policy(sim, "policies/policy", value).status, 200);
            refuses(&sim.put("policies/policy", json!({"format": "xml", "value": value})), "representation")
        }
        Row::PolicySections => refuses(&policy(sim, "policies/policy", "<policies><inbound /><inbound /></policies>"), "representation"),
        Row::PolicyReferences => {
            let value = r#"<policies><inbound><include-fragment fragment-id="none" /></inbound></policies>"#;
            refuses(&policy(sim, "policies/policy", value), "include-fragment")
        }
        Row::PolicyStored => {
            let value = "<policies>\n<inbound><set-variable name=\"v\" value=\"@(1 < 2)\" /></inbound>\n</policies>";
            policy(sim, "policies/policy", value);
            let xml = sim.get("policies/policy").body.unwrap()["properties"].clone();
            let raw = sim.get("policies/policy?format=rawxml").body.unwrap()["properties"]["value"].clone();
            xml["format"] == "xml" && xml["value"].as_str().unwrap().contains("@(1 &lt; 2)") && raw == value.replace('\n', "\r\n")
        }
        Row::PolicySize => {
            let value = format!("<policies><!--{}--></policies>", " ".repeat(256 * 1024));
            refuses(&policy(sim, "policies/policy", &value), "representation")
        }
        Row::FragmentInUse => {
            sim.made("policyFragments/f", json!({"value": "<fragment />"}));
            policy(sim, "policies/policy", r#"<policies><inbound><include-fragment fragment-id="f" /></inbound></policies>"#);
            refused(&sim.delete("policyFragments/f"), 400, "ValidationError")
        }
        Row::NamedValueInUse => {
            sim.made("namedValues/n", json!({"displayName": "shown", "value": "v"}));
            policy(sim, "policies/policy", r#"<policies><inbound><set-variable name="v" value="{{shown}}" /></inbound></policies>"#);
            refused(&sim.delete("namedValues/n"), 400, "ValidationError")
        }
        Row::BackendInUse => {
            sim.made("backends/b", json!({"url": "https://b", "protocol": "http"}));
            policy(sim, "policies/policy", r#"<policies><inbound><set-backend-service backend-id="b" /></inbound></policies>"#);
            refused(&sim.delete("backends/b"), 400, "ValidationError")
        }
        Row::LinkUnique => {
            sim.api("a");
            sim.made("products/p", json!({"displayName": "p"}));
            let api = format!("{}/apis/a", sim.service());
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
        Row::TokenExpires | Row::TokenAudience | Row::RolesEnforced | Row::LockHeld | Row::LockSpansLinks | Row::ImportSize | Row::DeploymentLimits | Row::CompleteMode | Row::WhatIfErrors | Row::StackUnmanages | Row::StackDenies | Row::StackDenyPermission | Row::DeploymentOrder => return None,
    })
}
