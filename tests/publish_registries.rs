//! Publishing to real registries: the same bytes everywhere, few requests, many
//! publishers at once, and a publisher that is killed.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;
mod registries;

use flux_apim::bundle::Source;
use flux_apim::edge::oci::{Connection, Retry, Target};
use flux_apim::edge::publish::{self, Artifact, Destination, Options, Policy, TagTemplate};
use flux_apim::edge::sign::{self, Signer, SigningKey};
use flux_apim::pipeline;
use flux_apim::tree::{Digest, Limits};
use registries::proxy::{Fault, Proxy};
use registries::real::{self, Kind};
use registries::{connection, remote};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

fn sample() -> String {
    common::repository("testdata/projects/contoso")
        .display()
        .to_string()
}

/// The sample as it was at revision `n`.
fn artifact(n: usize) -> Artifact {
    let options = pipeline::Options {
        source: Source {
            kind: "git".to_owned(),
            url: Some("https://example.com/team/apim".to_owned()),
            revision: Some(format!("main@sha1:{n:040x}")),
            ..Source::default()
        },
        ..pipeline::Options::default()
    };
    let outcome = common::run(&common::tree(Path::new(&sample())), &options);
    Artifact::of(outcome.bundle.as_ref().unwrap())
}

fn key() -> Arc<SigningKey> {
    let pair = sign::keygen(b"").unwrap();
    Arc::new(SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap())
}

fn to(address: &str, name: &str) -> Destination {
    over(&connection(), address, name)
}

/// As the program waits by itself: Distribution answers a publisher with 500 for as
/// long as another is half way through writing the same link.
fn patient(address: &str, name: &str) -> Destination {
    let connection = Connection {
        retry: Retry::default(),
        ..connection()
    };
    over(&connection, address, name)
}

fn over(connection: &Connection, address: &str, name: &str) -> Destination {
    let place = format!("oci://{address}/{name}").parse().unwrap();
    Destination::open(&place, connection, Some("/bicep")).unwrap()
}

fn options(key: &Arc<SigningKey>, attest: bool) -> Options {
    Options {
        tags: vec!["latest".parse::<TagTemplate>().unwrap()],
        signer: Some(key.clone() as Arc<dyn Signer>),
        attest,
        ..Options::default()
    }
}

fn by(key: &SigningKey) -> Policy {
    Policy {
        signed_by: Some(key.verifying_key().clone().into()),
        expect_source: None,
        policies: Vec::new(),
    }
}

/// The program, as a user of an insecure registry runs it.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("COSIGN_PASSWORD", "")
        .env("FLUX_APIM_INSECURE", "true")
        .env("DOCKER_CONFIG", "/nonexistent")
        .env_remove("FLUX_APIM_ENV");
    command
}

