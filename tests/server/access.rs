//! Who may ask for what: every endpoint with every kind of token.

use crate::support::*;
use axum::routing::{get, post as axum_post};
use axum::{Json, Router};
use flux_apim::edge::server::{Auth, Oidc, Options};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

pub(crate) struct Key {
    id: String,
    key: EncodingKey,
    public: Value,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).unwrap();
        let secret = p256::SecretKey::from_slice(&bytes).unwrap();
        let pem = secret.to_pkcs8_pem(LineEnding::LF).unwrap();
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
        let mut public =
            serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        public["kid"] = json!(id);
        Self {
            id: id.to_owned(),
            key,
            public,
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.key).unwrap()
    }

    /// The signature of a token that is made by hand.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        jsonwebtoken::crypto::sign(text.as_bytes(), &self.key, Algorithm::ES256).unwrap()
    }
}

/// An OpenID provider: discovery and keys, which a test may change.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    keys: Arc<Mutex<Vec<Value>>>,
    /// How often it was asked.
    pub(crate) asked: Arc<AtomicUsize>,
    /// Whether it takes questions and does not answer them.
    pub(crate) hangs: Arc<watch::Sender<bool>>,
}

impl Provider {
    pub(crate) async fn start(said: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self {
            issuer: issuer.clone(),
            ..Self::default()
        };
        let (asked, hangs) = (Arc::clone(&provider.asked), Arc::clone(&provider.hangs));
        let said = said.map_or_else(|| issuer.clone(), |said| said.replace("HOST", &issuer));
        let discovery = json!({"issuer": said, "jwks_uri": format!("{issuer}/keys")});
        let served = Arc::clone(&provider.keys);
        let discover = move || async move {
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = hangs.subscribe().wait_for(|hangs| !hangs).await;
            Json(discovery)
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discover))
            .route(
                "/keys",
                get(move || async move { Json(json!({"keys": *served.lock().unwrap()})) }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn show(&self, keys: &[&Key]) {
        self.show_all(keys.iter().map(|key| key.public.clone()).collect());
    }

    pub(crate) fn show_all(&self, keys: Vec<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    async fn service(&self, tenants: &[&str]) -> Running {
        Running::start(self.options(tenants)).await
    }

    pub(crate) fn options(&self, tenants: &[&str]) -> Options {
        Options {
            auth: Auth::Oidc(Oidc {
                issuer: self.issuer.clone(),
                audiences: vec!["api://flux-apim".to_owned()],
                tenants: tenants.iter().map(|&t| t.to_owned()).collect(),
                skew: Duration::from_secs(60),
                refresh: Duration::from_secs(300),
                ca: None,
            }),
            ..options()
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(crate) fn claims(issuer: &str, more: &Value) -> Value {
    let mut claims = json!({
        "iss": issuer, "sub": "a-client", "aud": "api://flux-apim", "exp": now() + 600, "nbf": now() - 10,
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn unsigned(claims: &Value) -> String {
    use base64::Engine;
    let encode =
        |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.",
        encode(&json!({"alg": "none", "typ": "JWT"})),
        encode(claims)
    )
}

/// A token, and what it grants; an error when it is not taken at all.
type Row = (
    &'static str,
    Option<String>,
    Result<Option<&'static str>, ()>,
);

/// Every endpoint: method, path, and the least permission that it takes.
const ENDPOINTS: [(&str, &str, Option<&str>); 11] = [
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/artifacts/x/y/z/w", None),
    ("GET", "/", Some("render")),
    ("GET", "/openapi.json", Some("render")),
    ("GET", "/v1/rules", Some("render")),
    ("GET", "/v1/rules/APIM1003", Some("render")),
    ("POST", "/v1/render", Some("render")),
    ("POST", "/v1/diff", Some("render")),
    ("POST", "/hooks/flux", Some("publish")),
    ("GET", "/metrics", Some("admin")),
];

pub(crate) async fn status(
    service: &Running,
    method: &str,
    path: &str,
    token: Option<&str>,
) -> u16 {
    let url = format!("{}{path}", service.url);
    let mut request = client().request(method.parse().unwrap(), url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status == 401 {
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer"), "{challenge}");
        let (_, body) = problem(response).await;
        assert!(
            !body
                .to_string()
                .contains(token.unwrap_or("no token at all")),
            "{body}"
        );
    }
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_takes_the_tokens_that_it_should() {
    let provider = Provider::start(None).await;
    let (ours, foreign) = (Key::new("ours"), Key::new("ours"));
    provider.show(&[&ours]);
    let service = provider.service(&[]).await;
    let good = |more: &Value| claims(&provider.issuer, more);
    let sign = |more: Value| Some(ours.sign(&good(&more)));
    let render = json!({"scope": "openid flux-apim.render"});
    let with = |more: Value| {
        let mut claims = render.clone();
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        claims
    };
    let levels = ["render", "publish", "admin"];
    let rows: Vec<Row> = vec![
        ("no token", None, Err(())),
        ("no JWT", Some("abc".to_owned()), Err(())),
        ("expired", sign(with(json!({"exp": now() - 120}))), Err(())),
        (
            "expired within the skew",
            sign(with(json!({"exp": now() - 20}))),
            Ok(Some("render")),
        ),
        (
            "not yet valid",
            sign(with(json!({"nbf": now() + 300}))),
            Err(()),
        ),
        ("without exp", sign(with(json!({"exp": null}))), Err(())),
        (
            "wrong issuer",
            sign(with(json!({"iss": "https://elsewhere.example"}))),
            Err(()),
        ),
        (
            "wrong audience",
            sign(with(json!({"aud": "api://other"}))),
            Err(()),
        ),
        (
            "audience among others",
            sign(with(json!({"aud": ["x", "api://flux-apim"]}))),
            Ok(Some("render")),
        ),
        (
            "foreign key of the same name",
            Some(foreign.sign(&good(&render))),
            Err(()),
        ),
        ("alg none", Some(unsigned(&good(&render))), Err(())),
        (
            "symmetric",
            Some(
                encode(
                    &Header::default(),
                    &good(&render),
                    &EncodingKey::from_secret(b"x"),
                )
                .unwrap(),
            ),
            Err(()),
        ),
        (
            "wrong scope",
            sign(json!({"scope": "openid email"})),
            Ok(None),
        ),
        (
            "scope as part of another",
            sign(json!({"scope": "flux-apim.render.not"})),
            Ok(None),
        ),
        ("right scope", sign(render.clone()), Ok(Some("render"))),
        (
            "Entra scope",
            sign(json!({"scp": "flux-apim.render profile"})),
            Ok(Some("render")),
        ),
        (
            "Entra role",
            sign(json!({"roles": ["flux-apim.publish"]})),
            Ok(Some("publish")),
        ),
        (
            "admin",
            sign(json!({"roles": ["flux-apim.admin"]})),
            Ok(Some("admin")),
        ),
    ];
    for (what, token, granted) in &rows {
        for (method, path, needed) in ENDPOINTS {
            let status = status(&service, method, path, token.as_deref()).await;
            let level = |name: &str| levels.iter().position(|level| *level == name);
            let expected = match (needed, granted) {
                (None, _) => None,
                (Some(_), Err(())) => Some(401),
                (Some(_), Ok(None)) => Some(403),
                (Some(needed), Ok(Some(granted))) => {
                    (level(granted) < level(needed)).then_some(403)
                }
            };
            match expected {
                Some(expected) => assert_eq!(status, expected, "{what}: {method} {path}"),
                None => assert!(
                    !matches!(status, 401 | 403 | 500..),
                    "{what}: {method} {path}: {status}"
                ),
            }
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_can_be_granted_what_it_may() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let options = provider.options(&[]);
    let service = Running::start(Options {
        grants: vec!["render=sub:repo:org/apis:pull_request".parse().unwrap()],
        ..options
    })
    .await;
    for (more, expected) in [
        (json!({"sub": "repo:org/apis:pull_request"}), 200),
        (json!({"sub": "repo:org/other:pull_request"}), 403),
        (
            json!({"sub": "x", "scope": "repo:org/apis:pull_request"}),
            403,
        ),
        (json!({"scope": "flux-apim.render"}), 403),
    ] {
        let token = key.sign(&claims(&provider.issuer, &more));
        assert_eq!(
            status(&service, "GET", "/v1/rules", Some(&token)).await,
            expected,
            "{more}"
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_without_a_restart() {
    let provider = Provider::start(None).await;
    let (old, new) = (Key::new("old"), Key::new("new"));
    provider.show(&[&old]);
    let service = provider.service(&[]).await;
    let claims = claims(&provider.issuer, &json!({"scope": "flux-apim.render"}));
    let ask =
        async |key: &Key| status(&service, "GET", "/v1/rules", Some(&key.sign(&claims))).await;
    assert_eq!(ask(&old).await, 200);
    assert_eq!(ask(&new).await, 401);
    provider.show(&[&new]);
    assert_eq!(ask(&new).await, 200);
    assert_eq!(ask(&old).await, 401, "a key that is gone is taken no more");
    // Tokens with keys that nobody knows do not make us ask each time.
    let before = provider.asked.load(Ordering::SeqCst);
    for n in 0..50 {
        assert_eq!(ask(&Key::new(&format!("unknown-{n}"))).await, 401);
    }
    let asked = provider.asked.load(Ordering::SeqCst) - before;
    assert!(asked < 25, "{asked} questions for 50 tokens");
    assert_eq!(ask(&new).await, 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_for_many_tenants_is_taken_for_those_named() {
    let provider = Provider::start(Some("HOST/{tenantid}/v2.0")).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = provider.service(&["tenant-a"]).await;
    for (tid, issuer, expected) in [
        ("tenant-a", "tenant-a", 200),
        ("tenant-b", "tenant-b", 401),
        ("tenant-a", "tenant-b", 401),
        ("tenant-b", "tenant-a", 401),
        ("", "", 401),
    ] {
        let issuer = format!("{}/{issuer}/v2.0", provider.issuer);
        let claims = claims(&issuer, &json!({"tid": tid, "scp": "flux-apim.render"}));
        assert_eq!(
            status(&service, "GET", "/v1/rules", Some(&key.sign(&claims))).await,
            expected,
            "{tid} {issuer}"
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_provider_the_service_is_not_ready() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let provider = Provider {
        issuer,
        ..Provider::default()
    };
    let service = provider.service(&[]).await;
    assert_eq!(status(&service, "GET", "/readyz", None).await, 503);
    assert_eq!(status(&service, "GET", "/healthz", None).await, 200);
    let token = Key::new("k").sign(&claims(
        &provider.issuer,
        &json!({"scope": "flux-apim.admin"}),
    ));
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&token)).await,
        503
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_cluster_are_reviewed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let review = |Json(review): Json<Value>| async move {
        let audiences = review["spec"]["audiences"].clone();
        let token = review["spec"]["token"].as_str().unwrap().to_owned();
        let mut answer = review;
        answer["metadata"] = json!({});
        answer["status"] = match token.as_str() {
            "team" => json!({"authenticated": true, "audiences": audiences, "user": {
                "username": "system:serviceaccount:team:ci", "groups": ["system:authenticated"],
            }}),
            "operator" => json!({"authenticated": true, "audiences": audiences, "user": {
                "username": "operator", "groups": ["system:authenticated", "operators"],
            }}),
            "other-audience" => json!({"authenticated": true, "audiences": ["x"], "user": {
                "username": "y", "groups": ["system:authenticated"],
            }}),
            _ => json!({"authenticated": false}),
        };
        Json(answer)
    };
    let router = Router::new().route(
        "/apis/authentication.k8s.io/v1/tokenreviews",
        axum_post(review),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let config = crate::hook::kubeconfig(folder.path(), &server);
    let process = tokio::task::spawn_blocking(move || {
        let arguments = [
            "--auth",
            "kubernetes",
            "--kubernetes-audience",
            "flux-apim",
            "--grant",
            "render=system:authenticated,admin=group:operators",
        ];
        Process::start(&arguments, &[("KUBECONFIG", &config)])
    });
    let process = process.await.unwrap();
    for (token, path, expected) in [
        (None, "/v1/rules", 401),
        (Some("nobody"), "/v1/rules", 401),
        (Some("other-audience"), "/v1/rules", 401),
        (Some("team"), "/v1/rules", 200),
        (Some("team"), "/v1/rules", 200),
        (Some("team"), "/metrics", 403),
        (Some("operator"), "/metrics", 200),
        (None, "/healthz", 200),
    ] {
        let mut request = client().get(format!("{}{path}", process.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            expected,
            "{token:?} {path}"
        );
    }
}

#[test]
fn everyone_is_let_in_from_elsewhere_only_when_that_is_said() {
    for arguments in [
        &["serve", "--listen", "0.0.0.0:0"][..],
        &["serve", "--listen", "[::]:0"],
        &["serve", "--listen", "192.0.2.1:0"],
        &["serve", "--auth", "oidc"],
        &[
            "serve",
            "--auth",
            "oidc",
            "--oidc-issuer",
            "http://elsewhere.example",
            "--oidc-audience",
            "x",
        ],
        &[
            "serve",
            "--auth",
            "oidc",
            "--oidc-issuer",
            "https://elsewhere.example",
        ],
    ] {
        let (code, _, stderr) = flux_apim(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(
            stderr.contains("--auth") || stderr.contains("--oidc"),
            "{arguments:?}: {stderr}"
        );
    }
    let process = Process::start(&["--listen", "0.0.0.0:0", "--auth", "none"], &[]);
    assert!(process.url.starts_with("http://0.0.0.0:"));
}

#[test]
fn every_flag_of_serve_has_a_variable() {
    let (_, help, _) = flux_apim(&["serve", "--help"]);
    let mut flags = 0;
    for (at, line) in help.lines().enumerate() {
        let Some(flag) = line
            .trim_start()
            .strip_prefix("--")
            .and_then(|rest| rest.split_whitespace().next())
        else {
            continue;
        };
        // Of every command, not of this one.
        if matches!(flag, "color" | "help") {
            continue;
        }
        flags += 1;
        let variable = format!("FLUX_APIM_{}", flag.to_uppercase().replace('-', "_"));
        let entry: Vec<&str> = help.lines().skip(at).take(8).collect();
        assert!(
            entry.join(" ").contains(&format!("env: {variable}")),
            "{flag}: {entry:?}"
        );
    }
    assert!(flags > 30, "{flags}");
}
