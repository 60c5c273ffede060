//! `plan`, `deploy`, `destroy`, `doctor` and `identity` as they are run, against a small
//! server of ours that answers as the REST API of Azure is documented to. Azure itself has
//! not been asked.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod common;
mod support;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

const SERVICE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso-apim-prod";

#[derive(Default)]
struct Inner {
    resources: BTreeMap<String, (String, Value)>,
    writes: Vec<String>,
    bodies: String,
    /// Actions of the caller; null when the question is refused.
    permissions: Value,
    tokens: usize,
    /// After so many requests the first token is no longer taken.
    ends_after: Option<usize>,
    requests: usize,
    version: usize,
    /// Kind of the service's own identity.
    identity: &'static str,
}

type Shared = Arc<Mutex<Inner>>;

/// The server, on a runtime of its own that ends with it.
struct Azure {
    shared: Shared,
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Azure {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let shared = Shared::default();
        {
            let mut inner = shared.lock().unwrap();
            inner.permissions = json!([{"actions": ["*"], "notActions": []}]);
            inner.identity = "SystemAssigned";
        }
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            shared,
            address,
            _runtime: runtime,
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.lock().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let endpoint = format!("http://{}", self.address);
        Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(arguments)
            .env("FLUX_APIM_SUBSCRIPTION", "s")
            .env("FLUX_APIM_RESOURCE_GROUP", "g")
            .env("FLUX_APIM_MANAGEMENT_ENDPOINT", &endpoint)
            .env("FLUX_APIM_OWNER", "shop")
            .env("AZURE_AUTHORITY_HOST", &endpoint)
            .env("AZURE_TENANT_ID", "tenant")
            .env("AZURE_CLIENT_ID", "app")
            .env("AZURE_CLIENT_SECRET", "of-the-application")
            .env("SECRET", "hunter2")
            .env_remove("SOPS_AGE_KEY")
            .env_remove("SOPS_AGE_KEY_FILE")
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }
}