fn done(arguments: &[&str]) -> Output {
    let output = command(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output
}

fn answer(arguments: &[&str]) -> Json {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    serde_json::from_slice(&done(&all).stdout).unwrap()
}

#[test]
fn every_registry_and_the_layout_hold_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let layout = format!("oci-layout:{}:v1", at("layout"));
    done(&["-q", "render", &sample(), "--env", "prod", "-o", &layout]);
    done(&[
        "-q",
        "render",
        &sample(),
        "--env",
        "prod",
        "-o",
        &at("rendered"),
    ]);
    let rendered = answer(&["inspect", &layout]);
    for kind in real::ALL {
        let Some(registry) = real::start(kind) else {
            return;
        };
        let reference = format!("oci://{}/team/apim:v1", registry.address);
        let published = answer(&["-q", "publish", &sample(), &reference, "--env", "prod"]);
        assert_eq!(published["digest"], rendered["digest"], "{kind:?}");
        let out = at(&format!("{kind:?}"));
        done(&["pull", &reference, "-o", &out]);
        let same = Command::new("diff")
            .args(["-r", &at("rendered"), &out])
            .output()
            .unwrap();
        assert!(
            same.status.success(),
            "{kind:?}: {}",
            String::from_utf8_lossy(&same.stdout)
        );
        let packed = at(&format!("{kind:?}.tar.gz"));
        done(&["pull", &reference, "-o", &packed]);
        let digest = Digest::of(&std::fs::read(&packed).unwrap()).to_string();
        assert_eq!(published["layer_digest"], digest, "{kind:?}");
        // A registry is a source, and one registry's bundle goes to another.
        let again = format!("oci://{}/other:v1", registry.address);
        let promoted = answer(&["-q", "publish", &reference, &again]);
        assert_eq!(promoted["digest"], rendered["digest"], "{kind:?}");
        let module = remote(&registry.address, "team/apim/bicep", &connection());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        assert!(
            runtime.block_on(module.resolve("v1")).unwrap().is_some(),
            "{kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_publish_only_asks_and_asks_little() {
    for kind in real::ALL {
        let Some(registry) = real::start(kind) else {
            return;
        };
        let proxy = Proxy::start(&registry.address).await;
        let (artifact, key) = (artifact(1), key());
        let address = &proxy.server.address;
        for attest in [false, true] {
            let name = format!("apim-{attest}");
            let first = publish::publish(&artifact, &to(address, &name), &options(&key, attest))
                .await
                .unwrap();
            assert!(first.pushed && first.signed);
            proxy.server.forget();
            // As another process does it: nothing is remembered.
            let again = publish::publish(&artifact, &to(address, &name), &options(&key, attest))
                .await
                .unwrap();
            assert!(!again.pushed && !again.signed, "{kind:?}");
            let lines = proxy.server.lines();
            assert!(lines.len() <= 4, "{kind:?}: {lines:#?}");
            let asks = |line: &String| line.starts_with("GET ") || line.starts_with("HEAD ");
            assert!(lines.iter().all(asks), "{kind:?}: {lines:#?}");
        }
    }
}

fn is_asked_for(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Reads `latest` again and again until `done`: whenever that is, it is a whole bundle with
/// its signature. How often it was read.
fn reader(
    at: Destination,
    key: &Arc<SigningKey>,
    done: &Arc<AtomicBool>,
) -> tokio::task::JoinHandle<usize> {
    let (policy, done) = (by(key), done.clone());
    tokio::spawn(async move {
        let (limits, mut reads) = (Limits::default(), 0);
        while !done.load(Ordering::SeqCst) {
            match publish::verify(&*at.target, "latest", &policy, &limits).await {
                Ok(_) => reads += 1,
                Err(publish::Error::NotThere { .. }) if reads == 0 => {}
                Err(error) => panic!("after {reads} reads: {error}"),
            }
            tokio::task::yield_now().await;
        }
        reads
    })
}

/// Twenty at once, each with a bundle of its own, all of one key, and readers beside them;
/// once, and fifty times where there is time.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_publishers_at_once_one_has_the_tag_whole() {
    const PUBLISHERS: usize = 20;
    let rounds = if is_asked_for("FLUX_APIM_SOAK") {
        50
    } else {
        1
    };
    let artifacts: Vec<Arc<Artifact>> = (0..PUBLISHERS).map(|n| Arc::new(artifact(n))).collect();
    for kind in real::ALL {
        let Some(registry) = real::start(kind) else {
            return;
        };
        let key = key();
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| reader(patient(&registry.address, "apim"), &key, &done))
            .collect();
        let at = to(&registry.address, "apim");
        let limits = Limits::default();
        let mut digests = BTreeSet::new();
        for _ in 0..rounds {
            let running: Vec<_> = artifacts
                .iter()
                .map(|artifact| {
                    let artifact = artifact.clone();
                    let (to, options) = (patient(&registry.address, "apim"), options(&key, true));
                    tokio::spawn(async move {
                        publish::publish(&artifact, &to, &options).await.unwrap()
                    })
                })
                .collect();
            for publisher in running {
                digests.insert(publisher.await.unwrap().digest);
            }
            assert_eq!(digests.len(), PUBLISHERS);
            let checked = publish::verify(&*at.target, "latest", &by(&key), &limits)
                .await
                .unwrap();
            assert!(digests.contains(&checked.found.descriptor.digest));
        }
        done.store(true, Ordering::SeqCst);
        let mut reads = 0;
        for reader in readers {
            reads += reader.await.unwrap();
        }
        // Everybody's bundle is whole, and whatever refers is about one of them.
        for digest in &digests {
            let checked = publish::verify(&*at.target, &digest.to_string(), &by(&key), &limits)
                .await
                .unwrap();
            assert_eq!(
                checked.claims.len(),
                4,
                "{kind:?}: payload, bundle, two attestations"
            );
            assert!(checked.claims.iter().all(|claim| claim.verified.is_ok()));
        }
        println!(
            "{kind:?}: {} publications, {reads} reads",
            rounds * PUBLISHERS
        );
    }
}

/// Where a tag is written once, for ever: twenty at once, each with a bundle and tag of its
/// own, and everyone a second time.
#[tokio::test(flavor = "multi_thread")]
async fn where_tags_are_immutable_each_is_written_once() {
    use registries::liar::{Habits, Liar, Told};
    use registries::server::{Asked, json};
    const PUBLISHERS: usize = 20;
    let rounds = if is_asked_for("FLUX_APIM_SOAK") {
        50
    } else {
        2
    };
    let written = std::sync::Mutex::new(BTreeSet::new());
    let refused = Arc::new(AtomicUsize::new(0));
    let refusals = refused.clone();
    let lie = move |asked: &Asked, _: usize| {
        let path = asked.uri.path().to_owned();
        let is_tag = path.contains("/manifests/") && !path.contains("sha256:");
        if asked.method != "PUT" || !is_tag || written.lock().unwrap().insert(path) {
            return None;
        }
        refusals.fetch_add(1, Ordering::SeqCst);
        let error = serde_json::json!({"code": "TAG_INVALID", "message": "the tag is immutable"});
        Some(Told::Instead(json(
            400,
            &serde_json::json!({"errors": [error]}),
        )))
    };
    let habits = Habits {
        referrers: false,
        ..Habits::default()
    };
    let liar = Liar::start(habits, lie).await;
    let key = key();
    let artifacts: Vec<Arc<Artifact>> = (0..PUBLISHERS).map(|n| Arc::new(artifact(n))).collect();
    for round in 0..rounds {
        let running: Vec<_> = artifacts
            .iter()
            .enumerate()
            .map(|(n, artifact)| {
                let artifact = artifact.clone();
                let (to, mut options) = (to(&liar.server.address, "apim"), options(&key, true));
                options.tags = vec![format!("v{n}").parse().unwrap()];
                tokio::spawn(async move { publish::publish(&artifact, &to, &options).await })
            })
            .collect();
        for publisher in running {
            let done = publisher.await.unwrap().unwrap();
            assert_eq!(done.pushed, round == 0);
        }
    }
    assert_eq!(refused.load(Ordering::SeqCst), 0);
    let at = to(&liar.server.address, "apim");
    let (policy, limits) = (by(&key), Limits::default());
    for n in 0..PUBLISHERS {
        let checked = publish::verify(&*at.target, &format!("v{n}"), &policy, &limits).await;
        assert_eq!(checked.unwrap().claims.len(), 4);
    }
}

/// The same bundle by several keys at once. Registries have no compare-and-swap:
/// one that was stopped for long between reading and writing can take another's
/// signature off; publishing again puts it back.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_signers_at_once_nobody_is_lost_for_good() {
    let signers = if is_asked_for("FLUX_APIM_SOAK") {
        20
    } else {
        6
    };
    let Some(registry) = real::start(Kind::Distribution3) else {
        return;
    };
    let artifact = Arc::new(artifact(1));
    let keys: Vec<Arc<SigningKey>> = (0..signers).map(|_| key()).collect();
    let publish = |key: &Arc<SigningKey>| {
        let (artifact, to, options) = (
            artifact.clone(),
            patient(&registry.address, "apim"),
            options(key, false),
        );
        tokio::spawn(async move { publish::publish(&artifact, &to, &options).await.unwrap() })
    };
    let running: Vec<_> = keys.iter().map(publish).collect();
    for publisher in running {
        publisher.await.unwrap();
    }
    let at = to(&registry.address, "apim");
    let verified = async |key: &Arc<SigningKey>| {
        publish::verify(&*at.target, "latest", &by(key), &Limits::default()).await
    };
    let mut lost = 0;
    for key in &keys {
        if verified(key).await.is_err() {
            lost += 1;
            publish(key).await.unwrap();
        }
    }
    println!("{lost} of {signers} published again");
    assert!(lost < signers, "whoever wrote last is there");
    for key in &keys {
        verified(key).await.unwrap();
    }
}

