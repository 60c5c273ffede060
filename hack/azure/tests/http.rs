//! Over a connection: faults, bad input, half-closed connections, tokens of the local
//! Entra ID, and roles.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use simulated_azure::access::Access;
use simulated_azure::server;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use support::{Asked, Sim, refused, refuses};

/// Serves a simulation on a free port.
fn serve(sim: &Sim) -> SocketAddr {
    let listener = sim
        .runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    sim.runtime
        .spawn(server::serve(Arc::clone(&sim.world), listener));
    address
}

/// What a request with these bytes is answered.
fn raw(address: SocketAddr, bytes: &[u8], then: Option<Shutdown>) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    if let Some(how) = then {
        stream.shutdown(how).unwrap();
    }
    let mut answer = Vec::new();
    // A connection that is cut ends in an error; what came before it is the answer.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn send(sim: &Sim, address: SocketAddr, method: &str, target: &str, body: &str) -> String {
    let target = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("{}/{target}?api-version=2024-05-01", sim.world.service())
    };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(address, request.as_bytes(), None)
}

#[test]
fn faults_happen_as_they_are_planned() {
    let sim = Sim::new(None);
    let address = serve(&sim);
    let plan = |fault: Value| {
        assert!(
            send(
                &sim,
                address,
                "POST",
                "/simulator/faults",
                &fault.to_string()
            )
            .starts_with("HTTP/1.1 204")
        );
    };
    let tag = r#"{"properties":{"displayName":"t"}}"#;

    plan(
        json!({"method": "PUT", "path": "/tags/", "skip": 1, "status": {"status": 429, "retryAfter": "7"}}),
    );
    assert!(send(&sim, address, "PUT", "tags/a", tag).starts_with("HTTP/1.1 201"));
    let limited = send(
        &sim,
        address,
        "PUT",
        "tags/b",
        r#"{"properties":{"displayName":"b"}}"#,
    );
    assert!(
        limited.starts_with("HTTP/1.1 429") && limited.contains("retry-after: 7"),
        "{limited}"
    );
    assert_eq!(sim.names("tags"), ["a"]);

    plan(json!({"method": "PUT", "cutBefore": true}));
    let cut = send(
        &sim,
        address,
        "PUT",
        "tags/c",
        r#"{"properties":{"displayName":"c"}}"#,
    );
    assert!(!cut.ends_with("0\r\n\r\n"), "{cut}");
    assert_eq!(sim.names("tags"), ["a"]);

    plan(json!({"method": "PUT", "cutAfter": true}));
    let cut = send(
        &sim,
        address,
        "PUT",
        "tags/d",
        r#"{"properties":{"displayName":"d"}}"#,
    );
    assert!(!cut.ends_with("0\r\n\r\n"), "{cut}");
    assert_eq!(sim.names("tags"), ["a", "d"]);

    assert!(
        send(
            &sim,
            address,
            "POST",
            "/simulator/faults",
            r#"{"path": "(", "cutAfter": true}"#
        )
        .starts_with("HTTP/1.1 400")
    );
    assert!(send(&sim, address, "POST", "/simulator/faults", "{}").starts_with("HTTP/1.1 400"));
}