fn error(status: u16, code: &str) -> Response {
    let body = json!({"error": {"code": code, "message": code}});
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// A path without its percent signs.
fn decoded(path: &str) -> String {
    let field = format!("x={}", path.replace('+', "%2B"));
    let mut fields = url::form_urlencoded::parse(field.as_bytes());
    fields.next().unwrap().1.into_owned()
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inner = shared.lock().unwrap();
    if uri.path() == "/tenant/oauth2/v2.0/token" {
        let form = String::from_utf8_lossy(&body);
        assert!(form.contains("client_secret=of-the-application"), "{form}");
        inner.tokens += 1;
        let claims =
            URL_SAFE_NO_PAD.encode(json!({"oid": "oid-of-app", "n": inner.tokens}).to_string());
        let token = json!({"access_token": format!("h.{claims}.s"), "expires_in": 3600});
        return axum::Json(token).into_response();
    }
    if uri.path() == "/metadata/endpoints" {
        return axum::Json(json!([])).into_response();
    }
    inner.requests += 1;
    let token = headers["authorization"].to_str().unwrap().to_owned();
    let first = URL_SAFE_NO_PAD.encode(json!({"oid": "oid-of-app", "n": 1}).to_string());
    if inner.ends_after.is_some_and(|after| inner.requests > after) && token.contains(&first) {
        return error(401, "ExpiredAuthenticationToken");
    }
    let Some(path) = uri.path().strip_prefix(SERVICE) else {
        return error(404, "ResourceGroupNotFound");
    };
    let path = decoded(path.trim_start_matches('/'));
    let key = path.to_lowercase();
    if path.ends_with("Microsoft.Authorization/permissions") {
        return match &inner.permissions {
            Value::Null => error(403, "AuthorizationFailed"),
            list => axum::Json(json!({"value": list})).into_response(),
        };
    }
    if path.is_empty() {
        let service = json!({"sku": {"name": "Developer"}, "identity": {"type": inner.identity},
                   "properties": {"provisioningState": "Succeeded"}});
        return axum::Json(service).into_response();
    }
    match method {
        Method::GET if path.split('/').count() % 2 == 1 => {
            let below = format!("{key}/");
            let items = inner.resources.iter().filter(|(other, _)| {
                other
                    .strip_prefix(&below)
                    .is_some_and(|rest| !rest.contains('/'))
            });
            let items: Vec<Value> = items
                .map(|(_, (name, properties))| json!({"name": name, "properties": properties}))
                .collect();
            axum::Json(json!({"value": items})).into_response()
        }
        Method::GET => match inner.resources.get(&key) {
            Some((name, properties)) => {
                axum::Json(json!({"name": name, "properties": properties})).into_response()
            }
            None => error(404, "ResourceNotFound"),
        },
        Method::PUT => {
            inner.writes.push(format!("PUT {path}"));
            inner.bodies.push_str(&String::from_utf8_lossy(&body));
            let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut properties = sent["properties"].clone();
            // Definitions and secrets are not given back.
            if let Some(map) = properties.as_object_mut() {
                let is_api = key.starts_with("apis/") && !key["apis/".len()..].contains('/');
                if is_api || map.get("secret") == Some(&Value::Bool(true)) {
                    map.remove("value");
                }
            }
            inner.version += 1;
            let name = path.rsplit('/').next().unwrap().to_owned();
            let status = match inner
                .resources
                .insert(key, (name.clone(), properties.clone()))
            {
                Some(_) => 200,
                None => 201,
            };
            let answer = axum::Json(json!({"name": name, "properties": properties}));
            (StatusCode::from_u16(status).unwrap(), answer).into_response()
        }
        Method::DELETE => {
            inner.writes.push(format!("DELETE {path}"));
            let below = format!("{key}/");
            inner
                .resources
                .retain(|other, _| *other != key && !other.starts_with(&below));
            StatusCode::OK.into_response()
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The sample, rendered; and a secret flag for each secret that it has.
fn bundle(folder: &Path) -> (String, Vec<String>) {
    let path = folder.join("bundle").display().to_string();
    let project = common::repository("testdata/projects/contoso");
    let rendered = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args([
            "render",
            &project.display().to_string(),
            "--env",
            "prod",
            "-o",
            &path,
            "-q",
        ])
        .output()
        .unwrap();
    assert!(rendered.status.success(), "{}", text(&rendered));
    let resources = std::fs::read_to_string(format!("{path}/resources.json")).unwrap();
    let resources: Value = serde_json::from_str(&resources).unwrap();
    let names = resources["secrets"].as_object().unwrap().keys();
    (
        path,
        names
            .map(|name| format!("--secret={name}=env:SECRET"))
            .collect(),
    )
}

#[test]
fn the_sample_from_nothing_and_again_and_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    let state = format!("--state={}", folder.path().join("state").display());
    let with = |command: &[&str]| {
        let mut arguments: Vec<&str> = command.to_vec();
        arguments.push(&bundle);
        arguments.push(&state);
        arguments.extend(secrets.iter().map(String::as_str));
        let output = azure.run(&arguments);
        (output.status.code(), text(&output))
    };
    let foreign = ("other".to_owned(), json!({"displayName": "other"}));
    azure
        .inner()
        .resources
        .insert("tags/other".to_owned(), foreign.clone());
    let (status, said) = with(&["deploy"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(azure.inner().bodies.contains("hunter2"));
    azure.inner().writes.clear();
    let (status, said) = with(&["deploy"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("nothing to do"), "{said}");
    assert_eq!(azure.inner().writes, Vec::<String>::new(), "{said}");
    // Without --yes nothing is deleted.
    let (status, said) = with(&["destroy"]);
    assert!(
        status == Some(0) && azure.inner().writes.is_empty(),
        "{said}"
    );
    let allowed: Vec<String> = {
        let inner = azure.inner();
        let guarded = inner
            .resources
            .keys()
            .filter(|key| !key.starts_with("namedvalues/"));
        guarded.map(|key| format!("--allow-delete={key}")).collect()
    };
    let mut command = vec!["destroy", "--yes"];
    command.extend(allowed.iter().map(String::as_str));
    let (status, said) = with(&command);
    assert_eq!(status, Some(0), "{said}");
    let mut left = azure.inner().resources.clone();
    // The policy of the service goes back to that of a new one.
    let (_, policy) = left.remove("policies/policy").unwrap();
    let policy = policy["value"].as_str().unwrap().to_owned();
    assert!(
        policy.contains("<forward-request />") && policy.len() < 200,
        "{policy}"
    );
    assert_eq!(
        left,
        BTreeMap::from([("tags/other".to_owned(), foreign)]),
        "{said}"
    );
}

#[test]
fn a_plan_that_was_written_is_done_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    let plan = folder.path().join("plan.json").display().to_string();
    let run = |command: &[&str]| {
        let mut arguments: Vec<&str> = command.to_vec();
        arguments.push(&bundle);
        arguments.extend(secrets.iter().map(String::as_str));
        azure.run(&arguments)
    };
    let planned = run(&["plan", "--out", &plan, "--format", "json"]);
    assert!(planned.status.success(), "{}", text(&planned));
    assert!(azure.inner().writes.is_empty());
    azure
        .inner()
        .resources
        .insert("tags/other".to_owned(), ("other".to_owned(), json!({})));
    let foreign = json!({"displayName": "somebody's", "type": "custom"});
    let first = {
        let saved: Value = serde_json::from_str(&std::fs::read_to_string(&plan).unwrap()).unwrap();
        saved["steps"][0]["id"].as_str().unwrap().to_owned()
    };
    let name = first.rsplit('/').next().unwrap().to_owned();
    azure
        .inner()
        .resources
        .insert(first.to_lowercase(), (name, foreign));
    let refused = run(&["deploy", "--plan", &plan]);
    let said = text(&refused);
    assert!(
        refused.status.code() == Some(2) && said.contains("nothing was written"),
        "{said}"
    );
    assert!(azure.inner().writes.is_empty());
    azure.inner().resources.remove(&first.to_lowercase());
    let done = run(&["deploy", "--plan", &plan]);
    assert!(done.status.success(), "{}", text(&done));
}

#[test]
fn a_missing_permission_ends_before_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    let mut arguments = vec!["deploy", bundle.as_str()];
    arguments.extend(secrets.iter().map(String::as_str));
    azure.inner().permissions = json!([
        {"actions": ["*/read", "Microsoft.ApiManagement/service/*/write"], "notActions": ["*/apis/write"]},
    ]);
    let output = azure.run(&arguments);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in [
        "APIM8020",
        "needs at /subscriptions/s/",
        "Microsoft.ApiManagement/service/apis/write",
        "API Management Service Contributor",
        "az role assignment create --assignee-object-id oid-of-app",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("namedValues/write"), "{said}");
    assert!(azure.inner().writes.is_empty());
    let doctor = azure.run(&["doctor", "--deploy", &bundle]);
    let said = text(&doctor);
    assert!(
        doctor.status.code() == Some(2) && said.contains("no  permissions"),
        "{said}"
    );
    assert!(
        said.contains("ok  service") && said.contains("Developer, Succeeded"),
        "{said}"
    );
    // Where they cannot be read it is tried.
    azure.inner().permissions = Value::Null;
    let output = azure.run(&arguments);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_service_that_could_not_read_its_key_vaults_ends_before_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    azure.inner().identity = "None";
    let mut arguments = vec!["deploy", bundle.as_str()];
    arguments.extend(secrets.iter().map(String::as_str));
    let output = azure.run(&arguments);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the service has no identity to read it with"),
        "{said}"
    );
    assert!(azure.inner().writes.is_empty());
    let said = text(&azure.run(&["doctor", "--deploy", &bundle]));
    assert!(said.contains("no  key vaults"), "{said}");
}

#[test]
fn a_token_that_ends_in_the_middle_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    azure.inner().ends_after = Some(40);
    let mut arguments = vec!["deploy", bundle.as_str()];
    arguments.extend(secrets.iter().map(String::as_str));
    let output = azure.run(&arguments);
    assert!(output.status.success(), "{}", text(&output));
    let inner = azure.inner();
    assert!(
        inner.requests > 60 && inner.tokens == 2,
        "{} {}",
        inner.requests,
        inner.tokens
    );
}

#[test]
fn what_is_wrong_with_what_was_asked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, _) = bundle(folder.path());
    let azure = Azure::start();
    for (arguments, said) in [
        (
            vec!["plan", &bundle, "--service", "fabrikam"],
            "was rendered for the service `contoso-apim-prod`",
        ),
        (
            vec!["plan", &bundle, "--resource-group", "other"],
            "check --subscription and --resource-group",
        ),
        (
            vec![
                "plan",
                &bundle,
                "--management-endpoint",
                "http://example.com",
            ],
            "tokens go to https URLs alone",
        ),
        (
            vec!["plan", &bundle, "--secret", "x=env:SECRET"],
            "the bundle has no secret of this name",
        ),
        (
            vec!["plan", &bundle, "--allow-delete", "products"],
            "write KIND/NAME",
        ),
        (vec!["plan", "testdata"], "testdata"),
    ] {
        let output = azure.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(said), "{said}: {}", text(&output));
    }
    assert!(azure.inner().writes.is_empty());
    // What may be left out is left as it is.
    let output = azure.run(&["plan", &bundle]);
    let text = text(&output);
    assert!(
        output.status.success() && text.contains("was not given"),
        "{text}"
    );
}