/// The publisher is killed before, or right after, each of its requests in
/// turn, and run again; a thousand times where there is time.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_the_tag_is_the_old_or_the_new_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    done(&["keygen", "-o", &at("")]);
    for (name, more) in [("old", &[][..]), ("new", &["--env", "prod"])] {
        let out = at(&format!("{name}.tar.gz"));
        let mut arguments = vec!["-q", "render"];
        let source = sample();
        arguments.extend([source.as_str(), "-o", &out]);
        arguments.extend(more);
        done(&arguments);
    }
    let private = at("cosign.key");
    let public = std::fs::read(at("cosign.pub")).unwrap();
    let policy = Policy {
        signed_by: Some(sign::VerifyingKey::from_pem(&public).unwrap().into()),
        expect_source: None,
        policies: Vec::new(),
    };
    // Every point takes minutes: that is for `make soak`.
    let both = &[Kind::Distribution3, Kind::Referrers][..];
    let (kinds, step, wanted) = match (
        is_asked_for("FLUX_APIM_SOAK"),
        is_asked_for("FLUX_APIM_E2E"),
    ) {
        (true, _) => (both, 1, 500),
        (_, true) => (both, 7, 1),
        _ => (&both[..1], 13, 1),
    };
    for &kind in kinds {
        let Some(registry) = real::start(kind) else {
            return;
        };
        let (killer, pid) = (
            Arc::new(AtomicUsize::new(usize::MAX)),
            Arc::new(AtomicU32::new(0)),
        );
        let (at_request, victim) = (killer.clone(), pid.clone());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let proxy = Proxy::breaking(&registry.address, move |_, _| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            // Even: before the registry sees the request; odd: after it did it.
            let point = at_request.load(Ordering::SeqCst);
            if point / 2 != n {
                return None;
            }
            let killed = Command::new("kill")
                .args(["-9", &victim.load(Ordering::SeqCst).to_string()])
                .status();
            assert!(killed.unwrap().success());
            Some(if point % 2 == 0 {
                Fault::Before
            } else {
                Fault::After
            })
        })
        .await;
        let (mut point, mut kills) = (0, 0);
        loop {
            let name = format!("apim-{kills}-{point}");
            let reference = format!("oci://{}/{name}", proxy.server.address);
            let publish = |which: &str| {
                let bundle = at(&format!("{which}.tar.gz"));
                let arguments = [
                    "publish",
                    &bundle,
                    &reference,
                    "--sign-key",
                    &private,
                    "--attest",
                ];
                command(&arguments).spawn().unwrap()
            };
            killer.store(usize::MAX, Ordering::SeqCst);
            assert!(publish("old").wait().unwrap().success());
            let target = remote(&registry.address, &name, &connection());
            let limits = Limits::default();
            let tagged = async || publish::verify(&target, "latest", &policy, &limits).await;
            let old = tagged().await.unwrap().found.descriptor.digest;
            asked.store(0, Ordering::SeqCst);
            let mut child = publish("new");
            pid.store(child.id(), Ordering::SeqCst);
            killer.store(point, Ordering::SeqCst);
            let ended = child.wait().unwrap();
            killer.store(usize::MAX, Ordering::SeqCst);
            let now = tagged().await.unwrap();
            if ended.success() {
                assert!(point > 20, "the publisher was never killed");
                assert_ne!(now.found.descriptor.digest, old);
                if kills >= wanted {
                    println!("{kind:?}: {kills} kills at {} requests", point / 2);
                    break;
                }
                point = 0;
                continue;
            }
            kills += 1;
            assert!(
                publish("new").wait().unwrap().success(),
                "{kind:?} at {point}"
            );
            let new = tagged().await.unwrap();
            assert_ne!(new.found.descriptor.digest, old, "{kind:?} at {point}");
            let digest = now.found.descriptor.digest;
            assert!(
                digest == old || digest == new.found.descriptor.digest,
                "{kind:?} at {point}"
            );
            assert_eq!(new.claims.len(), 4, "{kind:?} at {point}");
            point += step;
        }
    }
}