#[test]
fn broken_connections_do_not_end_it() {
    let sim = Sim::new(None);
    let address = serve(&sim);
    let head = format!(
        "PUT {}/tags/t?api-version=2024-05-01 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\ncontent-length: 100\r\n\r\n{{",
        sim.world.service()
    );
    raw(address, head.as_bytes(), Some(Shutdown::Both));
    raw(address, head.as_bytes(), Some(Shutdown::Write));
    raw(address, b"\x16\x03\x01\x00\x05hello", Some(Shutdown::Write));
    raw(address, b"GET / HTTP/9.9\r\n\r\n", Some(Shutdown::Write));
    assert!(send(&sim, address, "GET", "tags", "").starts_with("HTTP/1.1 200"));
    // A client may close its half after the request.
    let request = format!(
        "GET {}/tags?api-version=2024-05-01 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\nconnection: close\r\n\r\n",
        sim.world.service()
    );
    let answer = raw(address, request.as_bytes(), Some(Shutdown::Write));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    assert!(send(&sim, address, "GET", "tags", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn bad_input_is_refused_in_azures_shape() {
    let sim = Sim::new(None);
    let text = |text: &str| Value::String(text.to_owned());
    assert!(refused(
        &sim.send("PUT", "tags/t", &text("<xml/>"), &[]),
        400,
        "InvalidRequestContent"
    ));
    assert!(refused(
        &sim.send("PUT", "tags/t", &text(&"[".repeat(100_000)), &[]),
        400,
        "InvalidRequestContent"
    ));
    assert!(refused(
        &sim.send("PUT", "tags/t", &text("[1]"), &[]),
        400,
        "InvalidRequestContent"
    ));
    let policy = format!(
        "<policies><!--{}--></policies>",
        "x".repeat(10 * 1024 * 1024)
    );
    assert!(refused(
        &sim.put("policies/policy", json!({"value": policy})),
        413,
        "RequestContentTooLarge"
    ));
    let other = sim
        .world
        .service()
        .replace("/service/simulated", "/service/other");
    assert!(refuses(
        &sim.put(
            "diagnostics/local",
            json!({"loggerId": format!("{other}/loggers/l")})
        ),
        "loggerId"
    ));
    assert!(refused(
        &sim.get("apis?api-version=1999-01-01"),
        400,
        "NoRegisteredProviderFound"
    ));
    assert!(refused(&sim.get("nonsense"), 404, "InvalidResourceType"));
    assert!(refused(
        &sim.send("POST", "apis", &Value::Null, &[]),
        405,
        "MethodNotAllowed"
    ));
    assert!(refused(
        &sim.get("/subscriptions/x/providers/Contoso.None/things?api-version=2020-01-01"),
        404,
        "InvalidResourceType"
    ));
    for filter in [
        "((",
        "name eq",
        "name eq 'a",
        "foo(",
        "not",
        "a b c",
        "name in ('a')",
    ] {
        assert!(
            refused(
                &sim.get(&format!("apis?$filter={filter}")),
                400,
                "InvalidParameters"
            ),
            "{filter}"
        );
    }
    assert!(refused(&sim.get("apis?$top=x"), 400, "InvalidParameters"));
    assert_eq!(sim.get("apis?$top=0").status, 200);
    assert_eq!(
        sim.put(
            "apis/a",
            json!({"path": "a", "format": "openapi", "value": "a: &a [*a]"})
        )
        .status,
        400
    );
}

fn access() -> Access {
    serde_json::from_value(json!({
        "applications": [
            {"clientId": "writer", "objectId": "oid-writer", "secrets": ["right"], "managedIdentity": true},
            {"clientId": "workload", "objectId": "oid-workload", "federated": [{"issuer": "https://issuer", "subject": "system:serviceaccount:apps:deployer", "publicKey": PUBLIC}]}
        ],
        "assignments": [
            {"principal": "oid-writer", "role": "API Management Service Contributor", "scope": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/simulated"},
            {"principal": "oid-writer", "role": "User Access Administrator", "scope": "/subscriptions/00000000-0000-0000-0000-000000000000"}
        ]
    }))
    .unwrap()
}

const PUBLIC: &str = include_str!("keys/issuer.pub.pem");
const PRIVATE: &str = include_str!("keys/issuer.pem");
const TOKENS: &str = "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token";

fn ask_token(sim: &Sim, tenant: &str, form: &str) -> simulated_azure::answer::Answer {
    let form = format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&{form}"
    );
    sim.send("POST", tenant, &Value::String(form), &[])
}

fn bearer(answer: &simulated_azure::answer::Answer) -> String {
    format!(
        "Bearer {}",
        answer.body.as_ref().unwrap()["access_token"]
            .as_str()
            .unwrap()
    )
}

#[test]
fn tokens_are_given_to_who_proves_who_it_is() {
    let sim = Sim::with(None, access());
    let description = |answer: &simulated_azure::answer::Answer| {
        answer.body.as_ref().unwrap()["error_description"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        ask_token(&sim, TOKENS, "client_id=writer&client_secret=right").status,
        200
    );
    assert!(
        description(&ask_token(
            &sim,
            TOKENS,
            "client_id=writer&client_secret=wrong"
        ))
        .contains("AADSTS7000215")
    );
    assert!(
        description(&ask_token(
            &sim,
            TOKENS,
            "client_id=nobody&client_secret=right"
        ))
        .contains("AADSTS700016")
    );
    assert!(
        description(&ask_token(
            &sim,
            "/other/oauth2/v2.0/token",
            "client_id=writer&client_secret=right"
        ))
        .contains("AADSTS90002")
    );

    let assertion = |subject: &str| {
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(PRIVATE.as_bytes()).unwrap();
        let claims = json!({"iss": "https://issuer", "sub": subject, "aud": "api://AzureADTokenExchange", "exp": 4_000_000_000u64});
        jsonwebtoken::encode(
            &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256),
            &claims,
            &key,
        )
        .unwrap()
    };
    let form = |assertion: &str| {
        format!("client_id=workload&client_assertion_type=urn&client_assertion={assertion}")
    };
    assert_eq!(
        ask_token(
            &sim,
            TOKENS,
            &form(&assertion("system:serviceaccount:apps:deployer"))
        )
        .status,
        200
    );
    assert!(
        description(&ask_token(
            &sim,
            TOKENS,
            &form(&assertion("system:serviceaccount:apps:other"))
        ))
        .contains("AADSTS70021")
    );
    let forged = assertion("system:serviceaccount:apps:deployer");
    let forged = format!("{}x", &forged[..forged.len() - 20]);
    assert!(description(&ask_token(&sim, TOKENS, &form(&forged))).contains("AADSTS70021"));

    let identity = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";
    assert_eq!(sim.get(identity).status, 400);
    let given = sim.send("GET", identity, &Value::Null, &[("metadata", "true")]);
    assert_eq!(
        sim.send(
            "GET",
            "apis",
            &Value::Null,
            &[("authorization", &bearer(&given))]
        )
        .status,
        200
    );
    assert!(refused(
        &sim.send(
            "GET",
            "apis",
            &Value::Null,
            &[("authorization", "Bearer made-up")]
        ),
        401,
        "InvalidAuthenticationToken"
    ));
}

#[test]
fn roles_are_held_against_type_and_method() {
    let sim = Sim::with(None, access());
    let writer = bearer(&ask_token(
        &sim,
        TOKENS,
        "client_id=writer&client_secret=right",
    ));
    let as_writer = |method: &str, target: &str, body: Value| {
        sim.send(
            method,
            target,
            &body,
            &[("authorization", &writer), ("if-match", "*")],
        )
    };
    let tag = json!({"properties": {"displayName": "t"}});
    assert_eq!(as_writer("PUT", "tags/t", tag.clone()).status, 201);
    assert_eq!(as_writer("DELETE", "tags/t", Value::Null).status, 200);
    let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/other?api-version=2021-04-01";
    assert!(refused(
        &as_writer("PUT", group, json!({"location": "westeurope"})),
        403,
        "AuthorizationFailed"
    ));

    // What one may not do is given by an assignment, and taken away by its deletion.
    let permissions =
        sim.world.group() + "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01";
    assert_eq!(
        as_writer("GET", &permissions, Value::Null).body.unwrap()["value"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let role = "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/mine?api-version=2022-04-01";
    let definition = json!({"properties": {"roleName": "Tags", "permissions": [{"actions": ["Microsoft.ApiManagement/service/tags/*"], "notActions": ["Microsoft.ApiManagement/service/tags/delete"]}], "assignableScopes": ["/"]}});
    assert_eq!(as_writer("PUT", role, definition).status, 201);
    let assignment = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/one?api-version=2022-04-01",
        sim.world.service()
    );
    let body = json!({"properties": {"roleDefinitionId": role.split('?').next(), "principalId": "oid-workload"}});
    assert_eq!(as_writer("PUT", &assignment, body).status, 201);
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(PRIVATE.as_bytes()).unwrap();
    let claims = json!({"iss": "https://issuer", "sub": "system:serviceaccount:apps:deployer", "aud": "api://AzureADTokenExchange", "exp": 4_000_000_000u64});
    let assertion = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256),
        &claims,
        &key,
    )
    .unwrap();
    let workload = bearer(&ask_token(
        &sim,
        TOKENS,
        &format!("client_id=workload&client_assertion={assertion}"),
    ));
    let as_workload = |method: &str, target: &str, body: Value| {
        sim.send(
            method,
            target,
            &body,
            &[("authorization", &workload), ("if-match", "*")],
        )
    };
    assert_eq!(as_workload("PUT", "tags/t", tag.clone()).status, 201);
    assert!(refused(
        &as_workload("DELETE", "tags/t", Value::Null),
        403,
        "AuthorizationFailed"
    ));
    assert!(refused(
        &as_workload("GET", "apis", Value::Null),
        403,
        "AuthorizationFailed"
    ));
    assert_eq!(as_writer("DELETE", &assignment, Value::Null).status, 200);
    assert!(refused(
        &as_workload("PUT", "tags/t", tag),
        403,
        "AuthorizationFailed"
    ));
}
