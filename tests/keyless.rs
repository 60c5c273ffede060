//! Signing as an identity and verifying it, against an instance of Sigstore of our own that
//! follows the public APIs. Sigstore itself is not asked; real cosign is, in
//! `tests/cosign.rs`.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;
mod registries;

use flux_apim::edge::oci::{Layout, Target};
use flux_apim::edge::publish::{
    self, Artifact, Choice, CopyOptions, Destination, Options, Policy, Times,
};
use flux_apim::edge::sign::{
    IdToken, Identity, Instance, Keyless, Signer, TrustRoot, Trusted, Wanted, bundle,
};
use flux_apim::pipeline;
use flux_apim::tree::{Digest, Limits};
use registries::sigstore::{self, DAY, Habits, ISSUER, Sigstore, WORKFLOW};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// What Sigstore's own trust root says it is.
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

/// Variables of the environment, by name.
type Variables<'a> = &'a [(&'a str, &'a str)];

fn artifact() -> Artifact {
    let sample = common::repository("testdata/projects/contoso");
    let outcome = common::run(
        &common::tree(Path::new(&sample)),
        &pipeline::Options::default(),
    );
    Artifact::of(outcome.bundle.as_ref().unwrap())
}

fn root(json: &Json) -> TrustRoot {
    TrustRoot::from_json(&json.to_string(), "of the test").unwrap()
}

fn signer(sigstore: &Sigstore, token: &str) -> Arc<Keyless> {
    let root = root(&sigstore.trusted_root());
    let url = sigstore.url();
    let instance = Instance::new(&url, &url, root, &registries::connection()).unwrap();
    Arc::new(Keyless::new(IdToken::parse(token).unwrap(), instance))
}

/// Whoever `subject` is by the word of `issuer`, as `root` vouches.
fn by(subject: Wanted, issuer: Wanted, root: TrustRoot) -> Policy {
    let identity = Identity {
        subject,
        issuer,
        root,
    };
    Policy {
        signed_by: Some(Trusted::Identity(Arc::new(identity))),
        ..Policy::default()
    }
}

fn exactly(text: &str) -> Wanted {
    Wanted::Exactly(text.to_owned())
}

/// What is asked of what the job signs.
fn own(sigstore: &Sigstore) -> Policy {
    by(
        exactly(WORKFLOW),
        exactly(ISSUER),
        root(&sigstore.trusted_root()),
    )
}

