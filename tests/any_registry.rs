//! What every registry must do, by the command alone: on those that are here, and on a real
//! one that the environment names:
//!
//! ```console
//! $ FLUX_APIM_TEST_REGISTRY=oci://ghcr.io/contoso/flux-apim-test FLUX_APIM_CREDS=... \
//!     cargo test --test any_registry -- --nocapture
//! ```
//!
//! The repository should be one for this alone. Flags of the command come from its own
//! variables (`FLUX_APIM_CREDS`, `FLUX_APIM_CA`, `FLUX_APIM_TIMEOUT`), `docker login` counts,
//! and `FLUX_APIM_TEST_FLAGS` has what else all commands get (`--provider azure`).
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use registries::liar::{Habits, Liar};
use registries::real::{ALL, start};
use serde_json::Value as Json;
use std::process::{Command, Stdio};

/// The repository, as `oci://HOST/PATH`.
const REGISTRY: &str = "FLUX_APIM_TEST_REGISTRY";
/// Further flags of every command that speaks to it.
const FLAGS: &str = "FLUX_APIM_TEST_FLAGS";

const DEFINITION: &str = r#"{"openapi":"3.0.3","info":{"title":"Orders","version":"1"},"paths":{"/orders":{"get":{"operationId":"listOrders","summary":"TEXT","responses":{"200":{"description":"Orders"}}}}}}"#;

/// A repository, a folder where commands run, and the flags that all of them get.
struct Suite<'s> {
    repository: &'s str,
    flags: Vec<String>,
    folder: tempfile::TempDir,
    /// What tags of this run begin with: the repository may have others.
    run: String,
}

impl Suite<'_> {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the command, which must succeed; what it answers.
    fn answer(&self, arguments: &[&str]) -> Json {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["-q"])
            .args(arguments)
            .args(["--format", "json"])
            .args(&self.flags)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env("COSIGN_PASSWORD", "")
            .env_remove("FLUX_APIM_ENV")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A source whose only operation says `text`.
    fn source(&self, text: &str) -> String {
        let folder = self.folder.path().join(format!("source-{text}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("orders.json"), DEFINITION.replace("TEXT", text)).unwrap();
        folder.display().to_string()
    }

    fn at(&self, tag: &str) -> String {
        format!("{}:{}-{tag}", self.repository, self.run)
    }

    fn tag(&self, tag: &str) -> String {
        format!("{}-{tag}", self.run)
    }

    fn hold(&self) {
        let keygen = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["-q", "keygen"])
            .current_dir(self.folder.path())
            .env("COSIGN_PASSWORD", "")
            .output()
            .unwrap();
        assert!(keygen.status.success(), "{keygen:?}");
        let publish = |text: &str, tag: &str| {
            let source = self.source(text);
            let moving = self.tag("now");
            let tags = ["--tag", &self.tag(tag), "--tag", &moving];
            let signed = ["--sign-key", "cosign.key", "--attest"];
            self.answer(&[&["publish", &source, self.repository][..], &tags, &signed].concat())
        };
        let verify = |tag: &str| {
            let verified = self.answer(&["verify", &self.at(tag), "--key", "cosign.pub"]);
            assert_eq!(verified["signatures"].as_array().unwrap().len(), 2);
            assert_eq!(verified["attestations"].as_array().unwrap().len(), 2);
            verified["digest"].as_str().unwrap().to_owned()
        };
        let first = publish("first", "a");
        assert_eq!(first["pushed"], true, "{first}");
        let first = first["digest"].as_str().unwrap().to_owned();
        assert_eq!(verify("a"), first);
        // The same again is nothing.
        let again = publish("first", "a");
        assert_eq!(
            (&again["pushed"], &again["digest"]),
            (&false.into(), &first.clone().into())
        );
        let second = publish("second", "b")["digest"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_ne!(first, second);
        assert_eq!(
            [verify("now"), verify("b")],
            [second.clone(), second.clone()]
        );
        let inspected = self.answer(&["inspect", &self.at("b")]);
        assert_eq!(
            inspected["referrers"].as_array().unwrap().len(),
            3,
            "{inspected}"
        );

        let history = self.answer(&["history", self.repository, "--tag-prefix", &self.run]);
        let entries = history["entries"].as_array().unwrap();
        let digests: Vec<&str> = entries
            .iter()
            .map(|e| e["digest"].as_str().unwrap())
            .collect();
        assert_eq!(digests.len(), 2, "{history}");
        assert!(digests.contains(&first.as_str()) && digests.contains(&second.as_str()));

        // Away and back: what is said of it comes along, and nothing is sent twice.
        let layout = format!("oci-layout:{}", self.path("layout"));
        let there = self.answer(&["copy", &self.at("b"), &format!("{layout}:v1")]);
        assert_eq!(there["digest"], second);
        let back = self.answer(&["copy", &format!("{layout}:v1"), &self.at("copied")]);
        assert_eq!(back["digest"], second);
        assert_eq!(verify("copied"), second);
        let again = self.answer(&["copy", &format!("{layout}:v1"), &self.at("copied")]);
        assert_eq!(
            (&again["pushed"], &again["said"]),
            (&false.into(), &0.into())
        );

        let (to, now) = (self.tag("a"), self.tag("now"));
        let back = ["rollback", self.repository, "--tag", &now, "--to", &to];
        let back = [&back[..], &["--key", "cosign.pub"]].concat();
        let back = self.answer(&back);
        assert_eq!(
            (&back["from"], &back["to"]),
            (&second.into(), &first.clone().into())
        );
        assert_eq!(verify("now"), first);
        self.answer(&["tag", &self.at("a"), &self.tag("kept")]);
        assert_eq!(verify("kept"), first);
        let prune = [
            "prune",
            self.repository,
            "--no-cluster",
            "--dry-run",
            "--keep",
            "1",
        ];
        let pruned = self.answer(&prune);
        let bundles = pruned["bundles"].as_array().unwrap();
        assert!(bundles.len() >= 2, "{pruned}");
    }
}

/// Holds the registry that `repository` is in to all of it.
fn hold(repository: &str, flags: &[&str]) {
    let mut random = [0; 6];
    getrandom::fill(&mut random).unwrap();
    let run: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let suite = Suite {
        repository,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        folder: tempfile::tempdir().unwrap(),
        run: format!("t{run}"),
    };
    suite.hold();
    println!("{repository}: all of it");
}

#[test]
fn the_real_ones_that_are_here() {
    for kind in ALL {
        let Some(registry) = start(kind) else {
            continue;
        };
        hold(
            &format!("oci://{}/team/apim", registry.address),
            &["--insecure"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_with_and_without_referrers() {
    for referrers in [false, true] {
        let habits = Habits {
            referrers,
            ..Habits::default()
        };
        let liar = Liar::honest(habits).await;
        let repository = format!("oci://{}/team/apim", liar.server.address);
        let held = tokio::task::spawn_blocking(move || hold(&repository, &["--insecure"]));
        held.await.unwrap();
    }
}

#[test]
fn the_one_that_the_environment_names() {
    let Ok(repository) = std::env::var(REGISTRY) else {
        return println!("skipped: {REGISTRY} names no repository");
    };
    let flags = std::env::var(FLAGS).unwrap_or_default();
    let flags: Vec<&str> = flags.split_whitespace().collect();
    hold(&repository, &flags);
}
