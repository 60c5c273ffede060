//! Real cosign and skopeo over real registries: cosign verifies what we sign,
//! we verify what cosign signs, and both refuse the same things.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;
mod registries;

use registries::real::{self, Kind, Registry, program, tool};
use registries::sigstore::{self, Habits, ISSUER, Sigstore, WORKFLOW};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PASSWORD: &str = "a password of the test";

/// A registry, cosign, and a folder with two key pairs: ours and cosign's.
struct Scene {
    registry: Registry,
    cosign: PathBuf,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(kind: Kind) -> Option<Self> {
        let scene = Self {
            cosign: tool("cosign")?,
            registry: real::start(kind)?,
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["ours", "theirs"] {
            std::fs::create_dir(scene.folder.path().join(name)).unwrap();
        }
        let ours = scene.path("ours");
        scene.done(&["keygen", "-o", &ours]);
        let made = scene
            .command(&scene.cosign)
            .arg("generate-key-pair")
            .current_dir(scene.path("theirs"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        Some(scene)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .env("COSIGN_PASSWORD", PASSWORD)
            .env("HOME", self.folder.path())
            .env("FLUX_APIM_INSECURE", "true")
            .env_remove("FLUX_APIM_ENV");
        command
    }

    fn flux_apim(&self, arguments: &[&str]) -> Output {
        self.command(Path::new(env!("CARGO_BIN_EXE_flux-apim")))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs our command, which must succeed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.flux_apim(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn answer(&self, arguments: &[&str]) -> Json {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        serde_json::from_str(&self.done(&all)).unwrap()
    }

    fn cosign(&self, arguments: &[&str]) -> Output {
        self.command(&self.cosign).args(arguments).output().unwrap()
    }

    fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.address)
    }

    /// Publishes the sample and gives `REPOSITORY@DIGEST`.
    fn publish(&self, name: &str, more: &[&str]) -> String {
        let to = format!("oci://{}:v1", self.repository(name));
        let source = common::repository("testdata/projects/contoso");
        let source = source.display().to_string();
        let mut arguments = vec!["-q", "publish", source.as_str(), to.as_str()];
        arguments.extend(more);
        let published = self.answer(&arguments);
        let digest = published["digest"].as_str().unwrap();
        format!("{}@{digest}", self.repository(name))
    }

    /// What cosign says to a signature (or, with a type, an attestation).
    fn verify(&self, reference: &str, key: &str, form: Form, kind: Option<&str>) -> Output {
        let verb = if kind.is_some() {
            "verify-attestation"
        } else {
            "verify"
        };
        let key = self.path(key);
        let mut arguments = vec![
            verb,
            "--key",
            &key,
            "--insecure-ignore-tlog",
            "--allow-http-registry",
        ];
        if form == Form::Payload {
            arguments.push("--new-bundle-format=false");
        }
        if let Some(kind) = kind {
            arguments.extend(["--type", kind]);
        }
        arguments.push(reference);
        self.cosign(&arguments)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Payload,
    Bundle,
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const KINDS: [Kind; 2] = [Kind::Distribution3, Kind::Referrers];

#[test]
fn cosign_verifies_both_forms_and_the_attestations() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        for key in ["ours", "theirs"] {
            let private = scene.path(&format!("{key}/cosign.key"));
            let reference = scene.publish(key, &["--sign-key", &private, "--attest"]);
            let tag = reference
                .replace(reference.split_once('@').unwrap().1, "")
                .replace('@', ":v1");
            let other = if key == "ours" { "theirs" } else { "ours" };
            for reference in [&reference, &tag] {
                for form in [Form::Payload, Form::Bundle] {
                    let verified =
                        scene.verify(reference, &format!("{key}/cosign.pub"), form, None);
                    assert!(
                        verified.status.success(),
                        "{kind:?} {form:?}: {}",
                        said(&verified)
                    );
                    let refused =
                        scene.verify(reference, &format!("{other}/cosign.pub"), form, None);
                    assert!(
                        !refused.status.success(),
                        "{kind:?} {form:?}: {}",
                        said(&refused)
                    );
                }
            }
            for predicate in ["slsaprovenance1", "cyclonedx"] {
                let public = format!("{key}/cosign.pub");
                let verified = scene.verify(&reference, &public, Form::Bundle, Some(predicate));
                assert!(
                    verified.status.success(),
                    "{kind:?} {predicate}: {}",
                    said(&verified)
                );
                let refused = scene.verify(
                    &reference,
                    &format!("{other}/cosign.pub"),
                    Form::Bundle,
                    Some(predicate),
                );
                assert!(!refused.status.success(), "{kind:?} {predicate}");
            }
            let ours = format!("oci://{reference}");
            let refused = scene.flux_apim(&[
                "verify",
                &ours,
                "--key",
                &scene.path(&format!("{other}/cosign.pub")),
            ]);
            assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        }
    }
}

#[test]
fn we_verify_what_cosign_signed() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        for form in [Form::Payload, Form::Bundle] {
            let reference = scene.publish(&format!("{form:?}").to_lowercase(), &[]);
            let ours = format!("oci://{reference}");
            let public = scene.path("theirs/cosign.pub");
            let unsigned = scene.flux_apim(&["verify", &ours, "--key", &public]);
            assert_eq!(unsigned.status.code(), Some(2));
            assert!(
                said(&unsigned).contains("no signature at all"),
                "{}",
                said(&unsigned)
            );
            let private = scene.path("theirs/cosign.key");
            let mut arguments = vec![
                "sign",
                "--yes",
                "--key",
                &private,
                "--tlog-upload=false",
                "--use-signing-config=false",
                "--allow-http-registry",
            ];
            if form == Form::Payload {
                arguments.push("--new-bundle-format=false");
            }
            arguments.push(&reference);
            let signed = scene.cosign(&arguments);
            assert!(
                signed.status.success(),
                "{kind:?} {form:?}: {}",
                said(&signed)
            );
            scene.done(&["verify", &ours, "--key", &public]);
            let wrong =
                scene.flux_apim(&["verify", &ours, "--key", &scene.path("ours/cosign.pub")]);
            assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
        }
    }
}

/// Ours beside cosign's, and cosign's beside ours: nothing of either is lost.
#[test]
fn signatures_of_both_stand_beside_each_other() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        let ours = scene.path("ours/cosign.key");
        let reference = scene.publish("both", &["--sign-key", &ours]);
        let theirs = scene.path("theirs/cosign.key");
        for form in ["--new-bundle-format=false", "--new-bundle-format=true"] {
            let signed = scene.cosign(&[
                "sign",
                "--yes",
                "--key",
                &theirs,
                "--tlog-upload=false",
                "--use-signing-config=false",
                "--allow-http-registry",
                form,
                &reference,
            ]);
            assert!(signed.status.success(), "{kind:?}: {}", said(&signed));
        }
        scene.publish("both", &["--sign-key", &ours, "--attest"]);
        for key in ["ours", "theirs"] {
            let public = format!("{key}/cosign.pub");
            for form in [Form::Payload, Form::Bundle] {
                let verified = scene.verify(&reference, &public, form, None);
                assert!(
                    verified.status.success(),
                    "{kind:?} {key} {form:?}: {}",
                    said(&verified)
                );
            }
            scene.done(&[
                "verify",
                &format!("oci://{reference}"),
                "--key",
                &scene.path(&public),
            ]);
        }
    }
}

