//! Bundles in registries, as the command and the library put them there and
//! read them back: in memory and in image layouts. Real registries are in
//! `tests/publish_registries.rs`, real cosign in `tests/cosign.rs`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::bundle::Source;
use flux_apim::edge::oci::{Layout, MANIFEST, Manifest, Memory};
use flux_apim::edge::publish::{
    self, Artifact, Choice, Destination, Error, Options, Policy, Published, TagTemplate,
};
use flux_apim::edge::sign::{self, Signer, SigningKey, VerifyingKey};
use flux_apim::pipeline;
use flux_apim::tree::Limits;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

const URL: &str = "https://example.com/team/apim";

fn flux_apim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(arguments)
        .stdin(Stdio::null())
        .env("COSIGN_PASSWORD", "")
        .env_remove("FLUX_APIM_ENV")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the command, which must succeed, and gives its standard output.
fn done(arguments: &[&str]) -> String {
    let output = flux_apim(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    text(&output.stdout)
}

fn answer(arguments: &[&str]) -> Json {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    serde_json::from_str(&done(&all)).unwrap()
}

fn sample() -> String {
    common::repository("testdata/projects/contoso")
        .display()
        .to_string()
}

/// The sample as it is at a revision, in an environment.
fn artifact(commit: char, environment: Option<&str>) -> Artifact {
    let mut options = pipeline::Options {
        source: Source {
            kind: "git".to_owned(),
            url: Some(URL.to_owned()),
            revision: Some(format!("main@sha1:{}", commit.to_string().repeat(40))),
            created: Some("2026-03-01T12:00:00Z".to_owned()),
            ..Source::default()
        },
        ..pipeline::Options::default()
    };
    options.discover.environment = environment.map(str::to_owned);
    let outcome = common::run(&common::tree(Path::new(&sample())), &options);
    Artifact::of(outcome.bundle.as_ref().unwrap())
}

fn key() -> SigningKey {
    let pair = sign::keygen(b"").unwrap();
    SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap()
}

fn memory() -> Destination {
    Destination {
        repository: "registry.test/team/apim".to_owned(),
        url: "oci://registry.test/team/apim".to_owned(),
        signs_as: "registry.test/team/apim".to_owned(),
        target: Arc::new(Memory::default()),
        bicep: Some(Arc::new(Memory::default())),
    }
}

fn options(tags: &[&str], signer: Option<&SigningKeyRef>, attest: bool) -> Options {
    let tags = tags.iter().map(|tag| tag.parse::<TagTemplate>().unwrap());
    Options {
        tags: tags.collect(),
        signer: signer.map(|key| key.clone() as Arc<dyn Signer>),
        attest,
        ..Options::default()
    }
}

type SigningKeyRef = Arc<SigningKey>;

async fn published(artifact: &Artifact, to: &Destination, options: &Options) -> Published {
    publish::publish(artifact, to, options).await.unwrap()
}

fn by(key: &SigningKey) -> Policy {
    Policy {
        signed_by: Some(key.verifying_key().clone().into()),
        expect_source: None,
        policies: Vec::new(),
    }
}

async fn verified(at: &Destination, reference: &str, policy: &Policy) -> Result<(), Error> {
    publish::verify(&*at.target, reference, policy, &Limits::default())
        .await
        .map(drop)
}

#[tokio::test]
async fn what_was_published_is_read_back_byte_for_byte() {
    let artifact = artifact('a', Some("prod"));
    let to = memory();
    let first = published(
        &artifact,
        &to,
        &options(&["{{env}}-{{short}}", "latest"], None, false),
    )
    .await;
    assert!(first.pushed && !first.signed);
    assert_eq!(first.tags, ["prod-aaaaaaa", "latest"]);
    let found = publish::read(&*to.target, "latest", &Limits::default())
        .await
        .unwrap();
    assert_eq!(found.layer_digest(), artifact.layer_digest());
    assert_eq!(&found.inventory, artifact.inventory());
    assert_eq!(found.descriptor.digest, first.digest);
    let annotations = &found.manifest.annotations;
    assert_eq!(annotations["org.opencontainers.image.source"], URL);
    assert_eq!(
        annotations["org.opencontainers.image.created"],
        "2026-03-01T12:00:00Z"
    );
    assert!(annotations["org.opencontainers.image.revision"].starts_with("main@sha1:aaaa"));
}

#[tokio::test]
async fn an_unchanged_bundle_is_not_pushed_and_a_new_key_adds_its_signature_alone() {
    let artifact = artifact('a', None);
    let to = memory();
    let (one, two) = (Arc::new(key()), Arc::new(key()));
    let first = published(&artifact, &to, &options(&["latest"], Some(&one), true)).await;
    let again = published(&artifact, &to, &options(&["latest"], Some(&one), true)).await;
    assert!(!again.pushed && !again.signed);
    assert_eq!(
        (again.digest, again.layer_digest),
        (first.digest, first.layer_digest)
    );
    let signed = published(&artifact, &to, &options(&["latest"], Some(&two), false)).await;
    assert!(!signed.pushed && signed.signed);
    assert_eq!(signed.digest, first.digest);
    for key in [&one, &two] {
        verified(&to, "latest", &by(key)).await.unwrap();
    }
    let subject = to.target.resolve("latest").await.unwrap().unwrap();
    assert_eq!(to.target.referrers(&subject).await.unwrap().len(), 4);
}

#[tokio::test]
async fn signatures_say_who_and_what() {
    let artifact = artifact('a', None);
    let to = memory();
    let (own, other) = (Arc::new(key()), Arc::new(key()));
    published(&artifact, &to, &options(&["latest"], Some(&own), true)).await;
    let checked = publish::verify(&*to.target, "latest", &by(&own), &Limits::default())
        .await
        .unwrap();
    let forms: Vec<&str> = checked
        .claims
        .iter()
        .filter(|c| c.signs())
        .map(|c| c.form.as_str())
        .collect();
    assert_eq!(forms, ["payload", "bundle"]);
    let mut predicates: Vec<&str> = checked
        .claims
        .iter()
        .filter_map(|c| c.predicate())
        .collect();
    predicates.sort_unstable();
    assert_eq!(predicates, [publish::CONTENTS, publish::PROVENANCE]);
    let error = verified(&to, "latest", &by(&other)).await.unwrap_err();
    assert!(matches!(&error, Error::Unsigned { .. }), "{error}");
    assert!(error.to_string().contains("not by this key"), "{error}");
    for (expected, found) in [
        (URL, true),
        ("https://example.com/team/apim.git/", true),
        ("https://example.com/other", false),
    ] {
        let policy = Policy {
            expect_source: Some(expected.to_owned()),
            policies: Vec::new(),
            ..by(&own)
        };
        let outcome = verified(&to, "latest", &policy).await;
        assert_eq!(outcome.is_ok(), found, "{expected}");
    }
    let without = Policy {
        signed_by: None,
        expect_source: Some(URL.to_owned()),
        policies: Vec::new(),
    };
    assert!(matches!(
        verified(&to, "latest", &without).await,
        Err(Error::Usage(_))
    ));
}

#[tokio::test]
async fn an_attestation_alone_is_no_signature() {
    let artifact = artifact('a', None);
    let to = memory();
    let own = Arc::new(key());
    let plain = published(&artifact, &to, &options(&["latest"], None, false)).await;
    // A signature of another artifact, moved here, is none of this one.
    let elsewhere = memory();
    let other = self::artifact('b', None);
    published(&other, &elsewhere, &options(&["latest"], Some(&own), false)).await;
    let theirs = elsewhere.target.resolve("latest").await.unwrap().unwrap();
    let signature = format!("{}.sig", theirs.digest.to_string().replace(':', "-"));
    let moved = elsewhere.target.resolve(&signature).await.unwrap().unwrap();
    flux_apim::edge::oci::copy(&*elsewhere.target, &*to.target, &moved)
        .await
        .unwrap();
    let here = format!("{}.sig", plain.digest.to_string().replace(':', "-"));
    to.target.tag(&moved, &here).await.unwrap();
    let error = verified(&to, "latest", &by(&own)).await.unwrap_err();
    assert!(error.to_string().contains("is of sha256:"), "{error}");
    let refused = publish::publish(&artifact, &to, &options(&["latest"], None, true)).await;
    assert!(
        matches!(refused, Err(Error::Usage(_))),
        "unsigned attestations"
    );
}

/// Flux reads either bundles or payloads: a bundle would hide what the other
/// key signed.
#[tokio::test]
async fn nobody_elses_first_format_is_hidden_by_a_bundle() {
    let artifact = artifact('a', None);
    let to = memory();
    let (theirs, own) = (Arc::new(key()), Arc::new(key()));
    published(&artifact, &to, &options(&["latest"], Some(&theirs), false)).await;
    let subject = to.target.resolve("latest").await.unwrap().unwrap();
    for bundle in to.target.referrers(&subject).await.unwrap() {
        to.target.delete(&bundle).await.unwrap();
    }
    let signed = published(&artifact, &to, &options(&["latest"], Some(&own), true)).await;
    assert!(
        signed.signed && signed.notes[0].contains("Flux"),
        "{:?}",
        signed.notes
    );
    assert!(to.target.referrers(&subject).await.unwrap().is_empty());
    for key in [&theirs, &own] {
        verified(&to, "latest", &by(key)).await.unwrap();
    }
}

#[tokio::test]
async fn signing_is_deterministic_and_a_copy_still_verifies() {
    let artifact = artifact('a', None);
    let own = Arc::new(key());
    let (one, two) = (memory(), memory());
    for to in [&one, &two] {
        published(&artifact, to, &options(&["latest"], Some(&own), true)).await;
    }
    let subject = one.target.resolve("latest").await.unwrap().unwrap();
    let of = async |at: &Destination| at.target.referrers(&subject).await.unwrap();
    assert_eq!(of(&one).await, of(&two).await);
    let folder = tempfile::tempdir().unwrap();
    let copy = Layout::new(folder.path().join("copy"));
    publish::copy_all(&*one.target, &copy, &subject)
        .await
        .unwrap();
    let reference = subject.digest.to_string();
    publish::verify(&copy, &reference, &by(&own), &Limits::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_module_is_what_bicep_publish_writes() {
    let artifact = artifact('a', None);
    let to = memory();
    let done = published(&artifact, &to, &options(&["v1"], None, false)).await;
    let bicep = to.bicep.as_ref().unwrap();
    let what = bicep.resolve("v1").await.unwrap().unwrap();
    assert_eq!(Some(what.digest), done.module);
    assert_eq!(
        bicep.resolve(&what.digest.to_string()).await.unwrap(),
        Some(what.clone())
    );
    let bytes = bicep.fetch(&what).await.unwrap();
    let manifest = Manifest::parse(&bytes, "test").unwrap();
    let template = bicep.fetch(&manifest.layers[0]).await.unwrap();
    let parsed: Json = serde_json::from_slice(&template).unwrap();
    assert!(
        parsed["$schema"]
            .as_str()
            .unwrap()
            .contains("deploymentTemplate")
    );
    let expected = format!(
        concat!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            r#""artifactType":"application/vnd.ms.bicep.module.artifact","#,
            r#""config":{{"mediaType":"application/vnd.ms.bicep.module.config.v1+json","#,
            r#""digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"annotations":{{}}}},"#,
            r#""layers":[{{"mediaType":"application/vnd.ms.bicep.module.layer.v1+json","digest":"{digest}","size":{size},"#,
            r#""annotations":{{"org.opencontainers.image.title":"Compiled ARM template"}}}}],"#,
            r#""annotations":{{"org.opencontainers.image.description":"API Management configuration, main@sha1:{commit}","#,
            r#""org.opencontainers.image.created":"2026-03-01T12:00:00Z"}}}}"#
        ),
        digest = manifest.layers[0].digest,
        size = template.len(),
        commit = "a".repeat(40),
    );
    assert_eq!(text(&bytes), expected);
}

#[tokio::test]
async fn history_counts_and_rollback_moves_only_to_what_is_whole() {
    let to = memory();
    let own = Arc::new(key());
    let first = published(
        &artifact('a', None),
        &to,
        &options(&["v1.9", "latest"], Some(&own), false),
    )
    .await;
    let second = published(
        &artifact('b', Some("prod")),
        &to,
        &options(&["v1.10", "latest"], Some(&own), false),
    )
    .await;
    let third = published(&artifact('c', None), &to, &options(&["v1.11"], None, false)).await;
    let limits = Limits::default();
    let history = publish::history(
        &*to.target,
        &to.repository,
        &Choice::default(),
        20,
        None,
        &limits,
    )
    .await
    .unwrap();
    let digests: Vec<_> = history.entries.iter().map(|entry| entry.digest).collect();
    assert_eq!(
        digests,
        [third.digest, second.digest, first.digest],
        "1.10 is after 1.9"
    );
    assert_eq!(history.entries[1].tags, ["latest", "v1.10"]);
    let unchanged = history.entries[0].changes.unwrap();
    assert_eq!(
        (unchanged.added, unchanged.changed, unchanged.removed),
        (0, 0, 0)
    );
    assert_eq!(history.entries[2].changes, None, "nothing before it");
    let few = publish::history(
        &*to.target,
        &to.repository,
        &Choice::default(),
        1,
        None,
        &limits,
    )
    .await
    .unwrap();
    assert_eq!((few.entries.len(), few.left_out), (1, 2));

    let refused = publish::rollback(&to, "v1.11", "latest", &by(&own), &limits, false).await;
    assert!(matches!(refused, Err(Error::Unsigned { .. })));
    let missing = publish::rollback(&to, "v0", "latest", &by(&own), &limits, false)
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("v1.10"), "{missing}");
    let latest = async || to.target.resolve("latest").await.unwrap().unwrap().digest;
    assert_eq!(latest().await, second.digest);
    let done = publish::rollback(
        &to,
        &first.digest.to_string(),
        "latest",
        &by(&own),
        &limits,
        false,
    )
    .await
    .unwrap();
    assert_eq!(
        (done.from, done.to, done.moved),
        (Some(second.digest), first.digest, true)
    );
    assert!(done.module_moved);
    assert_eq!(latest().await, first.digest);
    let again = publish::rollback(&to, "v1.9", "latest", &by(&own), &limits, false)
        .await
        .unwrap();
    assert!(!again.moved && !again.module_moved);
}

#[tokio::test]
async fn what_is_no_bundle_is_refused_by_what_it_is() {
    let to = memory();
    let target = &*to.target;
    let put = async |media_type: &str, manifest: Json| {
        let bytes = bytes::Bytes::from(manifest.to_string());
        let what = flux_apim::edge::oci::Descriptor::of(media_type, &bytes);
        target.push(&what, bytes).await.unwrap();
        target.tag(&what, "x").await.unwrap();
        publish::read(target, "x", &Limits::default())
            .await
            .unwrap_err()
            .to_string()
    };
    let blob = async |media_type: &str, content: &[u8]| {
        let bytes = bytes::Bytes::copy_from_slice(content);
        let what = flux_apim::edge::oci::Descriptor::of(media_type, &bytes);
        target.push(&what, bytes).await.unwrap();
        json!(what)
    };
    let index = "application/vnd.oci.image.index.v1+json";
    let said = put(
        index,
        json!({"schemaVersion": 2, "mediaType": index, "manifests": []}),
    )
    .await;
    assert!(said.contains(index) && said.contains("expected"), "{said}");
    let config = blob("application/vnd.oci.image.config.v1+json", b"{}").await;
    let of = |layers: Vec<Json>| json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    let said = put(MANIFEST, of(vec![])).await;
    assert!(said.contains("no layer"), "{said}");
    let foreign = blob("application/vnd.oci.image.layer.v1.tar+gzip", b"x").await;
    let said = put(MANIFEST, of(vec![foreign])).await;
    assert!(said.contains("image.layer.v1.tar+gzip"), "{said}");
    let ours = "application/vnd.cncf.flux.content.v1.tar+gzip";
    let broken = blob(ours, b"no gzip").await;
    let said = put(MANIFEST, of(vec![broken])).await;
    assert!(said.contains("APIM8002"), "{said}");
    for (files, word) in [
        (vec![("a.txt", "x")], "no `bundle.json`"),
        (vec![("bundle.json", "{}")], "apiVersion"),
        (vec![("bundle.json", "{")], "no JSON"),
    ] {
        let layer = blob(ours, &archive(&files)).await;
        let said = put(MANIFEST, of(vec![layer])).await;
        assert!(said.contains(word), "{said}");
    }
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(encoder);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Every file of the bundle, one after the other: changed, gone, added.
#[tokio::test]
async fn a_bundle_that_is_not_its_inventory_is_damaged() {
    let artifact = artifact('a', None);
    let to = memory();
    published(&artifact, &to, &options(&["latest"], None, false)).await;
    let found = publish::read(&*to.target, "latest", &Limits::default())
        .await
        .unwrap();
    let files: Vec<(String, String)> = found
        .tree
        .files()
        .map(|(id, path)| {
            (
                path.as_str().to_owned(),
                text(&found.tree.read(id).unwrap()),
            )
        })
        .collect();
    let refused = |files: &[(String, String)]| {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(p, c)| (p.as_str(), c.as_str()))
            .collect();
        let layer = archive(&files).into();
        Artifact::of_layer(&layer, "it", &Limits::default()).map(drop)
    };
    refused(&files).unwrap();
    for n in (0..files.len()).step_by(7) {
        if files[n].0 == "bundle.json" {
            continue;
        }
        let mut changed = files.clone();
        changed[n].1.push(' ');
        let said = refused(&changed).unwrap_err().to_string();
        assert!(
            said.contains(&files[n].0) && said.contains("damaged"),
            "{said}"
        );
        let mut gone = files.clone();
        gone.remove(n);
        let said = refused(&gone).unwrap_err().to_string();
        assert!(said.contains(&files[n].0), "{said}");
    }
    let mut more = files;
    more.push(("z/stranger".to_owned(), "x".to_owned()));
    let said = refused(&more).unwrap_err().to_string();
    assert!(said.contains("z/stranger"), "{said}");
}

#[test]
fn a_bundle_is_published_with_the_bytes_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let layout = format!("oci-layout:{}", at("rendered"));
    for out in [&at("folder"), &at("archive.tar.gz"), &layout] {
        done(&["-q", "render", &sample(), "--env", "prod", "-o", out]);
    }
    let rendered = answer(&["inspect", &layout]);
    for (n, source) in [at("folder"), at("archive.tar.gz"), layout.clone(), sample()]
        .iter()
        .enumerate()
    {
        let to = format!("oci-layout:{}:t", at(&format!("to-{n}")));
        let published = answer(&["publish", source, &to, "--env", "prod"]);
        assert_eq!(published["digest"], rendered["digest"], "{source}");
        assert_eq!(
            published["layer_digest"], rendered["layers"][0]["digest"],
            "{source}"
        );
        assert_eq!(published["pushed"], true);
        let again = answer(&["publish", source, &to, "--env", "prod"]);
        assert_eq!(again["pushed"], false, "{source}");
        let keys: Vec<&String> = again.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "url",
                "repository",
                "tags",
                "digest",
                "layer_digest",
                "pushed"
            ]
        );
    }
    std::fs::write(folder.path().join("folder/arm/main.json"), "{}").unwrap();
    let to = format!("oci-layout:{}", at("never"));
    let output = flux_apim(&["publish", &at("folder"), &to]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("arm/main.json"),
        "{}",
        text(&output.stderr)
    );
    assert!(!folder.path().join("never").exists());
}