/// Each request in turn fails once: with a status, with the end of the
/// connection before or after it was done.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_request_fails_once_the_bundle_is_published_whole() {
    use registries::liar::{Habits, Liar, Told};
    use registries::server::answer;
    let (artifact, key) = (artifact(1), key());
    // Five has every kind of failure at some request; one has all at all.
    let step = if std::env::var_os("FLUX_APIM_E2E").is_some() {
        1
    } else {
        5
    };
    for referrers in [false, true] {
        let mut failing = 0;
        loop {
            let lie = move |_: &registries::server::Asked, n: usize| match (n == failing, n % 4) {
                (false, _) => None,
                (true, 0) => Some(Told::Instead(answer(503, &[], "in a while"))),
                (true, 1) => Some(Told::Instead(answer(429, &[("retry-after", "0")], ""))),
                (true, 2) => Some(Told::HangUp),
                (true, _) => Some(Told::HangUpAfter),
            };
            let habits = Habits {
                referrers,
                ..Habits::default()
            };
            let liar = Liar::start(habits, lie).await;
            let at = to(&liar.server.address, "apim");
            let published = publish::publish(&artifact, &at, &options(&key, true)).await;
            let asked = liar.server.lines().len();
            published.unwrap_or_else(|error| panic!("request {failing} of {asked}: {error}"));
            let fresh = to(&liar.server.address, "apim");
            let checked =
                publish::verify(&*fresh.target, "latest", &by(&key), &Limits::default()).await;
            assert_eq!(checked.unwrap().claims.len(), 4, "request {failing}");
            if failing > asked {
                break;
            }
            failing += step;
        }
        assert!(failing > 20, "{failing} requests");
    }
}