/// A layer of the same size with other bytes, and a tag that another bundle
/// took over.
#[test]
fn a_changed_layer_and_a_moved_tag_are_refused_by_both() {
    let Some(scene) = Scene::new(Kind::Distribution3) else {
        return;
    };
    let key = scene.path("ours/cosign.key");
    let public = scene.path("ours/cosign.pub");
    let reference = scene.publish("signed", &["--sign-key", &key]);
    let digest = reference.split_once('@').unwrap().1;
    let unsigned = scene.publish("signed", &["--env", "prod"]);
    assert_ne!(reference, unsigned, "the tag moved");
    let tag = format!("{}:v1", scene.repository("signed"));
    assert!(
        !scene
            .verify(&tag, "ours/cosign.pub", Form::Bundle, None)
            .status
            .success()
    );
    for moved in [format!("oci://{tag}"), format!("oci://{tag}@{digest}")] {
        let refused = scene.flux_apim(&["verify", &moved, "--key", &public]);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{moved}: {}",
            said(&refused)
        );
    }
    scene.done(&["verify", &format!("oci://{reference}"), "--key", &public]);

    let inspected = scene.answer(&["inspect", &format!("oci://{reference}")]);
    let layer = inspected["layers"][0]["digest"].as_str().unwrap();
    let hex = layer.strip_prefix("sha256:").unwrap();
    let blob = scene.registry.data().join(format!(
        "docker/registry/v2/blobs/sha256/{}/{hex}/data",
        &hex[..2]
    ));
    let mut bytes = std::fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    for command in ["verify", "pull"] {
        let refused = scene.flux_apim(&[command, &format!("oci://{reference}"), "--key", &public]);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(
            said(&refused).contains("expected sha256:"),
            "{}",
            said(&refused)
        );
    }
}