/// Members end inside files too: around large texts, and when enough is
/// together. A folder does not show where, the inventory does.
#[test]
fn a_folder_makes_the_same_archive_again() {
    let text = |seed: usize, size: usize| -> String {
        let words = ["order", "invoice", "customer", "page", "total"];
        let word = |n: usize| words[(n * seed + n / 7) % words.len()];
        let mut text = String::new();
        (0..)
            .map(word)
            .take_while(|word| {
                text.push_str(word);
                text.push(if text.len().is_multiple_of(11) {
                    '"'
                } else {
                    ' '
                });
                text.len() < size
            })
            .for_each(drop);
        text
    };
    let mut files = std::collections::BTreeMap::new();
    for (n, size) in [100, 40_000, 65_536, 70_000, 300_000, 800_000]
        .into_iter()
        .enumerate()
    {
        let definition = json!({
            "openapi": "3.0.3", "info": {"title": format!("API {n}"), "version": "1"},
            "paths": {"/x": {"get": {
                "operationId": "x", "description": text(n + 1, size),
                "responses": {"200": {"description": "ok"}},
            }}},
        });
        let policy = format!(
            "<policies><inbound><base /><!-- {} --></inbound></policies>",
            text(n + 2, size / 20).replace('"', "")
        );
        for (name, content) in [
            ("openapi.json", definition.to_string()),
            ("policy.xml", policy),
        ] {
            let path = flux_apim::tree::ArtifactPath::parse(&format!("api-{n}/{name}")).unwrap();
            files.insert(path, content.into_bytes());
        }
    }
    let tree = flux_apim::tree::SourceTree::in_memory(files);
    let outcome = common::run(&tree, &pipeline::Options::default());
    let rendered = Artifact::of(
        outcome
            .bundle
            .as_ref()
            .unwrap_or_else(|| panic!("{:#?}", common::shown(&outcome))),
    );
    let files = common::files(&outcome)
        .into_iter()
        .map(|(path, bytes)| (flux_apim::tree::ArtifactPath::parse(&path).unwrap(), bytes));
    let folder = flux_apim::tree::SourceTree::in_memory(files.collect());
    let again = Artifact::of_folder(&folder, "folder").unwrap();
    assert_eq!(again.layer_digest(), rendered.layer_digest());
    assert_eq!(again.packed().descriptor(), rendered.packed().descriptor());
    let cut = rendered.inventory()["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["cuts"].is_array());
    assert!(cut.count() > 3, "the files are large enough to be cut");
}

#[test]
fn pull_writes_what_render_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let repository = format!("oci-layout:{}", at("registry"));
    done(&["-q", "render", &sample(), "-o", &at("rendered")]);
    done(&["-q", "render", &sample(), "-o", &at("rendered.tar.gz")]);
    done(&["-q", "publish", &sample(), &repository]);
    done(&["pull", &repository, "-o", &at("pulled")]);
    done(&["pull", &repository, "-o", &at("pulled.tar.gz")]);
    let same = Command::new("diff")
        .args(["-r", &at("rendered"), &at("pulled")])
        .output()
        .unwrap();
    assert!(same.status.success(), "{}", text(&same.stdout));
    let bytes = |name: &str| std::fs::read(at(name)).unwrap();
    assert_eq!(bytes("rendered.tar.gz"), bytes("pulled.tar.gz"));
    // What was published is a source as well, and so is what was pulled.
    done(&[
        "-q",
        "publish",
        &at("pulled"),
        &format!("oci-layout:{}", at("again")),
    ]);
    let again = answer(&["inspect", &format!("oci-layout:{}", at("again"))]);
    assert_eq!(again["digest"], answer(&["inspect", &repository])["digest"]);
}

