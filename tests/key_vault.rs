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

use flux_apim::edge::oci::acr::{Assertion, Identity, Source};
use flux_apim::edge::oci::{Connection, Credentials};
use flux_apim::edge::publish::{self, Artifact, Destination, Options, Policy};
use flux_apim::edge::secret::Secret;
use flux_apim::edge::sign::{KeyVault, Signer, VaultKey};
use flux_apim::pipeline;
use flux_apim::tree::Limits;
use registries::azure::{self, Deviations};
use registries::liar::{Habits, Liar};
use registries::real::Authority;
use registries::server::Server;
use registries::vault::{self, Vault};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

struct Azure {
    deviations: Deviations,
    authority: Authority,
    entra: Server,
}

impl Azure {
    async fn start() -> Self {
        let deviations = Deviations::default();
        Self {
            entra: azure::entra_for(vault::AUDIENCE, &deviations, None).await,
            authority: Authority::new("own"),
            deviations,
        }
    }

    async fn vault(&self, vault: Vault) -> Server {
        vault.start(self.authority.server(), &self.deviations).await
    }

    /// A connection as the identity that Entra knows, for the vault at `host`.
    fn connection(&self, host: &str) -> Connection {
        let source = Source::Workload {
            authority: format!("http://{}/", self.entra.address),
            tenant: azure::TENANT.to_owned(),
            client: azure::CLIENT.to_owned(),
            assertion: Assertion::Text(Secret::new(azure::FEDERATED.to_owned())),
        };
        let identity = Identity {
            source,
            hosts: vec![host.to_owned()],
        };
        Connection {
            insecure: true,
            ca: Some(self.authority.certificate()),
            credentials: Credentials::Azure(identity),
            ..registries::connection()
        }
    }

    async fn open(&self, vault: Vault, name: &str) -> (Server, Result<KeyVault, String>) {
        let server = self.vault(vault).await;
        let name = name.replace("VAULT", &server.address);
        let name = VaultKey::parse(&name).unwrap().unwrap();
        let opened = KeyVault::open(&name, &self.connection(&server.address)).await;
        (server, opened.map_err(|error| error.to_string()))
    }
}

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

/// Real cosign, over a real registry, verifies what a key in a vault signed, in both formats.
#[tokio::test(flavor = "multi_thread")]
async fn cosign_verifies_what_a_vault_signed() {
    let (Some(cosign), Some(registry)) = (
        registries::real::tool("cosign"),
        registries::real::start(registries::real::Kind::Distribution3),
    ) else {
        return;
    };
    let azure = Azure::start().await;
    let (_server, key) = azure.open(Vault::default(), "azurekms://VAULT/apim").await;
    let key = Arc::new(key.unwrap());
    let place = format!("oci://{}/team/apim", registry.address);
    let to = Destination::open(
        &place.parse().unwrap(),
        &registries::connection(),
        Some("/bicep"),
    );
    let options = Options {
        tags: vec!["v1".parse().unwrap()],
        signer: Some(key.clone() as Arc<dyn Signer>),
        attest: true,
        ..Options::default()
    };
    publish::publish(&artifact(), &to.unwrap(), &options)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("cosign.pub");
    std::fs::write(&public, key.verifying_key().to_pem()).unwrap();
    let reference = format!("{}/team/apim:v1", registry.address);
    for form in ["--new-bundle-format=true", "--new-bundle-format=false"] {
        let verified = std::process::Command::new(&cosign)
            .args([
                "verify",
                "--insecure-ignore-tlog",
                "--allow-http-registry",
                form,
                "--key",
            ])
            .args([public.as_os_str(), reference.as_ref()])
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success(), "{form}: {said}");
    }
}