#[test]
fn what_skopeo_copied_still_verifies() {
    let Some(skopeo) = program("skopeo") else {
        return;
    };
    let Some(scene) = Scene::new(Kind::Distribution3) else {
        return;
    };
    let key = scene.path("ours/cosign.key");
    let public = scene.path("ours/cosign.pub");
    let reference = scene.publish("from", &["--sign-key", &key, "--attest"]);
    let digest = reference.split_once('@').unwrap().1;
    let from = scene.repository("from");
    for kind in [Kind::Distribution2, Kind::Referrers] {
        let Some(other) = real::start(kind) else {
            return;
        };
        let to = format!("{}/to", other.address);
        let hex = digest.replace(':', "-");
        for (tag, how) in [
            ("v1", "--preserve-digests"),
            (&format!("{hex}.sig"), "--preserve-digests"),
            // skopeo writes an index anew, without what it does not know.
            (&hex, "--all"),
        ] {
            let copied = Command::new(&skopeo)
                .args([
                    "copy",
                    how,
                    "--src-tls-verify=false",
                    "--dest-tls-verify=false",
                ])
                .args([
                    format!("docker://{from}:{tag}"),
                    format!("docker://{to}:{tag}"),
                ])
                .output()
                .unwrap();
            assert!(copied.status.success(), "{kind:?} {tag}: {}", said(&copied));
        }
        let copy = format!("oci://{to}:v1");
        let checked = scene.answer(&["verify", &copy, "--key", &public]);
        assert_eq!(checked["digest"], digest);
        let forms = checked["signatures"].as_array().unwrap();
        assert_eq!(forms.len(), 2, "{kind:?}: {checked:#}");
        let verified = scene.verify(
            &format!("{to}@{digest}"),
            "ours/cosign.pub",
            Form::Payload,
            None,
        );
        assert!(verified.status.success(), "{kind:?}: {}", said(&verified));
    }
}

/// An instance of Sigstore of the test, and the files by which both programs know it.
struct Instance {
    sigstore: Sigstore,
    /// It answers while this is there.
    _runtime: tokio::runtime::Runtime,
    root: String,
    token: String,
    /// Of cosign: the log by version 1 of its API, and by version 2 with timestamps.
    configs: [String; 2],
}

impl Instance {
    fn start(scene: &Scene) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sigstore = runtime.block_on(Sigstore::start(Habits::default()));
        let write = |name: &str, text: String| {
            let path = scene.path(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let service = |url: &str, version: u32| {
            serde_json::json!([{
                "url": url, "majorApiVersion": version, "operator": "the test",
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }])
        };
        let url = sigstore.url();
        let configs = [1, 2].map(|version| {
            let mut config = serde_json::json!({
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": service(&url, 1),
                "rekorTlogUrls": service(&url, version),
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaConfig": {"selector": "ANY"},
            });
            if version == 2 {
                config["tsaUrls"] = service(&sigstore.timestamps(), 1);
            }
            write(
                &format!("signing_config_{version}.json"),
                config.to_string(),
            )
        });
        Self {
            root: write("trusted_root.json", sigstore.trusted_root().to_string()),
            token: write("token", sigstore::token()),
            configs,
            sigstore,
            _runtime: runtime,
        }
    }

    /// What both programs are told of who must have signed.
    fn of<'a>(&'a self, workflow: &'a str) -> [&'a str; 6] {
        [
            "--certificate-identity",
            workflow,
            "--certificate-oidc-issuer",
            ISSUER,
            "--trusted-root",
            &self.root,
        ]
    }
}

#[test]
fn cosign_verifies_what_an_identity_signed() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        let instance = Instance::start(&scene);
        let url = instance.sigstore.url();
        let reference = scene.publish(
            "keyless",
            &[
                "--keyless",
                "--attest",
                "--identity-token",
                &instance.token,
                "--fulcio-url",
                &url,
                "--rekor-url",
                &url,
                "--trusted-root",
                &instance.root,
            ],
        );
        let other = "https://ci.example/somebody/else";
        for (verb, more) in [
            ("verify", &[][..]),
            ("verify-attestation", &["--type", "slsaprovenance1"][..]),
            ("verify-attestation", &["--type", "cyclonedx"][..]),
        ] {
            for (workflow, expected) in [(WORKFLOW, true), (other, false)] {
                let mut arguments = vec![verb, "--allow-http-registry"];
                arguments.extend(instance.of(workflow));
                arguments.extend(more);
                arguments.push(&reference);
                let verified = scene.cosign(&arguments);
                let said = said(&verified);
                assert_eq!(
                    verified.status.success(),
                    expected,
                    "{kind:?} {verb}: {said}"
                );
            }
        }
        // A copy in another registry is signed by the same.
        let Some(elsewhere) = real::start(Kind::Referrers) else {
            return;
        };
        let to = format!("{}/prod", elsewhere.address);
        let mut copy = vec![
            "copy".to_owned(),
            format!("oci://{reference}"),
            format!("oci://{to}:v1"),
        ];
        copy.extend(instance.of(WORKFLOW).map(str::to_owned));
        let copy: Vec<&str> = copy.iter().map(String::as_str).collect();
        scene.done(&copy);
        let digest = reference.split_once('@').unwrap().1;
        let copied = format!("{to}@{digest}");
        let mut arguments = vec!["verify", "--allow-http-registry"];
        arguments.extend(instance.of(WORKFLOW));
        arguments.push(&copied);
        let verified = scene.cosign(&arguments);
        assert!(verified.status.success(), "{kind:?}: {}", said(&verified));
    }
}