#[test]
fn a_failed_pull_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("registry");
    let repository = format!("oci-layout:{}", registry.display());
    done(&[
        "-q",
        "publish",
        &sample(),
        &repository,
        "--bicep-suffix",
        "",
    ]);
    let mut largest = std::fs::read_dir(registry.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&mut largest, bytes).unwrap();
    for out in ["out", "out.tar.gz", "oci-layout:out"] {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["pull", &repository, "-o", out])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains("expected sha256:"),
            "{}",
            text(&output.stderr)
        );
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["registry"]);
}

#[test]
fn keygen_never_overwrites_and_its_key_signs() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let at = |name: &str| folder.path().join(name).display().to_string();
    done(&["keygen", "-o", &dir]);
    let private = std::fs::read(at("cosign.key")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(at("cosign.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let output = flux_apim(&["keygen", "-o", &dir]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("never overwritten"));
    assert_eq!(std::fs::read(at("cosign.key")).unwrap(), private);
    let repository = format!("oci-layout:{}", at("registry"));
    done(&[
        "-q",
        "publish",
        &sample(),
        &repository,
        "--sign-key",
        &at("cosign.key"),
        "--attest",
    ]);
    let said = done(&["verify", &repository, "--key", &at("cosign.pub")]);
    assert_eq!(said.matches(", verified").count(), 4, "{said}");
}

#[test]
fn bad_keys_are_named_and_nothing_is_shown_of_them() {
    let canary = "correct-horse-battery-staple";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let pair = sign::keygen(canary.as_bytes()).unwrap();
    std::fs::write(at("sealed.key"), pair.private.as_bytes()).unwrap();
    std::fs::write(at("cosign.pub"), &pair.public).unwrap();
    std::fs::write(at("none.key"), "no key").unwrap();
    std::fs::write(
        at("rsa.key"),
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    )
    .unwrap();
    let secret = text(pair.private.as_bytes());
    let body: String = secret.lines().filter(|l| !l.starts_with('-')).collect();
    let to = format!("oci-layout:{}", at("never"));
    for (key, password, word) in [
        ("sealed.key", "wrong", "COSIGN_PASSWORD"),
        ("none.key", canary, "no PEM block"),
        ("rsa.key", canary, "`RSA PRIVATE KEY`"),
        ("cosign.pub", canary, "`PUBLIC KEY`"),
        ("absent.key", canary, "absent.key"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["-vv", "publish", &sample(), &to, "--sign-key", &at(key)])
            .args(["--creds", &format!("user:{canary}")])
            .env("COSIGN_PASSWORD", password)
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word), "{key}: {said}");
        assert!(
            !said.contains(canary) && !said.contains(&body[..40]),
            "{key}: {said}"
        );
    }
    let opened = SigningKey::from_pem(pair.private.as_bytes(), canary.as_bytes()).unwrap();
    assert_eq!(
        opened.verifying_key(),
        &VerifyingKey::from_pem(pair.public.as_bytes()).unwrap()
    );
    assert!(!format!("{opened:?} {pair:?}").contains(&body[..40]));
}