#[test]
fn identities_are_written_in_three_forms() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, _) = bundle(folder.path());
    let azure = Azure::start();
    for form in ["bicep", "terraform", "commands"] {
        let output = azure.run(&[
            "identity",
            form,
            &bundle,
            "--azure-registry",
            "contoso",
            "--issuer",
            "https://issuer",
        ]);
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        for part in [
            "AcrPush",
            "AcrPull",
            "Microsoft.ApiManagement/service/apis/write",
            "https://issuer",
            "source-controller",
        ] {
            assert!(said.contains(part), "{form}: {part}: {said}");
        }
        assert!(!said.contains("service/*"), "{said}");
    }
    let run = |form: &str, more: &[&str]| {
        let mut arguments = vec!["identity", form, &bundle, "--azure-registry", "contoso"];
        arguments.extend(["--issuer", "https://issuer"]);
        arguments.extend(more);
        let output = azure.run(&arguments);
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    for more in [
        &[][..],
        &["--mode", "deployment"],
        &["--mode", "stack", "--deny-settings", "deny-delete"],
    ] {
        // The reader of Bicep that our own Bicep is held against, with the official grammar.
        let source = run("bicep", more);
        let path = "bicep/main.bicep";
        let files = BTreeMap::from([(path.to_owned(), source.clone())]);
        support::bicep::parse(&files, path).unwrap_or_else(|error| panic!("{error}\n{source}"));
        let source = run("terraform", more);
        let roles = actions(&source);
        let of = |role: &str| roles.get(role).cloned().unwrap_or_default();
        assert!(of("deploy").contains(&"Microsoft.ApiManagement/service/apis/write".to_owned()));
        let (group, wanted) = match more {
            [_, "deployment"] => (true, "Microsoft.Resources/deployments/whatIf/action"),
            [_, "stack", ..] => (
                true,
                "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            ),
            _ => (false, ""),
        };
        assert_eq!(
            of("templates").contains(&wanted.to_owned()),
            group,
            "{source}"
        );
        assert_eq!(roles.len(), 1 + usize::from(group));
    }
}

/// Actions of the role definitions of a Terraform file, as a parser of HCL reads it.
fn actions(source: &str) -> BTreeMap<String, Vec<String>> {
    let body: hcl::Body = hcl::from_str(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let roles = body.blocks().filter(|block| {
        let kind = block.labels.first().map(hcl::BlockLabel::as_str);
        block.identifier.as_str() == "resource" && kind == Some("azurerm_role_definition")
    });
    let roles = roles.map(|role| {
        let permissions = role
            .body
            .blocks()
            .find(|b| b.identifier.as_str() == "permissions");
        let permissions = permissions.unwrap();
        let mut attributes = permissions.body.attributes();
        let actions = attributes.find(|a| a.key.as_str() == "actions").unwrap();
        let hcl::Expression::Array(items) = &actions.expr else {
            panic!("{source}")
        };
        let items = items.iter().map(|item| match item {
            hcl::Expression::String(text) => text.clone(),
            other => panic!("{other:?}"),
        });
        (role.labels[1].as_str().to_owned(), items.collect())
    });
    roles.collect()
}

#[test]
fn secrets_come_from_a_file_of_sops() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    let file = common::repository("testdata/sops/secrets.yaml")
        .display()
        .to_string();
    let keys = common::repository("testdata/sops/age.txt")
        .display()
        .to_string();
    let mut arguments = vec!["deploy", bundle.as_str(), "--secrets-file", &file];
    let others: Vec<&str> = secrets
        .iter()
        .map(String::as_str)
        .filter(|secret| !secret.starts_with("--secret=namedValuePartnerKeyValue="))
        .collect();
    arguments.extend(&others);
    // Without a key it says where it looked, before anything is asked of Azure.
    let output = azure.run_with(
        &arguments,
        &[("HOME", "/nowhere"), ("XDG_CONFIG_HOME", "/nowhere")],
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--secrets-file") && said.contains("SOPS_AGE_KEY is not set"),
        "{said}"
    );
    assert!(azure.inner().writes.is_empty());
    let output = azure.run_with(&arguments, &[("SOPS_AGE_KEY_FILE", &keys)]);
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("correct horse"), "{said}");
    assert!(azure.inner().bodies.contains("correct horse battery"));
}

