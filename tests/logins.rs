//! Who asks Azure, in each of the ways: what is sent to Entra ID is what its documentation
//! says, and what the Azure CLI answers is read. Entra and Resource Manager are a small server
//! of ours; Azure itself has not been asked.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod common;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// What an Entra ID holds a request for a token against; says what is wrong with it.
type Judge = Box<dyn Fn(&BTreeMap<String, String>, &str) -> Result<(), String> + Send>;

struct Inner {
    judge: Judge,
    tokens: usize,
    scopes: Vec<String>,
    authorizations: Vec<String>,
}

type Shared = Arc<Mutex<Inner>>;

struct Azure {
    shared: Shared,
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Azure {
    fn start(
        judge: impl Fn(&BTreeMap<String, String>, &str) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let shared = Arc::new(Mutex::new(Inner {
            judge: Box::new(judge),
            tokens: 0,
            scopes: Vec::new(),
            authorizations: Vec::new(),
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            shared,
            address,
            _runtime: runtime,
        }
    }

    /// `doctor`, with nothing of this machine's identities but `environment`.
    fn doctor(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
        for name in [
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "IDENTITY_ENDPOINT",
        ] {
            command.env_remove(name);
        }
        let output = command
            .args([
                "doctor",
                "--subscription",
                "s",
                "--resource-group",
                "g",
                "--service",
                "x",
            ])
            .args(["--management-endpoint", &self.address])
            .args(arguments)
            .env("AZURE_AUTHORITY_HOST", &self.address)
            .env("AZURE_TENANT_ID", "tenant")
            .env("AZURE_CLIENT_ID", "app")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        (output.status.code(), text(&output))
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.lock().unwrap()
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn token(oid: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({"oid": oid}).to_string());
    format!("h.{claims}.s")
}

async fn answer(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inner = shared.lock().unwrap();
    if uri.path() == "/metadata/endpoints" {
        return axum::Json(json!([])).into_response();
    }
    if uri.path() == "/tenant/oauth2/v2.0/token" {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(&body).into_owned().collect();
        let host = headers["host"].to_str().unwrap();
        let judged = (inner.judge)(&form, &format!("http://{host}{}", uri.path()));
        return match judged {
            Ok(()) => {
                inner.tokens += 1;
                inner.scopes.push(form["scope"].clone());
                let answer = json!({"access_token": token("oid-of-app"), "expires_in": 3600});
                axum::Json(answer).into_response()
            }
            Err(why) => {
                let answer = json!({"error": "invalid_client", "error_description": why});
                (StatusCode::UNAUTHORIZED, axum::Json(answer)).into_response()
            }
        };
    }
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    inner.authorizations.push(authorization);
    let answer = match uri.path() {
        path if path.ends_with("/permissions") => {
            json!({"value": [{"actions": ["*"], "notActions": []}]})
        }
        path if path.ends_with("/denyAssignments") => json!({"value": []}),
        _ => {
            json!({"sku": {"name": "Developer"}, "properties": {"provisioningState": "Succeeded"}})
        }
    };
    axum::Json(answer).into_response()
}

fn is(form: &BTreeMap<String, String>, key: &str, value: &str) -> Result<(), String> {
    match form.get(key).map(String::as_str) == Some(value) {
        true => Ok(()),
        false => Err(format!("AADSTS: {key} is {:?}", form.get(key))),
    }
}

#[test]
fn a_secret_logs_in_and_a_wrong_one_is_said_without_it() {
    let azure = Azure::start(|form, _| {
        is(form, "grant_type", "client_credentials")?;
        is(form, "client_id", "app")?;
        is(form, "client_secret", "right")
    });
    let (status, said) = azure.doctor(&[], &[("AZURE_CLIENT_SECRET", "right")]);
    assert_eq!(status, Some(0), "{said}");
    for part in [
        "ok  network",
        "ok  clock",
        "ok  identity     oid-of-app",
        "ok  service      Developer, Succeeded",
        "ok  tier         Developer has what the bundle deploys",
        "ok  key vaults",
        "ok  permissions",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    {
        let inner = azure.inner();
        assert_eq!(inner.scopes, ["https://management.azure.com/.default"]);
        assert_eq!(inner.tokens, 1, "a token is kept");
        let bearer = format!("Bearer {}", token("oid-of-app"));
        assert!(inner.authorizations.iter().all(|sent| *sent == bearer));
    }
    let (status, said) = azure.doctor(&[], &[("AZURE_CLIENT_SECRET", "wrong-one")]);
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("no  identity") && said.contains("AZURE_CLIENT_SECRET"),
        "{said}"
    );
    assert!(!said.contains("wrong-one"), "{said}");
}

#[test]
fn sovereign_clouds_have_tokens_of_their_own() {
    let azure = Azure::start(|_, _| Ok(()));
    for (cloud, scope) in [
        (
            "usgovernment",
            "https://management.usgovcloudapi.net/.default",
        ),
        ("china", "https://management.chinacloudapi.cn/.default"),
    ] {
        let (status, said) = azure.doctor(&["--cloud", cloud], &[("AZURE_CLIENT_SECRET", "s")]);
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(azure.inner().scopes.pop().unwrap(), scope);
    }
}

#[test]
fn a_federated_token_is_shown_as_it_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "projected.token\n").unwrap();
    let azure = Azure::start(|form, _| {
        is(
            form,
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )?;
        is(form, "client_assertion", "projected.token")
    });
    let file = file.display().to_string();
    let (status, said) = azure.doctor(&[], &[("AZURE_FEDERATED_TOKEN_FILE", &file)]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn an_application_signs_with_the_key_of_its_certificate() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    use sha2::Digest as _;
    let key = std::fs::read_to_string(common::repository("hack/azure/tests/keys/issuer.pem"));
    let public = std::fs::read(common::repository("hack/azure/tests/keys/issuer.pub.pem")).unwrap();
    let key = key.unwrap();
    let pair = rcgen::KeyPair::from_pem_and_sign_algo(&key, &rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["app".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    let print = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(certificate.der()));
    let azure = Azure::start(move |form, url| {
        is(
            form,
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )?;
        let assertion = form.get("client_assertion").ok_or("no assertion")?;
        let header = decode_header(assertion).map_err(|error| error.to_string())?;
        if header.alg != Algorithm::PS256 || header.x5t_s256.as_ref() != Some(&print) {
            return Err(format!("AADSTS700027: {header:?}"));
        }
        let mut rules = Validation::new(Algorithm::PS256);
        rules.set_audience(&[url]);
        rules.set_issuer(&["app"]);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        rules.validate_nbf = true;
        rules.sub = Some("app".to_owned());
        let key = DecodingKey::from_rsa_pem(&public).map_err(|error| error.to_string())?;
        let claims = decode::<Value>(assertion, &key, &rules);
        let claims = claims
            .map_err(|error| format!("AADSTS700027: {error}"))?
            .claims;
        match claims["jti"].as_str().is_some_and(|id| id.len() > 10) {
            true => Ok(()),
            false => Err("AADSTS: no jti".to_owned()),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let whole = write("app.pem", &format!("{}{key}", certificate.pem()));
    let (status, said) = azure.doctor(&[], &[("AZURE_CLIENT_CERTIFICATE_PATH", &whole)]);
    assert_eq!(status, Some(0), "{said}");
    // Somebody else's certificate is refused by Entra, what is none by us.
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    let wrong = write("wrong.pem", &format!("{}{key}", other.cert.pem()));
    for (path, part) in [
        (wrong.as_str(), "AZURE_CLIENT_CERTIFICATE_PATH"),
        (&write("half.pem", &key), "it holds no certificate"),
        (&write("none.pem", "hello"), "it holds no certificate"),
        (&write("bare.pem", &certificate.pem()), "it holds no key"),
        (
            &write(
                "ec.pem",
                &format!("{}{}", other.cert.pem(), other.signing_key.serialize_pem()),
            ),
            "its key is no RSA key",
        ),
        ("/nowhere/app.pem", "/nowhere/app.pem"),
    ] {
        let (status, said) = azure.doctor(&[], &[("AZURE_CLIENT_CERTIFICATE_PATH", path)]);
        assert!(status == Some(2) && said.contains(part), "{part}: {said}");
        assert!(!said.contains("PRIVATE KEY"), "{said}");
    }
}

/// An `az` that answers as "az account get-access-token" is documented to.
#[cfg(unix)]
fn az(folder: &Path, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("az");
    std::fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

#[cfg(unix)]
#[test]
fn the_azure_cli_is_asked_for_people() {
    let azure = Azure::start(|_, _| Err("nobody should ask".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let answer = json!({
        "accessToken": token("oid-of-a-person"), "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": 4_070_908_800_u64, "subscription": "s", "tenant": "t", "tokenType": "Bearer",
    });
    let log = folder.path().join("log");
    let path = az(
        folder.path(),
        &format!(
            "echo \"$@\" >> {}\ncat <<'END'\n{answer}\nEND\n",
            log.display()
        ),
    );
    for identity in ["cli", "auto"] {
        let (status, said) = azure.doctor(&["--identity", identity], &[("PATH", &path)]);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("ok  identity     oid-of-a-person"), "{said}");
    }
    let asked = std::fs::read_to_string(&log).unwrap();
    let line = "account get-access-token --resource https://management.azure.com --output json";
    assert_eq!(asked.lines().collect::<Vec<_>>(), [line, line]);
    assert_eq!(azure.inner().tokens, 0);

    let path = az(
        folder.path(),
        "echo \"ERROR: Please run 'az login' to setup account.\" >&2\nexit 1\n",
    );
    let (status, said) = azure.doctor(&["--identity", "cli"], &[("PATH", &path)]);
    assert!(
        status == Some(2) && said.contains("Please run 'az login'"),
        "{said}"
    );
    let path = az(folder.path(), "echo hello\n");
    let (status, said) = azure.doctor(&["--identity", "cli"], &[("PATH", &path)]);
    assert!(
        status == Some(2) && said.contains("no JSON with a token"),
        "{said}"
    );
    let ended = answer.to_string().replace("4070908800", "1000000000");
    let path = az(folder.path(), &format!("cat <<'END'\n{ended}\nEND\n"));
    let (status, said) = azure.doctor(&["--identity", "cli"], &[("PATH", &path)]);
    assert!(
        status == Some(2) && said.contains("has ended already"),
        "{said}"
    );
    let (status, said) = azure.doctor(&["--identity", "cli"], &[("PATH", "/nowhere")]);
    assert!(status == Some(2) && said.contains("az login"), "{said}");
}