#[test]
fn references_that_are_none_say_what_is_expected() {
    for (reference, word) in [
        ("ghcr.io/x/y", "neither"),
        ("oci://", "expected"),
        ("oci://ghcr.io", "expected"),
        ("oci://ghcr.io/Team/apim", "upper-case"),
        ("oci://ghcr.io/team/apim:sha256:00", "expected"),
        ("oci://ghcr.io/team/apim@sha256:00", "64"),
        ("oci://user:pass@ghcr.io/team/apim", "credentials"),
        ("oci://ghcr.io/team/apim:-x", "tag"),
    ] {
        for command in [&["publish", "."][..], &["pull"], &["verify"], &["history"]] {
            let mut arguments = command.to_vec();
            arguments.push(reference);
            let output = flux_apim(&arguments);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{reference}: {said}");
            assert!(said.contains(word), "{reference}: {said}");
            assert!(!said.contains("user:pass"), "{said}");
        }
    }
    let digest = format!("oci://ghcr.io/team/apim@sha256:{}", "0".repeat(64));
    let said = text(&flux_apim(&["publish", &sample(), &digest]).stderr);
    assert!(said.contains("give a tag"), "{said}");
}

#[test]
fn the_pin_is_written_where_the_bundle_is_consumed_from() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("source.yaml");
    std::fs::write(
        &manifest,
        "kind: OCIRepository\nspec: {url: oci://elsewhere/x}\n",
    )
    .unwrap();
    let path = manifest.display().to_string();
    let to = format!("oci-layout:{}", folder.path().join("x").display());
    let said = text(&flux_apim(&["publish", &sample(), &to, "--write-pin", &path]).stderr);
    assert!(said.contains("consumes a registry"), "{said}");
}

