//! Registries, proxies and machines as people have them, one situation a test: what
//! others reported of Flux, ORAS, cosign and registries, and how the command must do there.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use flux_apim::tree::Digest;
use registries::liar::{Auth, Habits, Liar, Told};
use registries::noise;
use registries::real::Authority;
use registries::server::{Asked, Server, answer, json as json_answer};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
const PAIR: &str = "me:hunter2";
const INFORMATION: &str = r#"{"properties":{"path":"orders","displayName":"Orders","protocols":["https"],"serviceUrl":"https://orders.example.com"}}"#;
const SPECIFICATION: &str = r#"openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: The order}}
"#;

/// What a command ended with, and all that it said.
struct Said {
    code: Option<i32>,
    stdout: String,
    all: String,
}

impl Said {
    fn done(&self, what: &str) {
        assert_eq!(self.code, Some(0), "{what}: {}", self.all);
    }

    /// It failed with status 2, and says one of `words`.
    fn refused(&self, what: &str, words: &[&str]) {
        let said = self.all.to_lowercase();
        let found = words.iter().any(|word| said.contains(&word.to_lowercase()));
        assert!(
            self.code == Some(2) && found,
            "{what}: {:?} {}",
            self.code,
            self.all
        );
    }

    fn says(&self, what: &str, words: &[&str]) {
        let said = self.all.to_lowercase();
        let found = words.iter().any(|word| said.contains(&word.to_lowercase()));
        assert!(found, "{what}: {:?} {}", self.code, self.all);
    }

    fn is_silent_of(&self, word: &str) {
        assert!(!self.all.contains(word), "{}", self.all);
    }
}

