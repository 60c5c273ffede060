//! Signing with a key in an Azure Key Vault, against one of our own that follows the
//! documented REST API. Azure itself has not been asked.
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

use flux_apim::edge::publish::{self, Artifact, CopyOptions, Destination, Options, Policy};
use flux_apim::edge::sign::{KeyVault, Signer, VaultKey};
use flux_apim::pipeline;
use flux_apim::tree::Limits;
use registries::liar::{Habits, Liar};
use registries::real::{self, program, tool};
use registries::vault::{self, Azure, Vault};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn artifact() -> Artifact {
    let sample = common::repository("testdata/projects/contoso");
    let outcome = common::run(
        &common::tree(Path::new(&sample)),
        &pipeline::Options::default(),
    );
    Artifact::of(outcome.bundle.as_ref().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_vault_signs_once_and_verifies() {
    let azure = Azure::start().await;
    for name in [
        "azurekms://VAULT/apim",
        &format!("azurekms://VAULT/apim/{}", vault::VERSION),
    ] {
        let (server, key) = azure.open(Vault::default(), name).await;
        let key = Arc::new(key.unwrap());
        let liar = Liar::honest(Habits::default()).await;
        let place = format!("oci://{}/team/apim", liar.server.address)
            .parse()
            .unwrap();
        let to = Destination::open(&place, &registries::connection(), Some("/bicep")).unwrap();
        let options = Options {
            tags: vec!["v1".parse().unwrap()],
            signer: Some(key.clone() as Arc<dyn Signer>),
            attest: true,
            ..Options::default()
        };
        let artifact = artifact();
        let first = publish::publish(&artifact, &to, &options).await.unwrap();
        assert!(first.signed);
        let policy = Policy {
            signed_by: Some(key.verifying_key().clone().into()),
            ..Policy::default()
        };
        let verified = publish::verify(&*to.target, "v1", &policy, &Limits::default())
            .await
            .unwrap();
        assert_eq!(verified.claims.len(), 4);
        assert!(verified.provenance.is_some());
        // Its signatures are others each time, and still nothing is added twice.
        let again = publish::publish(&artifact, &to, &options).await.unwrap();
        assert!(!again.signed && !again.pushed);
        let verified = publish::verify(&*to.target, "v1", &policy, &Limits::default())
            .await
            .unwrap();
        assert_eq!(verified.claims.len(), 4);
        let expected = format!("POST /keys/apim/{}/sign", vault::VERSION);
        let lines = server.lines();
        assert!(
            lines.iter().skip(1).all(|line| *line == expected),
            "{lines:?}"
        );
        assert_eq!(azure.deviations.all(), Vec::<String>::new());
        assert_eq!(azure.entra.lines().len(), 1, "one token for all");
        azure.entra.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vault_refuses_is_told_with_what_to_do() {
    let azure = Azure::start().await;
    let name = "azurekms://VAULT/apim";
    for (vault, name, said) in [
        (
            Vault {
                kind: ("RSA", ""),
                ..Vault::default()
            },
            name,
            "EC keys on P-256",
        ),
        (
            Vault {
                kind: ("EC", "P-384"),
                ..Vault::default()
            },
            name,
            "EC keys on P-256",
        ),
        (
            Vault {
                refuses: Some(403),
                ..Vault::default()
            },
            name,
            "Key Vault Crypto User",
        ),
        (
            Vault::default(),
            "azurekms://VAULT/other",
            "check the names",
        ),
    ] {
        let (_server, opened) = azure.open(vault, name).await;
        let error = opened.unwrap_err();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
    for signs in [
        json!({"value": "AAAA"}),
        json!({}),
        json!({"value": "A".repeat(86)}),
    ] {
        let vault = Vault {
            signs: Some(signs),
            ..Vault::default()
        };
        let (_server, key) = azure.open(vault, name).await;
        let error = key.unwrap().sign(b"message").await.unwrap_err().to_string();
        assert!(error.contains("no signature by the key"), "{error}");
    }
    // A token for vaults goes to vaults alone.
    let server = azure.vault(Vault::default()).await;
    let name = VaultKey::parse(&format!("azurekms://{}/apim", server.address))
        .unwrap()
        .unwrap();
    let error = KeyVault::open(&name, &azure.connection("elsewhere"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no Azure Key Vault"), "{error}");
    assert_eq!(server.lines(), Vec::<String>::new());
}

/// Real cosign, over real registries, verifies what a key in a vault signed, in both formats,
/// and so it does where `copy`, ORAS and skopeo took it.
#[tokio::test(flavor = "multi_thread")]
async fn cosign_verifies_what_a_vault_signed_wherever_it_is_copied() {
    let tools = (tool("cosign"), tool("oras"), program("skopeo"));
    let (Some(cosign), Some(oras), Some(skopeo)) = tools else {
        return;
    };
    let (Some(registry), Some(other)) = (
        real::start(real::Kind::Distribution3),
        real::start(real::Kind::Referrers),
    ) else {
        return;
    };
    let azure = Azure::start().await;
    let (_server, key) = azure.open(Vault::default(), "azurekms://VAULT/apim").await;
    let key = Arc::new(key.unwrap());
    let place = |address: &str, name: &str| {
        let place = format!("oci://{address}/{name}").parse().unwrap();
        Destination::open(&place, &registries::connection(), Some("/bicep")).unwrap()
    };
    let from = place(&registry.address, "team/apim");
    let options = Options {
        tags: vec!["v1".parse().unwrap()],
        signer: Some(key.clone() as Arc<dyn Signer>),
        attest: true,
        ..Options::default()
    };
    publish::publish(&artifact(), &from, &options)
        .await
        .unwrap();
    let policy = Policy {
        signed_by: Some(key.verifying_key().clone().into()),
        ..Policy::default()
    };
    let copying = CopyOptions {
        tags: vec!["v1".to_owned()],
        policy,
        ..CopyOptions::default()
    };
    let to = place(&other.address, "team/copied");
    let copied = publish::copy(&from, "v1", &to, &copying, &Limits::default()).await;
    let digest = copied.unwrap().descriptor.digest;
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("cosign.pub");
    std::fs::write(&public, key.verifying_key().to_pem()).unwrap();
    let public = public.display().to_string();
    let run = |program: &Path, arguments: &[&str]| {
        let ran = Command::new(program)
            .args(arguments)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{arguments:?}: {said}");
    };
    let verify = |reference: &str, form: &str| {
        let how = ["--insecure-ignore-tlog", "--allow-http-registry", form];
        let verify = [&["verify", "--key", &public][..], &how, &[reference]].concat();
        run(&cosign, &verify);
    };
    let (bundles, payloads) = ("--new-bundle-format=true", "--new-bundle-format=false");
    let first = format!("{}/team/apim:v1", registry.address);
    let copied = format!("{}/team/copied", other.address);
    for reference in [&first, &format!("{copied}:v1")] {
        verify(reference, bundles);
        verify(reference, payloads);
    }
    // ORAS takes along what refers to it, skopeo what has a tag.
    let onwards = format!("{}/team/onwards", other.address);
    let plain = ["--from-plain-http", "--to-plain-http"];
    let (source, target) = (format!("{copied}@{digest}"), format!("{onwards}:v1"));
    let copy = [&["copy", "-r"][..], &plain, &[&source, &target]].concat();
    run(&oras, &copy);
    verify(&target, bundles);
    let tags = [
        "v1".to_owned(),
        format!("{}.sig", digest.to_string().replace(':', "-")),
    ];
    let carried = format!("{}/team/carried", registry.address);
    for tag in &tags {
        let (source, target) = (
            format!("docker://{copied}:{tag}"),
            format!("docker://{carried}:{tag}"),
        );
        let insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        let how = ["copy", "--preserve-digests"];
        run(
            &skopeo,
            &[&how[..], &insecure, &[&source, &target]].concat(),
        );
    }
    verify(&format!("{carried}:v1"), payloads);
}