#[test]
fn modes_that_do_not_fit_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, secrets) = bundle(folder.path());
    let azure = Azure::start();
    let given: Vec<&str> = secrets.iter().map(String::as_str).collect();
    for (arguments, said) in [
        (
            vec!["deploy", &bundle, "--action-on-unmanage", "delete"],
            "go with --mode stack",
        ),
        (
            vec!["deploy", &bundle, "--mode", "stack", "--refresh"],
            "go with --mode requests",
        ),
        (
            vec!["plan", &bundle, "--mode", "stack", "--out", "x"],
            "--out goes with --mode requests",
        ),
        (
            vec!["destroy", &bundle, "--mode", "deployment"],
            "a deployment deletes nothing",
        ),
    ] {
        let mut arguments = arguments;
        arguments.extend(&given);
        let output = azure.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(said), "{said}: {}", text(&output));
    }
    assert!(azure.inner().writes.is_empty());
}

#[test]
fn a_rollback_deploys_the_bundle_before_and_moves_the_tag() {
    let folder = tempfile::tempdir().unwrap();
    let azure = Azure::start();
    let repository = format!("oci-layout:{}", folder.path().join("layout").display());
    let tree = folder.path().join("tree");
    let write = |path: &str, text: &str| {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "flux-apim.yaml",
        "service: contoso-apim-prod\nprotect: [\"tags/kept\"]\n",
    );
    write(
        "apis/orders/apiInformation.json",
        r#"{"properties": {"displayName": "Orders", "path": "orders", "protocols": ["https"]}}"#,
    );
    write(
        "apis/orders/specification.yaml",
        "openapi: 3.0.1\ninfo: {title: Orders, version: '1'}\npaths:\n  /orders:\n    get:\n      operationId: list\n      responses: {'200': {description: OK}}\n",
    );
    let publish = |tag: &str, revision: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["publish", &tree.display().to_string(), &repository])
            .args(["--tag", tag, "--tag", "latest", "--revision", revision])
            .args(["--source-url", "https://example.com/team/apim", "-q"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    write(
        "tags/old/tagInformation.json",
        r#"{"properties": {"displayName": "old"}}"#,
    );
    publish("v1", "main@sha1:1111111111111111111111111111111111111111");
    std::fs::remove_dir_all(tree.join("tags")).unwrap();
    write(
        "tags/new/tagInformation.json",
        r#"{"properties": {"displayName": "new"}}"#,
    );
    write(
        "tags/kept/tagInformation.json",
        r#"{"properties": {"displayName": "kept"}}"#,
    );
    publish("v2", "main@sha1:2222222222222222222222222222222222222222");
    let deployed = azure.run(&["deploy", &format!("{repository}:latest")]);
    assert!(deployed.status.success(), "{}", text(&deployed));
    assert!(azure.inner().resources.contains_key("tags/new"));
    let latest = || {
        let output = azure.run(&[
            "inspect",
            &format!("{repository}:latest"),
            "--format",
            "json",
        ]);
        text(&output)
    };
    let before = latest();
    azure.inner().writes.clear();
    let back = ["rollback", repository.as_str(), "--deploy"];
    let planned = azure.run(&[&back[..], &["--dry-run"]].concat());
    let said = text(&planned);
    assert!(planned.status.success(), "{said}");
    for part in [
        "+ tags/old",
        "- tags/new",
        "kept: it is protected",
        "does not come back: tags/kept stays",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        azure.inner().writes.is_empty() && latest() == before,
        "{said}"
    );
    // What cannot be deployed moves no tag.
    azure.inner().permissions = json!([{"actions": ["*/read"], "notActions": []}]);
    let refused = azure.run(&back);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("APIM8020") && latest() == before);
    azure.inner().permissions = json!([{"actions": ["*"], "notActions": []}]);
    let done = azure.run(&back);
    assert!(done.status.success(), "{}", text(&done));
    assert_ne!(latest(), before);
    let resources = azure.inner().resources.clone();
    assert!(resources.contains_key("tags/old") && !resources.contains_key("tags/new"));
    assert!(resources.contains_key("tags/kept"));
    // There is none before the first one.
    let first = azure.run(&["rollback", &repository, "--deploy", "--tag", "v1"]);
    assert_eq!(first.status.code(), Some(2));
    assert!(
        text(&first).contains("no bundle that is older"),
        "{}",
        text(&first)
    );
}