/// A secret that a registry repeats at us is in nothing that we say.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_nothing_that_is_said() {
    use registries::liar::{Auth, Habits, Liar};
    let canary = "hunter2-is-a-canary";
    let habits = Habits {
        auth: Auth::Basic(format!("robot:{canary}")),
        ..Habits::default()
    };
    let liar = Liar::honest(habits).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    done(&["keygen", "-o", &at("")]);
    let key = std::fs::read_to_string(at("cosign.key")).unwrap();
    let key: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let reference = format!("oci://{}/apim", liar.server.address);
    let (sample, private) = (sample(), at("cosign.key"));
    let publish = [
        "-vv",
        "publish",
        &sample,
        &reference,
        "--sign-key",
        &private,
        "--attest",
    ];
    let verify = ["-vv", "verify", &reference];
    let wrong = format!("{canary}-and-more");
    for (arguments, password, well) in [
        (&publish[..], canary, true),
        (&verify[..], canary, true),
        (&publish[..], &wrong, false),
        (&verify[..], &wrong, false),
    ] {
        let output = command(arguments)
            .env("FLUX_APIM_CREDS", format!("robot:{password}"))
            .output()
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.success(), well, "{said}");
        assert!(said.len() > 100, "{said}");
        for secret in [canary, &key[..40]] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    // A pair in base64 is a secret too.
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("robot:{canary}"));
    let output = command(&publish)
        .env("FLUX_APIM_CREDS", format!("robot:{canary}"))
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains(&pair));
}