#[test]
fn we_verify_what_cosign_signed_as_an_identity() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        let instance = Instance::start(&scene);
        for (config, version) in instance.configs.iter().zip([1, 2]) {
            let reference = scene.publish(&format!("theirs-{version}"), &[]);
            let what = format!("{kind:?}, version {version} of the log");
            let signed = scene.cosign(&[
                "sign",
                "--yes",
                "--identity-token",
                &sigstore::token(),
                "--signing-config",
                config,
                "--trusted-root",
                &instance.root,
                "--allow-http-registry",
                &reference,
            ]);
            assert!(signed.status.success(), "{what}: {}", said(&signed));
            assert_eq!(instance.sigstore.refused(), Vec::<String>::new());
            let ours = format!("oci://{reference}");
            let other = "https://ci.example/somebody/else";
            for (workflow, expected) in [(WORKFLOW, Some(0)), (other, Some(2))] {
                let mut arguments = vec!["verify", &ours];
                arguments.extend(instance.of(workflow));
                let verified = scene.flux_apim(&arguments);
                assert_eq!(
                    verified.status.code(),
                    expected,
                    "{what}: {}",
                    said(&verified)
                );
            }
            // What it wrote is what it reads.
            let mut arguments = vec!["verify", "--allow-http-registry"];
            arguments.extend(instance.of(WORKFLOW));
            arguments.push(&reference);
            let verified = scene.cosign(&arguments);
            assert!(verified.status.success(), "{what}: {}", said(&verified));
        }
    }
}

/// Runs a program that must succeed; what it printed.
fn ran(program: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    output.stdout
}

/// ORAS and skopeo read what `copy` wrote of a bundle that an identity signed, and what ORAS
/// copied on is still signed.
#[test]
fn oras_and_skopeo_read_what_was_copied() {
    let (Some(oras), Some(skopeo)) = (tool("oras"), program("skopeo")) else {
        return;
    };
    for kind in KINDS {
        let (Some(scene), Some(other)) = (Scene::new(Kind::Distribution3), real::start(kind))
        else {
            return;
        };
        let instance = Instance::start(&scene);
        let url = instance.sigstore.url();
        let mut flags = vec!["--keyless", "--attest", "--identity-token", &instance.token];
        flags.extend(["--fulcio-url", &url, "--rekor-url", &url]);
        flags.extend(["--trusted-root", &instance.root]);
        let reference = scene.publish("signed", &flags);
        let digest = reference.split_once('@').unwrap().1;
        let copied = format!("{}/copied", other.address);
        scene.done(&[
            "copy",
            &format!("oci://{reference}"),
            &format!("oci://{copied}:v1"),
        ]);
        let by_digest = format!("{copied}@{digest}");

        let raw = ran(
            &skopeo,
            &[
                "inspect",
                "--raw",
                "--tls-verify=false",
                &format!("docker://{by_digest}"),
            ],
        );
        assert_eq!(flux_apim::tree::Digest::of(&raw).to_string(), digest);
        let same = ran(&oras, &["manifest", "fetch", "--plain-http", &by_digest]);
        assert_eq!(same, raw, "{kind:?}");
        let listed = ran(
            &oras,
            &["discover", "--plain-http", "--format", "json", &by_digest],
        );
        let listed = String::from_utf8(listed).unwrap();
        // Not by the artifact type: some registries name that of the configuration.
        let bundle = "dev.sigstore.bundle.predicateType";
        assert_eq!(listed.matches(bundle).count(), 3, "{kind:?}: {listed}");
        let pulled = scene.path("pulled");
        ran(&oras, &["pull", "--plain-http", "-o", &pulled, &by_digest]);

        let onwards = format!("{}/onwards:v1", other.address);
        let plain = ["--from-plain-http", "--to-plain-http"];
        let copy = [&["copy", "-r"][..], &plain, &[&by_digest, &onwards]].concat();
        ran(&oras, &copy);
        let ours = format!("oci://{onwards}");
        let mut verify = vec!["verify", &ours];
        verify.extend(instance.of(WORKFLOW));
        let verified = scene.answer(&verify);
        assert_eq!(verified["digest"], digest, "{kind:?}");
        assert_eq!(
            verified["attestations"].as_array().unwrap().len(),
            2,
            "{kind:?}"
        );
    }
}