/// Shapes that scripts rely on, with what differs between versions taken out.
#[test]
fn json_shapes_are_locked() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    done(&["keygen", "-o", &at("")]);
    // Outside any checkout: without a revision.
    let copied = Command::new("cp")
        .args(["-r", &sample(), &at("sample")])
        .status();
    assert!(copied.unwrap().success());
    let sample = || at("sample");
    let repository = format!("oci-layout:{}", at("registry"));
    let key = at("cosign.key");
    done(&[
        "-q",
        "publish",
        &sample(),
        &format!("{repository}:v1"),
        "--sign-key",
        &key,
        "--attest",
    ]);
    done(&[
        "-q",
        "publish",
        &sample(),
        &format!("{repository}:v2"),
        "--env",
        "prod",
        "--sign-key",
        &key,
    ]);
    let public = at("cosign.pub");
    let mut changed = Vec::new();
    for (name, shape) in [
        ("inspect", answer(&["inspect", &format!("{repository}:v1")])),
        (
            "verify",
            answer(&["verify", &format!("{repository}:v1"), "--key", &public]),
        ),
        ("history", answer(&["history", &repository])),
        (
            "rollback",
            answer(&["rollback", &repository, "--to", "v1", "--tag", "stable"]),
        ),
    ] {
        let mut shape = shape;
        plain(&mut shape, "", &at(""));
        let mut shown = serde_json::to_string_pretty(&shape).unwrap();
        shown.push('\n');
        let file = common::repository(&format!("testdata/publish/{name}.json"));
        if std::env::var_os("FLUX_APIM_BLESS").is_some() {
            std::fs::write(&file, &shown).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != shown {
            changed.push(format!("{}:\n{shown}", file.display()));
        }
    }
    assert!(
        changed.is_empty(),
        "set FLUX_APIM_BLESS=1 to accept\n{}",
        changed.join("\n")
    );
}

/// Digests, sizes, versions, folders and Git out of a document; of the inventory
/// only that it is there.
fn plain(value: &mut Json, key: &str, folder: &str) {
    match value {
        Json::Object(entries) => {
            if key == "inventory" {
                *value = json!("...");
                return;
            }
            for (key, value) in entries {
                plain(value, key, folder);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| plain(item, key, folder)),
        Json::Number(_) if key != "version" && key != "signatures" => *value = json!(0),
        Json::String(text) if text.starts_with("sha256:") => *value = json!("sha256:..."),
        Json::String(text) if text.contains(folder) => *value = json!(text.replace(folder, "")),
        Json::String(_) | Json::Null
            if key == "revision"
                || key == "source"
                || key == "created"
                || key.ends_with("flux-apim.version")
                || key.starts_with("org.opencontainers.image.") =>
        {
            *value = json!("...");
        }
        _ => {}
    }
}