/// What `flux push artifact` pushes: a source as any other.
#[test]
fn a_flux_artifact_in_a_registry_is_a_source() {
    use flux_apim::edge::oci::{Descriptor, MANIFEST};
    let Some(registry) = real::start(Kind::Distribution3) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let packed = Command::new("tar")
        .args(["czf", &at("source.tar.gz"), "-C", &sample(), "."])
        .status();
    assert!(packed.unwrap().success());
    let layer = bytes::Bytes::from(std::fs::read(at("source.tar.gz")).unwrap());
    let what = Descriptor::of("application/vnd.cncf.flux.content.v1.tar+gzip", &layer);
    let config = bytes::Bytes::from_static(b"{}");
    let config_is = Descriptor::of("application/vnd.cncf.flux.config.v1+json", &config);
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config_is, "layers": [what],
        "annotations": {
            "org.opencontainers.image.created": "2026-02-03T04:05:06Z",
            "org.opencontainers.image.revision": "main@sha1:0123456789012345678901234567890123456789",
            "org.opencontainers.image.source": "https://example.com/team/apim",
        },
    });
    let manifest = bytes::Bytes::from(manifest.to_string());
    let digest = Digest::of(&manifest).to_string();
    let target = remote(&registry.address, "source", &connection());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        target.push(&what, layer).await.unwrap();
        target.push(&config_is, config).await.unwrap();
        let is = Descriptor::of(MANIFEST, &manifest);
        target.push(&is, manifest).await.unwrap();
        target.tag(&is, "v1").await.unwrap();
    });
    let reference = format!("oci://{}/source:v1", registry.address);
    let inventory = answer(&["-q", "render", &reference, "-o", &at("bundle")]);
    let source = &inventory["source"];
    assert_eq!(
        (source["kind"].as_str(), source["digest"].as_str()),
        (Some("oci"), Some(&*digest))
    );
    assert_eq!(source["url"], "https://example.com/team/apim");
    assert_eq!(source["created"], "2026-02-03T04:05:06Z");
    let own = answer(&["-q", "render", &sample(), "-o", &at("own")]);
    assert_eq!(inventory["files"], own["files"]);
    // By digest, by a wrong one, and one that is not there.
    let pinned = format!("{reference}@{digest}");
    let wrong = format!("sha256:{}", "0".repeat(64));
    for (arguments, status, word) in [
        (vec!["validate", &*pinned], 0, ""),
        (
            vec!["validate", &*reference, "--digest", &wrong],
            2,
            "APIM8004",
        ),
        (
            vec![
                "validate",
                &*format!("oci://{}/source:v2", registry.address),
            ],
            2,
            "`v2`",
        ),
        (vec!["verify", &*reference], 2, "bundle.json"),
    ] {
        let output = command(&arguments).output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn the_pin_follows_publish_and_rollback() {
    let Some(registry) = real::start(Kind::Distribution3) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let pin = folder.path().join("source.yaml");
    let url = format!("oci://{}/apim", registry.address);
    let text = format!(
        "# consumed by the cluster\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: apim\nspec:\n  url: {url}\n  ref:\n    tag: v0 # people read this\n  interval: 5m\n"
    );
    std::fs::write(&pin, &text).unwrap();
    let path = pin.display().to_string();
    let mut digests = Vec::new();
    for (tag, environment) in [("v1", "prod"), ("v2", "dev")] {
        let reference = format!("{url}:{tag}");
        let mut arguments = vec!["-q", "publish"];
        let source = sample();
        arguments.extend([
            source.as_str(),
            &reference,
            "--tag",
            "latest",
            "--write-pin",
            &path,
        ]);
        if environment == "prod" {
            arguments.extend(["--env", environment]);
        }
        let published = answer(&arguments);
        let digest = published["digest"].as_str().unwrap().to_owned();
        let now = std::fs::read_to_string(&pin).unwrap();
        assert!(
            now.contains(&format!(
                "    tag: {tag} # people read this\n    digest: {digest}\n"
            )),
            "{now}"
        );
        assert!(now.starts_with("# consumed by the cluster\n"));
        digests.push(digest);
    }
    done(&["rollback", &url, "--to", "v1", "--write-pin", &path]);
    let now = std::fs::read_to_string(&pin).unwrap();
    assert!(
        now.contains(&digests[0]) && now.contains("tag: latest # people"),
        "{now}"
    );
}