/// A folder with a source and a key pair, where commands run.
struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        lab.tree("source", &[]);
        lab.run(&["keygen"]).done("keygen");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    /// A source with one API, and `more` files that stand over its own.
    fn tree(&self, name: &str, more: &[(&str, &str)]) -> String {
        let own = [
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.yaml", SPECIFICATION),
        ];
        for (path, text) in own.iter().chain(more) {
            self.write(&format!("{name}/{path}"), text);
        }
        self.text(name)
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[])
    }

    /// Runs the command with nothing of our environment but the path.
    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("COSIGN_PASSWORD", "")
            .envs(environment.iter().copied());
        let output = command.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        Said {
            code: output.status.code(),
            all: format!("{stdout}{stderr}"),
            stdout,
        }
    }

    fn git(&self, folder: &str, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path(folder))
            .args(["-c", "user.name=n", "-c", "user.email=n@example.com"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn checkout(&self) {
        self.git("source", &["init", "-q", "-b", "main"]);
        self.git("source", &["add", "."]);
        self.git("source", &["commit", "-qm", "first"]);
    }
}

fn at(liar: &Liar, name: &str) -> String {
    format!("oci://{}/{name}", liar.server.address)
}

fn is(asked: &Asked, method: &str, part: &str) -> bool {
    asked.method == method && asked.uri.path().contains(part)
}

fn instead(response: Response<Body>) -> Option<Told> {
    Some(Told::Instead(response))
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Body> {
    json_answer(
        status,
        &json!({"errors": [{"code": code, "message": message}]}),
    )
}

fn basic() -> Habits {
    Habits {
        auth: Auth::Basic(PAIR.to_owned()),
        ..Habits::default()
    }
}

/// A `.tar.gz` of files.
fn archive(files: &[(&str, &str)]) -> Bytes {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().into()
}

/// GitLab's registry reads a tag `sha256-HEX` that nobody made as the digest
/// (oras-project/oras-go#1396).
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_referrers_that_is_the_subject_itself_means_that_there_are_none() {
    let lab = Lab::new();
    let made: Arc<Mutex<Vec<String>>> = Arc::default();
    let manifests: Arc<Mutex<BTreeMap<String, Bytes>>> = Arc::default();
    let known = made.clone();
    let kept = manifests.clone();
    let habits = Habits {
        beside: Some(Arc::new(move |asked, body| {
            let reference = asked.uri.path().rsplit('/').next()?.to_owned();
            if !asked.uri.path().contains("/manifests/") {
                return None;
            }
            if asked.method == "PUT" {
                known.lock().unwrap().push(reference);
                kept.lock()
                    .unwrap()
                    .insert(Digest::of(body).to_string(), body.clone());
                return None;
            }
            let hex = reference
                .strip_prefix("sha256-")
                .filter(|hex| hex.len() == 64)?;
            if known.lock().unwrap().contains(&reference) {
                return None;
            }
            let digest = format!("sha256:{hex}");
            let bytes = kept.lock().unwrap().get(&digest)?.clone();
            let length = bytes.len().to_string();
            let headers = [
                ("content-type", MANIFEST),
                ("docker-content-digest", digest.as_str()),
                ("content-length", length.as_str()),
            ];
            Some(match asked.method == "HEAD" {
                true => answer(200, &headers, ""),
                false => answer(200, &headers, bytes),
            })
        })),
        ..Habits::default()
    };
    let liar = Liar::honest(habits).await;
    let to = at(&liar, "team/apim:v1");
    let source = lab.text("source");
    lab.run(&["publish", &source, &to, "--insecure"])
        .done("without a key");
    lab.run(&["verify", &to, "--insecure", "--key", "cosign.pub"])
        .refused("nobody signed it", &["no signature", "not signed"]);
    lab.run(&["inspect", &to, "--insecure"]).done("inspect");
    lab.run(&[
        "publish",
        &source,
        &to,
        "--insecure",
        "--sign-key",
        "cosign.key",
        "--attest",
    ])
    .done("with a key");
    lab.run(&["verify", &to, "--insecure", "--key", "cosign.pub"])
        .done("verify");
}

/// A login page at paths that a registry does not know (oras-project/oras-go#633).
#[tokio::test(flavor = "multi_thread")]
async fn a_referrers_api_that_is_a_web_page_is_none() {
    let lab = Lab::new();
    let liar = Liar::start(Habits::default(), |asked, _| {
        if is(asked, "GET", "/referrers/") {
            return instead(answer(307, &[("location", "/login")], ""));
        }
        let page = [("content-type", "text/html; charset=utf-8")];
        (asked.uri.path() == "/login")
            .then(|| instead(answer(200, &page, "<html>sign in</html>")))?
    })
    .await;
    let to = at(&liar, "team/apim:v1");
    lab.run(&[
        "publish",
        &lab.text("source"),
        &to,
        "--insecure",
        "--sign-key",
        "cosign.key",
    ])
    .done("with a key");
    lab.run(&["verify", &to, "--insecure", "--key", "cosign.pub"])
        .done("verify");
    let tags = liar.rival().tags("team/apim");
    assert!(
        tags.iter()
            .any(|tag| tag.starts_with("sha256-") && tag.len() == 71),
        "{tags:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_of_docker_are_read_as_go_reads_them() {
    let lab = Lab::new();
    let liar = Liar::honest(basic()).await;
    let host = liar.server.address.clone();
    let auth = STANDARD.encode(PAIR);
    let entry = json!({"auth": auth});
    let forms: Vec<(&str, Json)> = vec![
        (
            "as docker login writes it",
            json!({"auths": {&host: entry}}),
        ),
        (
            "credHelpers is null",
            json!({"auths": {&host: entry}, "credHelpers": null}),
        ),
        (
            "another entry is null",
            json!({"auths": {"other.example.com": null, &host: entry}}),
        ),
        (
            "password is null beside auth",
            json!({"auths": {&host: {"username": "me", "password": null, "auth": auth}}}),
        ),
        (
            "user and auth",
            json!({"auths": {&host: {"username": "me", "auth": auth}}}),
        ),
        (
            "empty fields beside auth",
            json!({"auths": {&host: {"username": "", "password": "", "auth": auth}}}),
        ),
        (
            "a helper without name",
            json!({"auths": {&host: entry}, "credsStore": ""}),
        ),
        (
            "a helper without name for the host",
            json!({"auths": {&host: entry}, "credHelpers": {&host: ""}, "credsStore": "missing"}),
        ),
        (
            "names in other case",
            json!({"Auths": {&host: {"Auth": auth}}}),
        ),
        (
            "with a scheme",
            json!({"auths": {format!("https://{host}/v2/"): entry}}),
        ),
    ];
    let config = lab.text("config");
    let folder = [("DOCKER_CONFIG", config.as_str())];
    let publish = |name: &str| {
        let to = at(&liar, name);
        lab.run_with(
            &["publish", &lab.text("source"), &to, "--insecure"],
            &folder,
        )
    };
    for (number, (name, form)) in forms.iter().enumerate() {
        lab.write("config/config.json", form.to_string());
        publish(&format!("team/x{number}:v1")).done(name);
    }
    let mut marked = "\u{feff}".as_bytes().to_vec();
    marked.extend(forms[0].1.to_string().into_bytes());
    lab.write("config/config.json", marked);
    publish("team/z:v1").done("a byte order mark");
    for (name, text) in [
        ("auths is null", r#"{"auths": null}"#),
        ("an empty file", ""),
        ("null", "null"),
    ] {
        lab.write("config/config.json", text);
        publish("team/y:v1").refused(name, &["there are none for it"]);
    }
    lab.write("config/config.json", r#"{"auths": "#);
    publish("team/y:v1").refused("no JSON", &["line 1, column"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_found_where_podman_and_runners_keep_them() {
    let lab = Lab::new();
    let liar = Liar::honest(basic()).await;
    let entry = json!({"auth": STANDARD.encode(PAIR)});
    let text = json!({"auths": {&liar.server.address: entry}}).to_string();
    let file = lab.write("runtime/containers/auth.json", &text);
    lab.write("home-config/containers/auth.json", &text);
    let (runtime, config) = (lab.text("runtime"), lab.text("home-config"));
    for (number, (name, value)) in [
        ("XDG_RUNTIME_DIR", runtime.as_str()),
        ("XDG_CONFIG_HOME", config.as_str()),
        ("REGISTRY_AUTH_FILE", file.as_str()),
        ("DOCKER_AUTH_CONFIG", text.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let to = at(&liar, &format!("team/x{number}:v1"));
        lab.run_with(
            &["publish", &lab.text("source"), &to, "--insecure"],
            &[(name, value)],
        )
        .done(name);
    }
    // What stands over the others is asked first, and does not hide them.
    let other = r#"{"auths":{"other.example.com":{"auth":"eDp5"}}}"#;
    let environment = [
        ("DOCKER_AUTH_CONFIG", other),
        ("REGISTRY_AUTH_FILE", file.as_str()),
    ];
    let to = at(&liar, "team/both:v1");
    lab.run_with(
        &["publish", &lab.text("source"), &to, "--insecure"],
        &environment,
    )
    .done("the second place");
    let said = lab.run_with(
        &["publish", &lab.text("source"), &to, "--insecure"],
        &[("REGISTRY_AUTH_FILE", "/nowhere/auth.json")],
    );
    said.refused("the places are named", &["/nowhere/auth.json"]);
}

/// Registries without chunked uploads (kitops-ml/kitops#777).
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_goes_in_one_request_where_chunks_are_refused() {
    let lab = Lab::new();
    // Base64 of noise does not get smaller: more than 16 MiB of layer.
    for n in 0..14 {
        let noise = STANDARD.encode(noise(n, 600_000));
        let text = SPECIFICATION.replace(
            "title: Orders",
            &format!("title: Orders, description: '{noise}'"),
        );
        let information = INFORMATION
            .replace("orders", &format!("a{n}"))
            .replace("Orders", &format!("A{n}"));
        lab.write(&format!("big/apis/a{n}/specification.yaml"), text);
        lab.write(&format!("big/apis/a{n}/apiInformation.json"), information);
    }
    let big = lab.text("big");
    // More than Bicep takes.
    let targets = ["--target", "arm,aso", "-o", "bundle.tar.gz"];
    lab.run(&[&["-q", "render", &big], &targets[..]].concat())
        .done("render");
    assert!(std::fs::metadata(lab.path("bundle.tar.gz")).unwrap().len() > 16 << 20);
    let liar = Liar::start(Habits::default(), |asked, _| {
        let refused = refusal(405, "UNSUPPORTED", "chunked uploads are not supported");
        (asked.method == "PATCH").then(|| instead(refused))?
    })
    .await;
    let to = at(&liar, "team/big:v1");
    lab.run(&["publish", "bundle.tar.gz", &to, "--insecure"])
        .done("PATCH is refused");
    let lines = liar.server.lines();
    assert!(lines.iter().any(|line| line.starts_with("PATCH")));
}

/// Tags that are written once (sigstore/cosign#313, goharbor/harbor#17332; ECR answers 400).
#[tokio::test(flavor = "multi_thread")]
async fn a_first_publication_writes_each_tag_once() {
    for (status, code) in [(412, "PRECONDITION"), (400, "TAG_INVALID")] {
        let lab = Lab::new();
        let written: Arc<Mutex<BTreeMap<String, Digest>>> = Arc::default();
        let books = written.clone();
        let habits = Habits {
            beside: Some(Arc::new(move |asked, body| {
                if asked.method != "PUT" || !asked.uri.path().contains("/manifests/") {
                    return None;
                }
                let digest = Digest::of(body);
                let mut books = books.lock().unwrap();
                let first = books.entry(asked.uri.path().to_owned()).or_insert(digest);
                let message = "configured as immutable";
                (*first != digest).then(|| refusal(status, code, message))
            })),
            ..Habits::default()
        };
        let liar = Liar::honest(habits).await;
        let source = lab.text("source");
        let to = at(&liar, "team/apim:v1");
        lab.run(&[
            "publish",
            &source,
            &to,
            "--insecure",
            "--sign-key",
            "cosign.key",
            "--attest",
        ])
        .done("signed and attested, first time, no referrers API");
        lab.run(&["verify", &to, "--insecure", "--key", "cosign.pub"])
            .done("verify");
        lab.run(&[
            "publish",
            &source,
            &to,
            "--insecure",
            "--sign-key",
            "cosign.key",
            "--attest",
        ])
        .done("the same again");
        let other = lab.tree(
            "other",
            &[(
                "apis/orders/apiInformation.json",
                &INFORMATION.replace("\"Orders\"", "\"Orders 2\""),
            )],
        );
        let taken = at(&liar, "team/apim:v9");
        lab.run(&["publish", &source, &taken, "--insecure"])
            .done("the first");
        let said = lab.run(&["publish", &other, &taken, "--insecure"]);
        said.refused("another bundle to the same tag", &["immutable"]);
        said.says("and what to do", &["--tag"]);
        // A further signature needs the list to be written again.
        lab.run(&["keygen", "-o", "."])
            .refused("keys are never overwritten", &["exists"]);
        std::fs::create_dir(lab.path("second")).unwrap();
        lab.run(&["keygen", "-o", "second"]).done("another key");
        let said = lab.run(&[
            "publish",
            &source,
            &to,
            "--insecure",
            "--sign-key",
            "second/cosign.key",
        ]);
        said.refused("a list that cannot be changed", &["sha256-"]);
        said.says("and what to do", &["exempt"]);
    }
}

/// Docker Hub knows OWNER/NAME only; ECR wants repositories to be made beforehand.
#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_has_no_place_is_not_what_fails_without_a_word() {
    let lab = Lab::new();
    let source = lab.text("source");
    let deep = Liar::start(Habits::default(), |asked, _| {
        let path = asked.uri.path();
        let challenge = r#"Basic realm="registry""#;
        path.contains("/apim/bicep/").then(|| {
            let mut response = refusal(401, "UNAUTHORIZED", "authentication required");
            response
                .headers_mut()
                .insert("www-authenticate", challenge.parse().unwrap());
            instead(response)
        })?
    })
    .await;
    let to = at(&deep, "owner/apim:v1");
    let said = lab.run(&["publish", &source, &to, "--insecure", "--creds", PAIR]);
    said.refused("no third level", &["--bicep-suffix"]);
    assert!(
        deep.tagged("owner/apim", "v1").is_none(),
        "nothing was written before"
    );
    let missing = Liar::start(Habits::default(), |asked, _| {
        let path = asked.uri.path();
        (path.contains("/apim/bicep/")).then(|| {
            instead(refusal(
                404,
                "NAME_UNKNOWN",
                "The repository does not exist",
            ))
        })?
    })
    .await;
    let to = at(&missing, "owner/apim:v1");
    lab.run(&["publish", &source, &to, "--insecure"])
        .refused("a repository that must be made first", &["--bicep-suffix"]);
    for (number, flags) in [
        &["--bicep-suffix", "-bicep"][..],
        &["--bicep-suffix=-bicep"],
        &["--bicep-suffix", ""],
        &["--bicep-suffix="],
    ]
    .into_iter()
    .enumerate()
    {
        let to = at(&missing, &format!("owner/apim:w{number}"));
        let mut arguments = vec!["publish", source.as_str(), to.as_str(), "--insecure"];
        arguments.extend(flags);
        lab.run(&arguments).done(&format!("{flags:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_plain_http_that_are_mixed_up_are_told_apart() {
    let lab = Lab::new();
    for text in [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>",
    ] {
        let plain = Liar::start(Habits::default(), move |_, _| {
            instead(answer(400, &[("content-type", "text/plain")], text))
        })
        .await;
        let said = lab.run(&["inspect", &at(&plain, "a/b:v1"), "--insecure"]);
        said.refused("--insecure to a TLS server", &["speaks TLS"]);
    }
    let authority = Authority::new("own");
    let secure = Liar::start_with(Some(authority.server()), basic(), |_, _| None).await;
    let ca = lab.write("ca.pem", authority.certificate());
    lab.run(&["inspect", &at(&secure, "a/b:v1"), "--insecure"])
        .refused("one that answers with an alert", &["speak TLS"]);
    let said = lab.run(&["inspect", &at(&secure, "a/b:v1")]);
    said.refused("an unknown CA", &["--ca "]);
    said.is_silent_of("--ca-file");
    let said = lab.run(&[
        "inspect",
        &at(&secure, "a/b:v1"),
        "--insecure-skip-tls-verify",
        "--creds",
        PAIR,
    ]);
    said.refused("not verified, and answered", &["has no `v1`"]);
    let up = format!("https://{}", secure.server.address);
    let plain = Liar::start(Habits::default(), move |asked, _| {
        let place = format!("{up}{}", asked.uri.path());
        instead(answer(301, &[("location", &place)], ""))
    })
    .await;
    let said = lab.run(&[
        "inspect",
        &at(&plain, "a/b:v1"),
        "--insecure",
        "--ca",
        &ca,
        "--creds",
        PAIR,
    ]);
    said.refused("http that sends on to https", &["sent us on"]);
    said.says("and what to do", &["leave out --insecure"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_quoted_and_no_reason_is_made_up() {
    let lab = Lab::new();
    let source = lab.text("source");
    let long = "x".repeat(100_000);
    let cases = [
        ("text/plain", "denied: quota of the project is exceeded".to_owned(), "quota of the project"),
        ("text/html", "<html><body><h1>403</h1><p>Blocked by policy FW-12</p></body></html>".to_owned(), "FW-12"),
        ("application/problem+json", json!({"title": "Forbidden", "detail": "the repository is read-only"}).to_string(), "read-only"),
        ("application/json", json!({"message": "suspended for lack of payment"}).to_string(), "lack of payment"),
        (
            "application/json",
            json!({"errors": [{"code": "DENIED", "message": "client with IP '192.0.2.1' is not allowed access."}]}).to_string(),
            "192.0.2.1",
        ),
        ("text/plain", format!("too much {long}"), "too much"),
    ];
    for (kind, body, word) in cases {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            let headers = [("content-type", kind)];
            (asked.method != "HEAD").then(|| instead(answer(403, &headers, body.clone())))?
        })
        .await;
        let to = at(&liar, "a/b:v1");
        let said = lab.run(&["publish", &source, &to, "--insecure"]);
        said.refused(kind, &[word]);
        said.is_silent_of("account is known");
        said.says("nobody is logged in", &["nobody is logged in"]);
        assert!(said.all.len() < 2000, "{}", said.all.len());
        let said = lab.run(&["publish", &source, &to, "--insecure", "--creds", PAIR]);
        said.refused(kind, &[word]);
    }
    let head = Liar::start(Habits::default(), |asked, _| {
        is(asked, "HEAD", "/blobs/").then(|| instead(answer(403, &[], "")))?
    })
    .await;
    lab.run(&["publish", &source, &at(&head, "a/b:v1"), "--insecure"])
        .refused("HEAD has no body", &["push"]);
    let strict = Liar::honest(basic()).await;
    let said = lab.run(&[
        "publish",
        &source,
        &at(&strict, "a/b:v1"),
        "--insecure",
        "--creds",
        "me:wrong",
    ]);
    said.refused("wrong credentials", &["credentials are not accepted"]);
    said.is_silent_of("wrong");
}

/// Mirrors that drop signatures were reported again and again (containers/image#1946).
#[tokio::test(flavor = "multi_thread")]
async fn promotion_keeps_what_is_said_about_a_bundle() {
    for referrers in [(false, false), (false, true), (true, false), (true, true)] {
        let lab = Lab::new();
        let with = |referrers| Habits {
            referrers,
            ..Habits::default()
        };
        let test = Liar::honest(with(referrers.0)).await;
        let production = Liar::honest(with(referrers.1)).await;
        let from = at(&test, "team/apim:v1");
        let verify = |to: &str| {
            let said = lab.run(&[
                "verify",
                to,
                "--insecure",
                "--key",
                "cosign.pub",
                "--format",
                "json",
            ]);
            said.done("verify");
            let answer: Json = serde_json::from_str(&said.stdout).unwrap();
            assert_eq!(
                answer["attestations"].as_array().unwrap().len(),
                2,
                "{answer}"
            );
            assert_eq!(
                answer["signatures"].as_array().unwrap().len(),
                2,
                "{answer}"
            );
            answer["digest"].as_str().unwrap().to_owned()
        };
        lab.run(&[
            "publish",
            &lab.text("source"),
            &from,
            "--insecure",
            "--sign-key",
            "cosign.key",
            "--attest",
        ])
        .done("published and signed");
        let digest = verify(&from);
        let to = at(&production, "team/apim:v1");
        lab.run(&["publish", &from, &to, "--insecure"])
            .done("promoted by publish");
        assert_eq!(verify(&to), digest);
        lab.run(&["pull", &from, "--insecure", "-o", "oci-layout:layout:v1"])
            .done("into a layout");
        let to = at(&production, "team/apim:v2");
        lab.run(&["publish", "oci-layout:layout:v1", &to, "--insecure"])
            .done("from the layout");
        assert_eq!(verify(&to), digest);
        let to = at(&production, "other/apim");
        let said = lab.run(&[
            "copy",
            &from,
            &to,
            "--insecure",
            "--require-signature",
            "cosign.pub",
            "--tag",
            "prod",
        ]);
        said.done("copied");
        assert_eq!(verify(&format!("{to}:v1")), digest);
        assert_eq!(verify(&format!("{to}:prod")), digest);
        assert_eq!(
            test.tagged("team/apim/bicep", "v1"),
            production.tagged("other/apim/bicep", "prod")
        );
        lab.run(&["copy", "oci-layout:layout:v1", "oci-layout:again:v3"])
            .done("between layouts");
        assert_eq!(verify("oci-layout:again:v3"), digest);
        // What is there already costs few questions, and nothing is sent.
        test.server.forget();
        production.server.forget();
        lab.run(&["copy", &from, &to, "--insecure"])
            .says("again", &["nothing to do"]);
        let asked = [test.server.lines(), production.server.lines()].concat();
        println!(
            "referrers: {referrers:?}, {} requests: {asked:#?}",
            asked.len()
        );
        assert!(asked.len() <= 6, "{asked:#?}");
        assert!(
            asked
                .iter()
                .all(|line| line.starts_with("GET") || line.starts_with("HEAD"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_came_later_comes_along() {
    let lab = Lab::new();
    for name in ["second", "third"] {
        std::fs::create_dir(lab.path(name)).unwrap();
        lab.run(&["keygen", "-o", name]).done("another key");
    }
    let test = Liar::honest(Habits::default()).await;
    let production = Liar::honest(Habits::default()).await;
    let source = lab.text("source");
    for first in ["legacy", "both"] {
        let from = at(&test, &format!("team/{first}:v1"));
        let to = at(&production, &format!("team/{first}:v1"));
        let sign = |key: &str, format: &str| {
            let publish = ["publish", &source, &from, "--insecure"];
            let flags = ["--sign-key", key, "--signature-format", format];
            lab.run(&[publish, flags].concat()).done("signed");
        };
        let copy = |more: &[&str]| {
            let copy = [&["copy", &from, &to, "--insecure"], more].concat();
            lab.run(&copy).done("copied");
        };
        let is_by = |key: &str| {
            let verify = ["verify", &to, "--insecure", "--key", key];
            lab.run(&verify).code == Some(0)
        };
        sign("cosign.key", first);
        copy(&[]);
        assert!(is_by("cosign.pub") && !is_by("second/cosign.pub"));
        sign("second/cosign.key", first);
        copy(&[]);
        assert!(is_by("second/cosign.pub"), "{first}");
        // A payload beside bundles is looked for where somebody asks for the signature.
        sign("third/cosign.key", "legacy");
        copy(&["--require-signature", "third/cosign.pub"]);
        assert!(is_by("third/cosign.pub"), "{first}");
        assert!(is_by("cosign.pub") && is_by("second/cosign.pub"), "{first}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promotion_asks_for_signature_and_environment_before_a_byte_is_written() {
    let lab = Lab::new();
    let (test, production) = (
        Liar::honest(Habits::default()).await,
        Liar::honest(Habits::default()).await,
    );
    let (from, to) = (at(&test, "team/apim:v1"), at(&production, "team/apim:v1"));
    lab.write("source/configuration.test.yaml", "{}\n");
    lab.run(&[
        "publish",
        &lab.text("source"),
        &from,
        "--insecure",
        "--env",
        "test",
    ])
    .done("published");
    lab.run(&[
        "copy",
        &from,
        &to,
        "--insecure",
        "--require-signature",
        "cosign.pub",
    ])
    .refused("nobody signed it", &["not signed"]);
    lab.run(&["copy", &from, &to, "--insecure", "--environment", "prod"])
        .refused(
            "of another environment",
            &["of the environment test, not of prod"],
        );
    lab.run(&["copy", &from, &to, "--insecure", "--dry-run"])
        .says("dry run", &["would be copied"]);
    assert_eq!(production.rival().tags("team/apim"), Vec::<String>::new());
    let wrote = |line: &String| !(line.starts_with("GET") || line.starts_with("HEAD"));
    assert!(!production.server.lines().iter().any(wrote));
    let said = lab.run(&["copy", &from, &to, "--insecure", "--environment", "test"]);
    said.says("it says of which environment it is", &["environment  test"]);
}

#[test]
fn a_git_lfs_pointer_is_said_to_be_one() {
    let lab = Lab::new();
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n",
        "4d".repeat(32)
    );
    for name in ["specification.yaml", "apiInformation.json", "policy.xml"] {
        let file = format!("apis/orders/{name}");
        let source = lab.tree(&format!("lfs-{name}"), &[(&file, &pointer)]);
        let said = lab.run(&["validate", &source, "--format", "json"]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.all);
        let answer: Json = serde_json::from_str(&said.stdout).unwrap();
        let of_file: Vec<&Json> = answer["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["path"] == json!(file))
            .collect();
        assert_eq!(of_file.len(), 1, "{name}: {answer}");
        assert_eq!(of_file[0]["code"], "APIM8008");
        let said = lab.run(&["validate", &source]);
        said.says(name, &["Git LFS"]);
    }
    // What nobody reads may be a pointer.
    let source = lab.tree(
        "picture",
        &[("docs/picture.json", &pointer), ("logo.png", &pointer)],
    );
    let said = lab.run(&["validate", &source]);
    assert_eq!(said.code, Some(0), "{}", said.all);
}

/// nginx or stunnel before a registry that takes itself for http (distribution#2225).
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_takes_itself_for_http_is_told_what_to_change() {
    let lab = Lab::new();
    let authority = Authority::new("own");
    let ca = lab.write("ca.pem", authority.certificate());
    let hint = &["X-Forwarded-Proto"];
    let source = lab.text("source");
    let secure = |habits: Habits| Liar::start_with(Some(authority.server()), habits, |_, _| None);
    // Ours gives absolute locations with http.
    let upload = secure(Habits::default()).await;
    let said = lab.run(&["publish", &source, &at(&upload, "a/b:v1"), "--ca", &ca]);
    said.refused("Location of an upload", hint);
    said.says(
        "with its port",
        &[&format!("http://{}", upload.server.address)],
    );
    let realm = secure(Habits {
        auth: Auth::Bearer {
            realm: "/token".to_owned(),
            good: Arc::new(|_, _| false),
        },
        ..Habits::default()
    })
    .await;
    lab.run(&[
        "publish",
        &source,
        &at(&realm, "a/b:v1"),
        "--ca",
        &ca,
        "--creds",
        PAIR,
    ])
    .refused("realm of the token service", hint);
    let page = Liar::start_with(
        Some(authority.server()),
        Habits {
            relative: true,
            page: Some(1),
            ..Habits::default()
        },
        |asked, _| {
            let host = asked.header("host").unwrap_or("").to_owned();
            is(asked, "GET", "/tags/list").then(|| {
                Some(Told::Changed(Box::new(move |mut response| {
                    let link = format!("<http://{host}/v2/a/b/tags/list?from=1>; rel=\"next\"");
                    response.headers_mut().insert("link", link.parse().unwrap());
                    response
                })))
            })?
        },
    )
    .await;
    let to = at(&page, "a/b:v1");
    lab.run(&["publish", &source, &to, "--ca", &ca, "--tag", "v2"])
        .done("published");
    lab.run(&["history", &at(&page, "a/b"), "--ca", &ca])
        .refused("Link of the next page", hint);
}

/// Docker Hub counts each GET of a manifest as a pull (docker/hub-feedback#2093).
#[tokio::test(flavor = "multi_thread")]
async fn history_asks_little() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    for n in 0..4 {
        let information = INFORMATION.replace("\"Orders\"", &format!("\"Orders {n}\""));
        let source = lab.tree(
            "source",
            &[("apis/orders/apiInformation.json", &information)],
        );
        lab.run(&[
            "publish",
            &source,
            &at(&liar, &format!("a/b:v{n}")),
            "--insecure",
        ])
        .done("published");
    }
    for n in 0..1000 {
        liar.rival()
            .point("a/b", &format!("v{}", n % 4), &format!("t{n}"));
    }
    liar.server.forget();
    let said = lab.run(&[
        "history",
        &at(&liar, "a/b"),
        "--insecure",
        "--limit",
        "1",
        "--format",
        "json",
    ]);
    said.done("history");
    let lines = liar.server.lines();
    let gets = lines
        .iter()
        .filter(|line| line.starts_with("GET") && line.contains("/manifests/"));
    assert!(gets.count() <= 5, "{lines:?}");
    let answer: Json = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (
            answer["entries"].as_array().unwrap().len(),
            &answer["left_out"]
        ),
        (1, &json!(3))
    );
    assert!(
        answer["entries"][0]["changes"].is_object(),
        "against the next older one: {answer}"
    );
    // One that does not answer the cheap question is asked the dear one.
    let old = Liar::start(Habits::default(), |asked, _| {
        is(asked, "HEAD", "/manifests/v").then(|| instead(answer_of(405)))?
    })
    .await;
    lab.run(&[
        "publish",
        &lab.text("source"),
        &at(&old, "a/b:v1"),
        "--insecure",
    ])
    .done("published");
    let said = lab.run(&["history", &at(&old, "a/b"), "--insecure"]);
    said.says("history without HEAD", &["v1"]);
}

fn answer_of(status: u16) -> Response<Body> {
    answer(status, &[], "")
}

/// More than `tags.maxtags` is a 400 (distribution/distribution#4844).
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_refused_is_asked_for_without_a_size() {
    let lab = Lab::new();
    let habits = Habits {
        page: Some(2),
        ..Habits::default()
    };
    let liar = Liar::start(habits, |asked, _| {
        let many = asked
            .query("n")
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: u32| n > 100);
        (is(asked, "GET", "/tags/list") && many).then(|| {
            instead(refusal(
                400,
                "PAGINATION_NUMBER_INVALID",
                "invalid number of results",
            ))
        })?
    })
    .await;
    let source = lab.text("source");
    let to = at(&liar, "a/b:v1");
    lab.run(&[
        "publish",
        &source,
        &to,
        "--insecure",
        "--tag",
        "v2",
        "--tag",
        "v3",
    ])
    .done("published");
    let said = lab.run(&["history", &at(&liar, "a/b"), "--insecure"]);
    said.done("history");
    for tag in ["v1", "v2", "v3"] {
        assert!(said.stdout.contains(tag), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_to_come_back_is_told_and_kept_where_there_is_time() {
    let lab = Lab::new();
    let source = lab.text("source");
    for (after, told) in [("60", "60 s"), ("21600", "6 h")] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            is(asked, "PUT", "/manifests/").then(|| {
                let headers = [("retry-after", after)];
                instead(answer(429, &headers, "Rate exceeded"))
            })?
        })
        .await;
        let said = lab.run(&["publish", &source, &at(&liar, "a/b:v1"), "--insecure"]);
        said.refused(after, &[told]);
        said.says("and what to do", &["--timeout"]);
    }
    // Longer than is waited for without --timeout, shortened for the test by a date.
    let left = Arc::new(AtomicUsize::new(2));
    let liar = Liar::start(Habits::default(), move |asked, _| {
        let less = |left: usize| left.checked_sub(1);
        let limited = is(asked, "PUT", "/manifests/")
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
                .is_ok();
        limited.then(|| instead(answer(429, &[("retry-after", "2")], "Rate exceeded")))?
    })
    .await;
    let began = Instant::now();
    let said = lab.run(&[
        "publish",
        &source,
        &at(&liar, "a/b:v1"),
        "--insecure",
        "--timeout",
        "30s",
    ]);
    said.done("waited for");
    said.says("each wait is told", &["again in 2 s"]);
    assert!(began.elapsed() >= Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_answers_is_waited_for_until_the_timeout() {
    let lab = Lab::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("oci://{}/a/b:v1", silent.local_addr().unwrap());
    let began = Instant::now();
    let said = lab.run(&["inspect", &to, "--insecure", "--timeout", "5s"]);
    said.refused("never answers", &["--timeout is over"]);
    said.says("told after three seconds", &["waiting for 127.0.0.1"]);
    assert!(began.elapsed() < Duration::from_secs(30));
    let said = lab.run(&["-q", "inspect", &to, "--insecure", "--timeout", "4s"]);
    said.is_silent_of("waiting for");
}

/// Flux reads Docker's media types to this day (fluxcd/flux2#3575), and layers by selector.
#[tokio::test(flavor = "multi_thread")]
async fn artifacts_that_flux_takes_are_sources() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let rival = liar.rival();
    let packed = archive(&[
        ("apis/orders/apiInformation.json", INFORMATION),
        ("apis/orders/specification.yaml", SPECIFICATION),
    ]);
    let readme = archive(&[("README", "")]);
    let put = |name: &str, kind: &str, layers: &[(&str, &Bytes)]| {
        let described = |media_type: &str, bytes: &Bytes| json!({"mediaType": media_type, "digest": rival.blob(name, bytes.clone()), "size": bytes.len()});
        let layers: Vec<Json> = layers
            .iter()
            .map(|(kind, bytes)| described(kind, bytes))
            .collect();
        let config = described(
            "application/vnd.docker.container.image.v1+json",
            &Bytes::from("{}"),
        );
        let manifest =
            json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers});
        rival.put(name, "v1", kind, manifest.to_string().into());
        at(&liar, &format!("{name}:v1"))
    };
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let oci = "application/vnd.oci.image.layer.v1.tar+gzip";
    let old = put("a/old", docker, &[(gzip, &packed)]);
    lab.run(&["validate", &old, "--insecure"])
        .done("of Flux's command before 0.40");
    let two = put("a/two", MANIFEST, &[(oci, &readme), (LAYER, &packed)]);
    lab.run(&["validate", &two, "--insecure"])
        .done("the layer of Flux's type");
    let plain = put("a/plain", MANIFEST, &[(oci, &packed), (oci, &readme)]);
    let said = lab.run(&["validate", &plain, "--insecure", "--format", "json"]);
    said.done("the first of two");
    said.says("and that it was the first", &["APIM8010"]);
    let named = put(
        "a/named",
        MANIFEST,
        &[
            (oci, &readme),
            ("application/vnd.example+tar+gzip", &packed),
        ],
    );
    lab.run(&[
        "validate",
        &named,
        "--insecure",
        "--layer-type",
        "application/vnd.example+tar+gzip",
    ])
    .done("the layer that is named");
    lab.run(&["validate", &named, "--insecure", "--layer-type", "a/b"])
        .refused("no such layer", &["no layer is `a/b`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_vaults_that_are_not_asked_are_named() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let to = at(&liar, "a/b:v1");
    for name in [
        "awskms:///alias/x",
        "gcpkms://projects/p",
        "hashivault://key",
        "k8s://ns/cosign",
        "env://COSIGN_KEY",
        "pkcs11:slot://x",
    ] {
        lab.run(&[
            "publish",
            &lab.text("source"),
            &to,
            "--insecure",
            "--sign-key",
            name,
        ])
        .refused(name, &["not supported"]);
        let said = lab.run(&["verify", &to, "--insecure", "--key", name]);
        said.refused(name, &["not supported"]);
        said.says("where the public key can be had", &["cosign public-key"]);
    }
    for name in ["azurekms://", "azurekms://a/b/c/d"] {
        lab.run(&[
            "publish",
            &lab.text("source"),
            &to,
            "--insecure",
            "--sign-key",
            name,
        ])
        .refused(name, &["azurekms://VAULT/KEY"]);
    }
    lab.run(&[
        "publish",
        &lab.text("source"),
        &to,
        "--insecure",
        "--sign-key",
        "azurekms://evil.example/key",
    ])
    .refused(
        "a token goes to vaults of Azure only",
        &["no Azure Key Vault"],
    );
}

fn annotations(liar: &Liar, name: &str) -> Json {
    let manifest = liar.tagged(name, "v1").unwrap_or_default();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap_or_default();
    manifest["annotations"].clone()
}

/// Jobs in a container, whose workspace belongs to another user (actions/checkout#760).
#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_whose_git_does_not_answer_is_told_of() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    lab.checkout();
    lab.git(
        "source",
        &[
            "remote",
            "add",
            "origin",
            "https://git.example.com/contoso/apim.git",
        ],
    );
    let source = lab.text("source");
    lab.run(&["publish", &source, &at(&liar, "a/own:v1"), "--insecure"])
        .done("own checkout");
    let revision = "org.opencontainers.image.revision";
    assert!(annotations(&liar, "a/own")[revision].is_string());
    // Without a program called git.
    std::fs::create_dir(lab.path("nothing")).unwrap();
    let nothing = lab.text("nothing");
    let bare = [("PATH", nothing.as_str())];
    let said = lab.run_with(
        &["publish", &source, &at(&liar, "a/nogit:v1"), "--insecure"],
        &bare,
    );
    said.done("no git");
    said.says("no git", &["git is not installed"]);
    let to = at(&liar, "a/nogit");
    lab.run_with(
        &["publish", &source, &to, "--tag", "{{short}}", "--insecure"],
        &bare,
    )
    .refused("a tag that needs the commit", &["git is not installed"]);
    lab.run_with(
        &[
            "publish",
            &source,
            &to,
            "--sign-key",
            "cosign.key",
            "--attest",
            "--insecure",
        ],
        &bare,
    )
    .refused(
        "provenance that needs the commit",
        &["git is not installed"],
    );
    let given = [
        "--revision",
        "main@sha1:0123456789012345678901234567890123456789",
        "--source-url",
        "https://user:secret@git.example.com/contoso/apim.git?x=1",
    ];
    let mut arguments = vec![
        "publish",
        source.as_str(),
        to.as_str(),
        "--tag",
        "v1",
        "--tag",
        "{{branch}}-{{short}}",
        "--insecure",
    ];
    arguments.extend(given);
    let said = lab.run_with(&arguments, &bare);
    said.done("given by hand");
    said.says("tags of what was given", &["main-0123456"]);
    let all = annotations(&liar, "a/nogit");
    assert_eq!(
        all["org.opencontainers.image.source"],
        "https://git.example.com/contoso/apim.git"
    );
    if !is_root() {
        println!("the checkout of another user: only as root");
        return;
    }
    give_away(&lab.path("source"));
    let said = lab.run(&["publish", &source, &at(&liar, "a/other:v1"), "--insecure"]);
    said.says("a checkout of another user", &["safe.directory"]);
    lab.run(&[
        "publish",
        &source,
        &at(&liar, "a/other"),
        "--tag",
        "{{short}}",
        "--insecure",
    ])
    .refused("a tag that needs the commit", &["safe.directory"]);
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    tempfile::tempdir().is_ok_and(|folder| folder.path().metadata().is_ok_and(|m| m.uid() == 0))
}

fn give_away(folder: &Path) {
    let owner = Some(12345);
    std::os::unix::fs::chown(folder, owner, owner).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => give_away(&entry.path()),
            false => std::os::unix::fs::lchown(entry.path(), owner, owner).unwrap(),
        }
    }
}

/// CI systems check out commits (microsoft/azure-pipelines-agent#1980).
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_not_checked_out_is_said_or_taken_from_the_build() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    lab.checkout();
    lab.git("source", &["checkout", "-q", "--detach"]);
    let source = lab.text("source");
    let to = at(&liar, "a/b");
    let publish = [
        "publish",
        source.as_str(),
        to.as_str(),
        "--tag",
        "{{branch}}",
        "--insecure",
    ];
    lab.run(&publish).refused("nobody says it", &["--branch"]);
    let builds: [(&str, &[(&str, &str)]); 4] = [
        (
            "Jenkins",
            &[
                ("JENKINS_URL", "https://jenkins.example.com/"),
                ("BRANCH_NAME", "main"),
                ("GIT_BRANCH", "origin/main"),
            ],
        ),
        (
            "Azure Pipelines",
            &[
                ("TF_BUILD", "True"),
                ("BUILD_SOURCEBRANCH", "refs/heads/main"),
                ("BUILD_SOURCEBRANCHNAME", "main"),
            ],
        ),
        (
            "GitLab CI",
            &[
                ("GITLAB_CI", "true"),
                ("CI", "true"),
                ("CI_COMMIT_BRANCH", "main"),
                ("CI_COMMIT_REF_NAME", "main"),
            ],
        ),
        (
            "GitHub Actions",
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_HEAD_REF", "main"),
                ("GITHUB_REF", "refs/pull/7/merge"),
            ],
        ),
    ];
    let mut bytes = Vec::new();
    for (name, environment) in builds {
        lab.run_with(&publish, environment).done(name);
        bytes.extend(liar.tagged("a/b", "main"));
    }
    assert!(
        bytes.windows(2).all(|pair| pair[0] == pair[1]),
        "the digest is the same everywhere"
    );
    let mut given = publish.to_vec();
    given.extend(["--branch", "release/1"]);
    lab.run(&given).done("given");
    let manifest = liar.tagged("a/b", "release-1").unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    let revision = manifest["annotations"]["org.opencontainers.image.revision"]
        .as_str()
        .unwrap();
    assert!(revision.starts_with("release/1@sha1:"), "{revision}");
}

/// Old manifests among the tags (fluxcd/flux#838); the specification allows sha512.
#[tokio::test(flavor = "multi_thread")]
async fn tags_of_something_else_are_passed_over_and_replaced() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let config = json!({"mediaType": "application/vnd.example.config", "digest": Digest::of(b"{}").to_string(), "size": 2});
    let image = |layers: Json, annotations: Json| json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, "annotations": annotations});
    let long = "x".repeat(4 << 20);
    let sha512 = format!("sha512:{}", "a".repeat(128));
    let foreign = [
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({"schemaVersion": 1, "name": "x", "tag": "x", "fsLayers": []}),
        ),
        (
            "application/vnd.oci.artifact.manifest.v1+json",
            json!({"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "artifactType": "a/b", "blobs": []}),
        ),
        (MANIFEST, image(Json::Null, Json::Null)),
        (
            MANIFEST,
            image(
                json!([{"mediaType": "a/b", "digest": sha512, "size": 3}]),
                json!({}),
            ),
        ),
        (MANIFEST, image(json!([]), json!({"a": long}))),
        (
            MANIFEST,
            image(
                json!([{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": Digest::of(b"").to_string(), "size": 0}]),
                json!({}),
            ),
        ),
        (MANIFEST, json!("no manifest at all")),
    ];
    let source = lab.text("source");
    for (number, (kind, body)) in foreign.iter().enumerate() {
        let name = format!("a/b{number}");
        lab.run(&[
            "publish",
            &source,
            &at(&liar, &format!("{name}:v1")),
            "--insecure",
        ])
        .done(kind);
        liar.rival()
            .put(&name, "other", kind, body.to_string().into());
        let said = lab.run(&[
            "history",
            &at(&liar, &name),
            "--insecure",
            "--format",
            "json",
        ]);
        said.done(kind);
        let answer: Json = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(answer["entries"][0]["tags"], json!(["v1"]), "{kind}");
        assert_eq!(answer["others"], 1, "{kind}");
        let said = lab.run(&[
            "publish",
            &source,
            &at(&liar, &format!("{name}:other")),
            "--insecure",
        ]);
        said.done(kind);
        said.says(
            "that something else was there",
            &["pointed to something else"],
        );
        let said = lab.run(&["history", &at(&liar, &name), "--insecure"]);
        assert!(said.stdout.contains("other, v1"), "{}", said.all);
    }
}

/// Blobs that are collected between the question and the manifest, or that a cache says are
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_are_not_there_after_all_are_sent_again() {
    let lab = Lab::new();
    let liar = Liar::start(Habits::default(), |asked, _| {
        let digest = asked.uri.path().rsplit('/').next().unwrap_or("").to_owned();
        is(asked, "HEAD", "/blobs/")
            .then(|| instead(answer(200, &[("docker-content-digest", &digest)], "")))?
    })
    .await;
    let to = at(&liar, "a/b:v1");
    lab.run(&[
        "publish",
        &lab.text("source"),
        &to,
        "--insecure",
        "--sign-key",
        "cosign.key",
    ])
    .done("publish");
    lab.run(&["verify", &to, "--insecure", "--key", "cosign.pub"])
        .done("verify");
    let copy = at(&liar, "a/c:v1");
    lab.run(&["copy", &to, &copy, "--insecure"]).done("copy");
    lab.run(&["verify", &copy, "--insecure", "--key", "cosign.pub"])
        .done("verify the copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_leaves_a_tag_to_go_back_to_and_changes_are_told() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    lab.checkout();
    let source = lab.text("source");
    let to = at(&liar, "a/b");
    lab.run(&["publish", &source, &to, "--insecure"])
        .done("clean");
    let tags = liar.rival().tags("a/b");
    assert!(
        tags.len() == 2 && tags.contains(&"latest".to_owned()),
        "{tags:?}"
    );
    let clean = liar.tagged("a/b", "latest");
    lab.write(
        "source/apis/orders/apiInformation.json",
        INFORMATION.replace("\"Orders\"", "\"Orders 2\""),
    );
    let said = lab.run(&["publish", &source, &to, "--insecure"]);
    said.done("with changes");
    said.says("it is said", &["changes that no commit has"]);
    assert_eq!(liar.tagged("a/b", "latest"), clean, "latest stays");
    let tags = liar.rival().tags("a/b");
    assert!(tags.iter().any(|tag| tag.ends_with("-dirty")), "{tags:?}");
    let latest = format!("{to}:latest");
    lab.run(&["publish", &source, &latest, "--insecure"])
        .refused("latest alone", &["--allow-dirty"]);
    lab.run(&[
        "publish",
        &source,
        &to,
        "--insecure",
        "--sign-key",
        "cosign.key",
        "--attest",
    ])
    .refused("provenance", &["--allow-dirty"]);
    let said = lab.run(&[
        "publish",
        &source,
        &to,
        "--insecure",
        "--dry-run",
        "--allow-dirty",
    ]);
    said.says("dry run", &["would be published"]);
    assert_eq!(liar.tagged("a/b", "latest"), clean);
    lab.run(&["publish", &source, &to, "--insecure", "--allow-dirty"])
        .done("allowed");
    assert_ne!(liar.tagged("a/b", "latest"), clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_old_bundles_are_removed_with_all_that_is_theirs() {
    for referrers in [false, true] {
        let lab = Lab::new();
        let habits = Habits {
            referrers,
            ..Habits::default()
        };
        let liar = Liar::honest(habits).await;
        let to = at(&liar, "a/b");
        lab.git_init();
        let mut digests = Vec::new();
        for n in 0..5 {
            let information = INFORMATION.replace("\"Orders\"", &format!("\"Orders {n}\""));
            let source = lab.tree(
                "source",
                &[("apis/orders/apiInformation.json", &information)],
            );
            lab.commit(n);
            let tag = format!("v{n}");
            let said = lab.run(&[
                "publish",
                &source,
                &to,
                "--tag",
                &tag,
                "--insecure",
                "--sign-key",
                "cosign.key",
                "--attest",
                "--format",
                "json",
            ]);
            said.done("published");
            let answer: Json = serde_json::from_str(&said.stdout).unwrap();
            digests.push(answer["digest"].as_str().unwrap().to_owned());
        }
        lab.run(&[
            "tag",
            &format!("{to}:v1"),
            "stable",
            "--insecure",
            "--dry-run",
        ])
        .says("dry run", &["would move stable"]);
        assert!(liar.tagged("a/b", "stable").is_none());
        lab.run(&["tag", &format!("{to}:v1"), "stable", "--insecure"])
            .says("tagged", &["moved stable"]);
        assert_eq!(liar.tagged("a/b", "stable"), liar.tagged("a/b", "v1"));
        assert_eq!(
            liar.tagged("a/b/bicep", "stable"),
            liar.tagged("a/b/bicep", "v1")
        );
        let pins = lab.write(
            "pins/prod.yaml",
            format!("spec:\n  ref:\n    digest: {}\n", digests[0]),
        );
        let prune = [
            "prune",
            to.as_str(),
            "--insecure",
            "--keep",
            "1",
            "--keep-tagged",
            "sta*",
            "--keep-named",
            pins.as_str(),
        ];
        let mut dry = prune.to_vec();
        dry.push("--dry-run");
        lab.run(&dry)
            .says("dry run", &["2 of 5 bundles would be removed"]);
        assert_eq!(
            liar.rival()
                .tags("a/b")
                .iter()
                .filter(|tag| tag.starts_with('v'))
                .count(),
            5
        );
        lab.run(&prune).says("pruned", &["2 of 5 bundles removed"]);
        let tags = liar.rival().tags("a/b");
        let versions: Vec<&String> = tags.iter().filter(|tag| tag.starts_with('v')).collect();
        assert_eq!(versions, ["v0", "v1", "v4"]);
        let said = tags.iter().filter(|tag| tag.starts_with("sha256-")).count();
        assert_eq!(
            said,
            if referrers { 3 } else { 6 },
            "signatures went too: {tags:?}"
        );
        let modules = liar.rival().tags("a/b/bicep");
        assert_eq!(modules, ["stable", "v0", "v1", "v4"]);
        for tag in ["v0", "v1", "v4"] {
            lab.run(&[
                "verify",
                &format!("{to}:{tag}"),
                "--insecure",
                "--key",
                "cosign.pub",
            ])
            .done(tag);
        }
        // Nothing is so old that it goes for its age, when its time is within.
        lab.run(&[
            "prune",
            &to,
            "--insecure",
            "--keep",
            "0",
            "--keep-within",
            "36500d",
        ])
        .says("within", &["0 of 3 bundles removed"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_that_answer_nonsense_leave_no_tag_and_few_words() {
    type Lie = fn(&Asked) -> Option<Told>;
    let table: [(&str, Lie, &str); 4] = [
        (
            "ten megabytes of words",
            |asked| {
                let long = "<html><title>Forbidden</title>".to_owned() + &"no ".repeat(3 << 20);
                is(asked, "POST", "/uploads/")
                    .then(|| instead(answer(403, &[("content-type", "text/html")], long)))?
            },
            "forbidden",
        ),
        (
            "a redirect to itself",
            |asked| {
                let here = asked.uri.path().to_owned();
                is(asked, "HEAD", "/manifests/")
                    .then(|| instead(answer(307, &[("location", &here)], "")))?
            },
            "redirects more than",
        ),
        (
            "a page in place of an upload",
            |asked| {
                is(asked, "POST", "/uploads/").then(|| {
                    instead(answer(
                        200,
                        &[("content-type", "text/html")],
                        "<html>sign in",
                    ))
                })?
            },
            "answered 200: sign in",
        ),
        (
            "a page in place of a manifest's acceptance",
            |asked| {
                is(asked, "PUT", "/manifests/").then(|| {
                    instead(answer(
                        200,
                        &[("content-type", "text/html")],
                        "<html>sign in",
                    ))
                })?
            },
            "the answer is a web page",
        ),
    ];
    for (name, lie, word) in table {
        let lab = Lab::new();
        let liar = Liar::start(Habits::default(), move |asked, _| lie(asked)).await;
        let source = lab.text("source");
        let said = lab.run(&["publish", &source, &at(&liar, "a/b:v1"), "--insecure"]);
        said.refused(name, &[word]);
        assert!(said.all.len() < 4000, "{name}: {} bytes", said.all.len());
        assert_eq!(liar.rival().tags("a/b"), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_another_kind_are_told_before_anything_is_asked() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let to = at(&liar, "a/b:v1");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    lab.write("p384.key", key.serialize_pem());
    lab.write("p384.pub", key.public_key_pem());
    lab.write("page.pub", "<html>sign in</html>");
    let publish = [
        "publish",
        &lab.text("source"),
        &to,
        "--insecure",
        "--sign-key",
    ];
    for key in ["p384.key", "cosign.pub"] {
        lab.run(&[&publish[..], &[key]].concat())
            .refused(key, &["p-256", "private key"]);
    }
    for key in ["p384.pub", "page.pub", "cosign.key"] {
        lab.run(&["verify", &to, "--insecure", "--key", key])
            .refused(key, &["p-256", "public key"]);
    }
    assert_eq!(liar.server.lines(), Vec::<String>::new());
}

/// An API server that knows one custom resource, which names `digest`.
async fn cluster(digest: String, refuses: Option<u16>) -> Server {
    Server::start(move |asked: Asked| {
        let list = |items: Json, next: &str| {
            json_answer(
                200,
                &json!({
                    "apiVersion": "v1", "kind": "List", "items": items,
                    "metadata": {"resourceVersion": "1", "continue": next},
                }),
            )
        };
        let first = asked.query("continue").is_none();
        let answer = match (refuses, asked.uri.path()) {
            (Some(status), _) => json_answer(
                status,
                &json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status,
                    "message": "apimbundles is forbidden", "reason": "Forbidden",
                }),
            ),
            (None, "/apis/flux-apim.dev/v1alpha1/apimbundles") if first => list(json!([]), "more"),
            (None, "/apis/flux-apim.dev/v1alpha1/apimbundles") => list(
                json!([{
                    "apiVersion": "flux-apim.dev/v1alpha1", "kind": "ApimBundle",
                    "metadata": {"name": "apim", "namespace": "team"},
                    "status": {
                        "published": {"digest": digest, "time": "2026-02-03T04:05:06Z"},
                    },
                }]),
                "",
            ),
            // Flux is not there.
            _ => answer(404, &[("content-type", "text/plain")], "404 page not found"),
        };
        Box::pin(async move { Some(answer) })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cluster_runs_is_not_removed() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let to = at(&liar, "a/b");
    lab.git_init();
    let digests = lab.versions(&to, &["v0", "v1", "v2"]);
    let kubeconfig = |server: &Server, name: &str| {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "clusters": [{"name": "prod", "cluster": {"server": format!("http://{}", server.address)}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me"}}],
        });
        lab.write(name, config.to_string())
    };
    let prune = ["prune", to.as_str(), "--insecure", "--keep", "1"];
    // Who may not ask removes nothing.
    let closed = cluster(digests[0].clone(), Some(403)).await;
    let closed = kubeconfig(&closed, "closed.yaml");
    lab.run_with(&prune, &[("KUBECONFIG", &closed)])
        .refused("a cluster that refuses", &["--no-cluster"]);
    let open = cluster(digests[0].clone(), None).await;
    let open = kubeconfig(&open, "open.yaml");
    let wrong = [&prune[..], &["--context", "test"]].concat();
    lab.run_with(&wrong, &[("KUBECONFIG", &open)])
        .refused("no such context", &["--no-cluster"]);
    assert_eq!(
        liar.rival()
            .tags("a/b")
            .iter()
            .filter(|t| t.starts_with('v'))
            .count(),
        3
    );
    // When they were published is what the cluster says, or nobody knows.
    let history = ["history", to.as_str(), "--insecure", "--published"];
    let said = lab.run_with(&history, &[("KUBECONFIG", &open)]);
    let line = said
        .stdout
        .lines()
        .find(|line| line.starts_with(&digests[0]));
    let line = line.unwrap_or_else(|| panic!("{}", said.all));
    assert!(line.ends_with("published 2026-02-03T04:05:06Z"), "{line}");
    assert_eq!(said.stdout.matches("published unknown").count(), 2);
    lab.run_with(&history, &[("KUBECONFIG", &closed)])
        .refused("a cluster that refuses", &["--no-cluster"]);
    let said = lab.run_with(&prune, &[("KUBECONFIG", &open)]);
    said.says("pruned", &["1 of 3 bundles removed"]);
    said.says("why", &["by what runs"]);
    let tags = liar.rival().tags("a/b");
    let versions: Vec<&String> = tags.iter().filter(|tag| tag.starts_with('v')).collect();
    assert_eq!(versions, ["v0", "v2"]);
    // Nothing of it is asked for when it is said so, or when there is no cluster.
    let without = [&prune[..], &["--no-cluster", "--dry-run"]].concat();
    lab.run_with(&without, &[("KUBECONFIG", &closed)])
        .says("without", &["1 of 2 bundles would be removed"]);
    lab.run(&[&prune[..], &["--dry-run"]].concat())
        .says("no kubeconfig", &["no cluster was asked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_to_the_newest_of_a_range() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let to = at(&liar, "a/b");
    lab.git_init();
    // The newest by time is not the highest version.
    let digests = lab.versions(&to, &["v1.10.0", "v1.9.0", "v2.0.0", "prod-7"]);
    let back = |more: &[&str]| {
        let rollback = ["rollback", to.as_str(), "--tag", "stable", "--insecure"];
        lab.run(&[&rollback[..], more].concat())
    };
    for (more, expected) in [
        (["--semver", "<2"], &digests[0]),
        (["--semver", "~1.9"], &digests[1]),
        (["--tag-prefix", "v1."], &digests[1]),
        (["--to", "v2.0.0"], &digests[2]),
        (["--within", "36500d"], &digests[3]),
    ] {
        back(&more).done(more[1]);
        let stable = liar
            .tagged("a/b", "stable")
            .map(|bytes| Digest::of(&bytes).to_string());
        assert_eq!(stable.as_ref(), Some(expected), "{more:?}");
    }
    back(&["--semver", ">9"]).refused("none", &["holds no bundle"]);
    back(&["--semver", "<2", "--to", "v2.0.0"]).refused("both", &["cannot be used with"]);
    back(&[]).refused("neither", &["--to"]);
}

impl Lab {
    /// Publishes a bundle under each of these tags, each some days after the one before;
    /// their digests.
    fn versions(&self, to: &str, tags: &[&str]) -> Vec<String> {
        let publish = |(n, tag): (usize, &&str)| {
            let information = INFORMATION.replace("\"Orders\"", &format!("\"Orders {n}\""));
            let source = self.tree(
                "source",
                &[("apis/orders/apiInformation.json", &information)],
            );
            self.commit(n);
            let flags = ["--tag", tag, "--insecure", "--format", "json"];
            let said = self.run(&[&["publish", &source, to][..], &flags].concat());
            said.done("published");
            let answer: Json = serde_json::from_str(&said.stdout).unwrap();
            answer["digest"].as_str().unwrap().to_owned()
        };
        tags.iter().enumerate().map(publish).collect()
    }

    fn git_init(&self) {
        self.git("source", &["init", "-q", "-b", "main"]);
    }

    /// A commit of what there is, some days after the one before.
    fn commit(&self, n: usize) {
        self.git("source", &["add", "."]);
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path("source"))
            .args(["-c", "user.name=n", "-c", "user.email=n@example.com"])
            .args(["commit", "-qm", "next"])
            .env(
                "GIT_COMMITTER_DATE",
                format!("2026-01-{:02}T12:00:00Z", n + 1),
            )
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_in_the_format_that_is_asked_for() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let source = lab.text("source");
    for (format, forms) in [
        ("sigstore", &["bundle"][..]),
        ("legacy", &["payload"]),
        ("both", &["payload", "bundle"]),
    ] {
        let to = at(&liar, &format!("a/{format}:v1"));
        lab.run(&[
            "publish",
            &source,
            &to,
            "--insecure",
            "--sign-key",
            "cosign.key",
            "--signature-format",
            format,
        ])
        .done(format);
        let said = lab.run(&[
            "verify",
            &to,
            "--insecure",
            "--key",
            "cosign.pub",
            "--format",
            "json",
        ]);
        said.done(format);
        let answer: Json = serde_json::from_str(&said.stdout).unwrap();
        let found: Vec<&str> = answer["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["form"].as_str().unwrap())
            .collect();
        assert_eq!(found, forms);
    }
    lab.run(&[
        "publish",
        &source,
        &at(&liar, "a/x:v1"),
        "--insecure",
        "--sign-key",
        "cosign.key",
        "--signature-format",
        "legacy",
        "--attest",
    ])
    .refused("attestations are bundles", &["--signature-format"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refuses_the_pin_is_known_before_a_tag_moves() {
    let lab = Lab::new();
    let liar = Liar::honest(Habits::default()).await;
    let pin = lab.write("pin.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    let to = at(&liar, "a/b:v1");
    lab.run(&[
        "publish",
        &lab.text("source"),
        &to,
        "--insecure",
        "--write-pin",
        &pin,
    ])
    .refused("no OCIRepository", &["it holds no OCIRepository"]);
    assert_eq!(liar.server.lines(), Vec::<String>::new());
}