struct Place {
    folder: tempfile::TempDir,
    to: Destination,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("oci-layout:{}", folder.path().join("layout").display());
        let to = Destination::open(&name.parse().unwrap(), &registries::connection(), None);
        Self {
            to: to.unwrap(),
            folder,
        }
    }

    async fn publish(&self, signer: Arc<Keyless>) -> Result<publish::Published, publish::Error> {
        let options = Options {
            tags: vec!["v1".parse().unwrap()],
            signer: Some(signer as Arc<dyn Signer>),
            attest: true,
            ..Options::default()
        };
        publish::publish(&artifact(), &self.to, &options).await
    }

    async fn verify(&self, policy: &Policy) -> Result<publish::Verified, String> {
        let limits = Limits::default();
        let verified = publish::verify(&*self.to.target, "v1", policy, &limits).await;
        verified.map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_signs_once_and_verifies() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let place = Place::new();
    let done = place.publish(signer(&sigstore, &sigstore::token())).await;
    assert!(done.unwrap().signed);
    assert_eq!(sigstore.refused(), Vec::<String>::new());
    // The signature, the provenance, the contents.
    assert_eq!(sigstore.logged(), 3);
    let verified = place.verify(&own(&sigstore)).await.unwrap();
    assert_eq!(verified.claims.len(), 3);
    assert!(verified.claims.iter().all(|claim| claim.verified.is_ok()));
    assert!(verified.provenance.is_some());
    // When that was stands in the log.
    let (choice, limits) = (Choice::default(), Limits::default());
    let times = Times::default();
    for (asked, known) in [(Some(&times), true), (None, false)] {
        let history = publish::history(&*place.to.target, "x", &choice, 1, asked, &limits).await;
        let published = history.unwrap().entries.remove(0).published;
        assert_eq!(published.is_some_and(|time| time.ends_with('Z')), known);
    }
    // Another run has another key and other bytes; the identity is the same.
    let again = place.publish(signer(&sigstore, &sigstore::token())).await;
    let again = again.unwrap();
    assert!(!again.signed && !again.pushed);
    assert_eq!(sigstore.logged(), 3, "nothing is logged twice");
    // Nobody is asked when it is verified.
    sigstore.server.forget();
    let trusted = sigstore.trusted_root();
    let patterns = by(
        Wanted::like("^https://ci\\.example/contoso/").unwrap(),
        Wanted::like("ci\\.example$").unwrap(),
        root(&trusted),
    );
    place.verify(&patterns).await.unwrap();
    assert_eq!(sigstore.server.lines(), Vec::<String>::new());

    let other = Sigstore::start(Habits::default()).await;
    let key = flux_apim::edge::sign::keygen(b"").unwrap();
    let key = flux_apim::edge::sign::VerifyingKey::from_pem(key.public.as_bytes()).unwrap();
    let refused = [
        (
            by(
                exactly("https://ci.example/"),
                exactly(ISSUER),
                root(&trusted),
            ),
            "not by https://ci.example/",
        ),
        (
            by(
                exactly(WORKFLOW),
                exactly("https://other.example"),
                root(&trusted),
            ),
            "of https://other.example",
        ),
        (
            by(
                Wanted::like("^contoso").unwrap(),
                exactly(ISSUER),
                root(&trusted),
            ),
            "not by /^contoso/",
        ),
        (own(&other), "another instance of Sigstore"),
        (
            by(
                exactly(WORKFLOW),
                exactly(ISSUER),
                TrustRoot::public().unwrap(),
            ),
            "another instance of Sigstore",
        ),
        (
            Policy {
                signed_by: Some(key.into()),
                ..Policy::default()
            },
            "is not signed by the key",
        ),
    ];
    for (policy, said) in refused {
        let error = place.verify(&policy).await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_signed_names_no_identity() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let place = Place::new();
    let pair = flux_apim::edge::sign::keygen(b"").unwrap();
    let key = flux_apim::edge::sign::SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap();
    let options = Options {
        tags: vec!["v1".parse().unwrap()],
        signer: Some(Arc::new(key)),
        ..Options::default()
    };
    let artifact = artifact();
    publish::publish(&artifact, &place.to, &options)
        .await
        .unwrap();
    let error = place.verify(&own(&sigstore)).await.unwrap_err();
    assert!(error.contains("it names no identity"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_signed_bundle_can_be_changed() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let subject = Digest::of(b"artifact");
    let signer = signer(&sigstore, &sigstore::token());
    let made = bundle(&*signer, &subject, PREDICATE, &json!({}))
        .await
        .unwrap();
    // A second one, so that the parts of two that are both right can be mixed.
    let nothing = json!({});
    let other = bundle(&*signer, &subject, "https://example.com/other", &nothing).await;
    let other: Json = serde_json::from_slice(&other.unwrap()).unwrap();
    let trusted = own(&sigstore).signed_by.unwrap();
    let statement = trusted.statement(&made, &subject).unwrap();
    assert_eq!(statement.predicate_type, PREDICATE);
    let elsewhere = trusted.statement(&made, &Digest::of(b"x")).unwrap_err();
    assert!(
        elsewhere.to_string().contains("does not match"),
        "{elsewhere}"
    );
    let made: Json = serde_json::from_slice(&made).unwrap();
    let changed = all_changes_are_refused(&trusted, &subject, &made, &other, &[]);
    assert!(changed >= 45, "{changed}");
}

/// What version 2 of the log has signed in its checkpoint, and repeats beside it for readers
/// of version 1: <https://github.com/sigstore/architecture-docs/blob/main/client-spec.md>.
const REPEATED: [&str; 4] = [
    "/verificationMaterial/tlogEntries/0/inclusionProof/logIndex",
    "/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
    "/verificationMaterial/tlogEntries/0/inclusionProof/treeSize",
    "/verificationMaterial/tlogEntries/0/logId/keyId",
];

#[tokio::test(flavor = "multi_thread")]
async fn version_2_of_the_log_is_read() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let subject = Digest::of(b"artifact");
    let signer = signer(&sigstore, &sigstore::token());
    let mut made = Vec::new();
    for predicate in [PREDICATE, "https://example.com/other"] {
        let bundle = bundle(&*signer, &subject, predicate, &json!({})).await;
        let bundle: Json = serde_json::from_slice(&bundle.unwrap()).unwrap();
        made.push(sigstore.in_version_2(&bundle));
    }
    let trusted = own(&sigstore).signed_by.unwrap();
    let read = |bundle: &Json, trusted: &Trusted| {
        let read = trusted.statement(bundle.to_string().as_bytes(), &subject);
        read.map_err(|error| error.to_string())
    };
    let statement = read(&made[0], &trusted).unwrap();
    assert_eq!(statement.predicate_type, PREDICATE);
    let entry = &made[0]["verificationMaterial"]["tlogEntries"][0];
    assert!(entry["inclusionPromise"].is_null() && entry["integratedTime"].is_null());
    let changed = all_changes_are_refused(&trusted, &subject, &made[0], &made[1], &REPEATED);
    assert!(changed >= 35, "{changed}");

    // The time is the authority's, or there is none.
    let whole = sigstore.trusted_root();
    let other = Sigstore::start(Habits::default()).await.trusted_root();
    let with = |pointer: &str, value: Json| {
        let mut json = whole.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        by(exactly(WORKFLOW), exactly(ISSUER), root(&json)).signed_by
    };
    let ended = json!({"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"});
    for (policy, said) in [
        (
            with("/timestampAuthorities", json!([])),
            "timestamp authority",
        ),
        (
            with(
                "/timestampAuthorities",
                other["timestampAuthorities"].clone(),
            ),
            "timestamp authority",
        ),
        (
            with("/timestampAuthorities/0/validFor", ended),
            "had expired by then",
        ),
        (with("/tlogs", other["tlogs"].clone()), "another instance"),
    ] {
        let error = read(&made[0], &policy.unwrap()).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let mut unstamped = made[0].clone();
    unstamped["verificationMaterial"]["timestampVerificationData"] = json!({});
    let error = read(&unstamped, &trusted).unwrap_err();
    assert!(error.contains("no time"), "{error}");
}

/// Changes each value of `made`, also to what `other` has there, and holds that no reader
/// takes it; how many changes that was. Those in `repeated` are not looked at by readers.
fn all_changes_are_refused(
    trusted: &Trusted,
    subject: &Digest,
    made: &Json,
    other: &Json,
    repeated: &[&str],
) -> usize {
    let mut places = Vec::new();
    leaves(made, String::new(), &mut places);
    assert!(places.len() >= 15, "{places:?}");
    let mut changed = 0;
    for place in &places {
        if repeated.contains(&place.as_str()) {
            continue;
        }
        for value in [
            json!("AAAA"),
            json!(null),
            json!("1"),
            other.pointer(place).cloned().unwrap_or_default(),
        ] {
            let mut bundle = made.clone();
            let there = bundle.pointer_mut(place).unwrap();
            if *there == value {
                continue;
            }
            *there = value;
            let refused = trusted.statement(bundle.to_string().as_bytes(), subject);
            let error = match refused {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{place} can be changed: {bundle}"),
            };
            assert!(!error.is_empty());
            changed += 1;
        }
    }
    println!("{changed} changes in {} places, all refused", places.len());
    changed
}

/// The places of everything that is no object and no list.
fn leaves(json: &Json, at: String, found: &mut Vec<String>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                leaves(value, format!("{at}/{key}"), found);
            }
        }
        Json::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{n}"), found);
            }
        }
        _ => found.push(at),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_and_no_tag_moves() {
    let html = "<html><head><title>Sign in</title></head></html>";
    let token = sigstore::token();
    let wrong = sigstore::token_for("somebody");
    let table: [(Habits, &str, &[&str]); 9] = [
        (
            Habits::default(),
            &wrong,
            &[
                "have a key certified for repo:contoso",
                "for the audience `sigstore`",
            ],
        ),
        (
            Habits {
                fulcio: Some((200, html)),
                ..Habits::default()
            },
            &token,
            &["have a key certified", "no JSON"],
        ),
        (
            Habits {
                fulcio: Some((200, "{}")),
                ..Habits::default()
            },
            &token,
            &["holds no certificate"],
        ),
        (
            Habits {
                rekor: Some((200, html)),
                ..Habits::default()
            },
            &token,
            &["transparency log", "no JSON"],
        ),
        (
            Habits {
                rekor: Some((201, "{\"0\": {}}")),
                ..Habits::default()
            },
            &token,
            &["transparency log", "no entry of a log"],
        ),
        (
            Habits {
                rekor: Some((500, "down")),
                ..Habits::default()
            },
            &token,
            &["transparency log", "500"],
        ),
        (
            Habits {
                ahead: DAY,
                ..Habits::default()
            },
            &token,
            &["in the future", "clock is wrong"],
        ),
        (
            Habits {
                unlogged: true,
                ..Habits::default()
            },
            &token,
            &["does not vouch", "timestamp"],
        ),
        (
            Habits {
                confuses: true,
                ..Habits::default()
            },
            &token,
            &["does not vouch", "does not match"],
        ),
    ];
    for (habits, token, said) in table {
        let sigstore = Sigstore::start(habits).await;
        let place = Place::new();
        let error = place.publish(signer(&sigstore, token)).await.unwrap_err();
        let error = error.to_string();
        for word in said {
            assert!(error.contains(word), "{error}");
        }
        assert!(
            !error.contains("canary") && !error.contains(token),
            "{error}"
        );
        let tags = Layout::new(place.folder.path().join("layout")).tags().await;
        assert_eq!(tags.unwrap_or_default(), Vec::<String>::new(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_behind_still_verifies() {
    // The certificate was valid when it was logged, whenever that was.
    let sigstore = Sigstore::start(Habits {
        ahead: -DAY,
        ..Habits::default()
    })
    .await;
    let place = Place::new();
    let done = place.publish(signer(&sigstore, &sigstore::token())).await;
    assert!(done.unwrap().signed);
    place.verify(&own(&sigstore)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_roots_that_do_not_vouch() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let place = Place::new();
    place
        .publish(signer(&sigstore, &sigstore::token()))
        .await
        .unwrap();
    let whole = sigstore.trusted_root();
    let ended = |pointer: &str| {
        let mut root = whole.clone();
        *root.pointer_mut(pointer).unwrap() =
            json!({"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"});
        root
    };
    let mut later = whole.clone();
    *later
        .pointer_mut("/certificateAuthorities/0/validFor")
        .unwrap() = json!({"start": "2999-01-01T00:00:00Z"});
    for (json, said) in [
        (
            ended("/certificateAuthorities/0/validFor"),
            "had expired by then",
        ),
        (later, "had expired by then, or was not valid yet"),
        (ended("/tlogs/0/publicKey/validFor"), "does not vouch"),
        (ended("/ctlogs/0/publicKey/validFor"), "does not vouch"),
    ] {
        let policy = by(exactly(WORKFLOW), exactly(ISSUER), root(&json));
        let error = place.verify(&policy).await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let mut key = whole.clone();
    *key.pointer_mut("/tlogs/0/publicKey/rawBytes").unwrap() = json!("AAAA");
    let mut nobody = whole.clone();
    *nobody.pointer_mut("/certificateAuthorities").unwrap() = json!([]);
    for text in [
        "",
        "<html>",
        "{}",
        "[]",
        &key.to_string(),
        &nobody.to_string(),
    ] {
        let error = TrustRoot::from_json(text, "of the test").unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("the trust root of the test cannot be used"),
            "{error}"
        );
    }
    assert!(Wanted::like("(").is_err());
}

/// A folder, an instance, and our program as a CI job runs it.
struct Job {
    sigstore: Sigstore,
    folder: tempfile::TempDir,
}

impl Job {
    async fn start() -> Self {
        let job = Self {
            sigstore: Sigstore::start(Habits::default()).await,
            folder: tempfile::tempdir().unwrap(),
        };
        let root = job.sigstore.trusted_root().to_string();
        std::fs::write(job.folder.path().join("trusted_root.json"), root).unwrap();
        std::fs::write(job.folder.path().join("token"), sigstore::token() + "\n").unwrap();
        job
    }

    /// Runs our command with what is set in its environment; `{}` is the folder.
    async fn run(&self, arguments: &str, set: &[(&str, &str)]) -> Output {
        let folder = self.folder.path().display().to_string();
        let url = self.sigstore.url();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
        command
            .args(
                arguments
                    .split_whitespace()
                    .map(|word| word.replace("{}", &folder)),
            )
            .stdin(Stdio::null())
            .env("HOME", &folder)
            .env("FLUX_APIM_INSECURE", "true")
            .env("FLUX_APIM_FULCIO_URL", &url)
            .env("FLUX_APIM_REKOR_URL", &url)
            .env(
                "FLUX_APIM_TRUSTED_ROOT",
                format!("{folder}/trusted_root.json"),
            );
        for name in [
            "SIGSTORE_ID_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ] {
            command.env_remove(name);
        }
        command.envs(set.iter().copied());
        let ran = tokio::task::spawn_blocking(move || command.output());
        ran.await.unwrap().unwrap()
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_signs_as_itself_on_the_command_line() {
    let job = Job::start().await;
    let sample = common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    let publish = |name: &str| {
        format!("publish {sample} oci-layout:{{}}/{name}:v1 --keyless --attest --bicep-suffix=")
    };
    let token = sigstore::token();
    let request = format!("{}/token?run=7", job.sigstore.url());
    let file = format!("{} --identity-token {{}}/token", publish("file"));
    let ways: [(&str, String, Variables<'_>); 3] = [
        (
            "gitlab",
            publish("gitlab"),
            &[("SIGSTORE_ID_TOKEN", &token)],
        ),
        (
            "github",
            publish("github"),
            &[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &request),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", sigstore::REQUEST_TOKEN),
            ],
        ),
        ("file", file, &[]),
    ];
    let identity = format!("--certificate-identity {WORKFLOW} --certificate-oidc-issuer {ISSUER}");
    for (name, arguments, set) in ways {
        // Who signs what is public for ever, so trying it out leaves nothing.
        let tried = job.run(&format!("{arguments} --dry-run"), set).await;
        assert!(tried.status.success(), "{name}: {}", said(&tried));
        let before = job.sigstore.logged();
        let published = job.run(&arguments, set).await;
        assert!(published.status.success(), "{name}: {}", said(&published));
        assert_eq!(job.sigstore.logged(), before + 3, "{name}");
        assert!(!said(&published).contains("canary"), "{name}");
        let source = "--format json";
        let verify = format!("verify oci-layout:{{}}/{name}:v1 {identity} {source}");
        let verified = job.run(&verify, &[]).await;
        assert!(verified.status.success(), "{name}: {}", said(&verified));
        let answer: Json = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(answer["verified"], true);
        assert_eq!(answer["signatures"].as_array().unwrap().len(), 1);
        assert_eq!(answer["attestations"].as_array().unwrap().len(), 2);
    }
    assert_eq!(job.sigstore.refused(), Vec::<String>::new());
    // What is copied is verified first, and nothing is written unless it is who it should be.
    let copy = "copy oci-layout:{}/github:v1 oci-layout:{}/copied:v1";
    let other =
        format!("--certificate-identity-regexp ^https://other --certificate-oidc-issuer {ISSUER}");
    let refused = job.run(&format!("{copy} {other}"), &[]).await;
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(
        said(&refused).contains("is not signed by"),
        "{}",
        said(&refused)
    );
    assert!(!job.folder.path().join("copied").exists());
    let copied = job.run(&format!("{copy} {identity}"), &[]).await;
    assert!(copied.status.success(), "{}", said(&copied));
    let verified = job
        .run(&format!("verify oci-layout:{{}}/copied:v1 {identity}"), &[])
        .await;
    assert!(verified.status.success(), "{}", said(&verified));
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_do_not_go_together_are_told() {
    let job = Job::start().await;
    let sample = common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    let publish = format!("publish {sample} oci-layout:{{}}/out:v1");
    let verify = "verify oci-layout:{}/out:v1";
    let token = ("SIGSTORE_ID_TOKEN", "canary");
    let job_of = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary");
    let at = (
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        job.sigstore.url() + "/token?run=7",
    );
    let at = (at.0, at.1.as_str());
    let table: [(String, Variables<'_>, &str); 9] = [
        (
            format!("{publish} --keyless"),
            &[],
            "no identity to sign as",
        ),
        (format!("{publish} --keyless"), &[token], "three parts"),
        (
            format!("{publish} --keyless"),
            &[at, job_of],
            "id-token: write",
        ),
        (
            format!("{publish} --keyless --signature-format both --identity-token {{}}/token"),
            &[],
            "--signature-format",
        ),
        (
            format!("{publish} --keyless --sign-key k"),
            &[],
            "cannot be used with",
        ),
        (
            format!("{publish} --attest"),
            &[],
            "--sign-key or --keyless",
        ),
        (
            format!("{verify} --certificate-identity x"),
            &[],
            "go together",
        ),
        (
            format!("{verify} --key k --certificate-identity x --certificate-oidc-issuer y"),
            &[],
            "one of them",
        ),
        (
            format!(
                "{verify} --trusted-root {{}}/token --certificate-identity x --certificate-oidc-issuer y"
            ),
            &[],
            "cannot be used",
        ),
    ];
    for (arguments, set, expected) in table {
        let output = job.run(&arguments, set).await;
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(text.contains(expected), "{arguments}: {text}");
        assert!(!text.contains("canary"), "{text}");
        assert!(!job.folder.path().join("out").exists(), "{arguments}");
    }
    assert_eq!(job.sigstore.logged(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_between_places_keeps_what_the_identity_signed() {
    let sigstore = Sigstore::start(Habits::default()).await;
    let (from, to) = (Place::new(), Place::new());
    from.publish(signer(&sigstore, &sigstore::token()))
        .await
        .unwrap();
    let options = CopyOptions {
        tags: vec!["v1".to_owned()],
        policy: own(&sigstore),
        ..CopyOptions::default()
    };
    let copied = publish::copy(&from.to, "v1", &to.to, &options, &Limits::default()).await;
    assert_eq!(copied.unwrap().said, 3);
    let verified = to.verify(&own(&sigstore)).await.unwrap();
    assert_eq!(verified.claims.len(), 3);
}
