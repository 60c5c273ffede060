//! Whose signatures the real source-controller takes: of identities with a trust root of their
//! own, of keys in a vault, and of what was copied.

use crate::bundle::sample;
use crate::cluster::{Cluster, condition, is_ready, message, run};
use crate::common;
use crate::controller::binary;
use crate::process::tool;
use crate::registries::sigstore::{self, Habits, ISSUER, Sigstore, WORKFLOW};
use crate::registries::vault::{Azure, Vault};
use flux_apim::edge::oci::{Connection, Credentials};
use flux_apim::edge::publish::{self, Artifact, Destination, Options};
use flux_apim::edge::sign::Signer;
use flux_apim::pipeline;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Where a bundle is, and who must have signed it.
fn repository(namespace: &str, name: &str, url: &str, verify: &Json) -> Json {
    json!({
        "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "10m", "url": url, "insecure": true,
            "ref": {"tag": "v1"}, "verify": verify,
        },
    })
}

/// An identity, by patterns as Flux has them.
fn identity(subject: &str, root: &str) -> Json {
    json!({
        "provider": "cosign",
        "matchOIDCIdentity": [{"issuer": "^https://token\\.ci\\.example$", "subject": subject}],
        "trustedRootSecretRef": {"name": root},
    })
}

pub fn verified(cluster: &mut Cluster, _: bool) {
    let namespace = "signatures";
    cluster.namespace(namespace);
    let start = || cluster.runtime.block_on(Sigstore::start(Habits::default()));
    let (instance, stranger) = (start(), start());
    let write = |name: &str, text: &str| {
        let path = cluster.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let root = instance.trusted_root().to_string();
    for (name, root) in [
        ("own", &root),
        ("another", &stranger.trusted_root().to_string()),
    ] {
        cluster.apply(&json!({
            "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
            "stringData": {"trusted_root.json": root},
        }));
    }
    let root = write("trusted_root.json", &root);
    let token = write("token", &sigstore::token());

    let source = sample().display().to_string();
    let keyless = cluster.oci_url("signatures/keyless:v1");
    let plain = cluster.oci_url("signatures/rekor2:v1");
    let fulcio = instance.url();
    let ours = |arguments: &[&str]| run(&binary(), arguments, &[("FLUX_APIM_INSECURE", "true")]);
    let publish = ["-q", "publish", &source];
    let signing = [
        "--keyless",
        "--attest",
        "--identity-token",
        &token,
        "--fulcio-url",
        &fulcio,
        "--rekor-url",
        &fulcio,
        "--trusted-root",
        &root,
    ];
    ours(&[&publish[..], &[&keyless], &signing].concat());
    let by = [
        "--certificate-identity",
        WORKFLOW,
        "--certificate-oidc-issuer",
        ISSUER,
        "--trusted-root",
        &root,
    ];
    let copied = cluster.oci_url("signatures/copied:v1");
    ours(&[&["copy", &keyless, &copied][..], &by].concat());
    // What cosign signs with version 2 of the log, which we do not write.
    ours(&[&publish[..], &[&plain]].concat());
    let service = |url: &str, version: u32| {
        json!([{
            "url": url, "majorApiVersion": version, "operator": "the test",
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        }])
    };
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(&fulcio, 1),
        "rekorTlogUrls": service(&fulcio, 2),
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": service(&instance.timestamps(), 1),
        "tsaConfig": {"selector": "ANY"},
    });
    let config = write("signing_config.json", &config.to_string());
    let reference = plain.trim_start_matches("oci://");
    let sign = ["sign", "--yes", "--allow-http-registry", "--signing-config"];
    let sign = [
        &sign[..],
        &[&config, "--identity-token", &sigstore::token()],
        &["--trusted-root", &root, reference],
    ];
    let home = cluster.folder.display().to_string();
    run(&tool("cosign"), &sign.concat(), &[("HOME", &home)]);
    let public = vault(cluster, "signatures/vault");
    cluster.apply(&json!({
        "kind": "Secret", "metadata": {"name": "vault", "namespace": namespace},
        "stringData": {"cosign.pub": public},
    }));
    let from_vault = cluster.oci_url("signatures/from-vault:v1");
    let key = write("vault.pub", &public);
    ours(&[
        "copy",
        &cluster.oci_url("signatures/vault:v1"),
        &from_vault,
        "--require-signature",
        &key,
    ]);

    let (contoso, somebody) = (
        "^https://ci\\.example/contoso/",
        "^https://ci\\.example/somebody/",
    );
    let key = json!({"provider": "cosign", "secretRef": {"name": "vault"}});
    for (name, url, verify, expected) in [
        ("keyless", &keyless, identity(contoso, "own"), true),
        ("copied", &copied, identity(contoso, "own"), true),
        ("rekor2", &plain, identity(contoso, "own"), true),
        ("other-subject", &keyless, identity(somebody, "own"), false),
        ("other-root", &keyless, identity(contoso, "another"), false),
        (
            "vault",
            &cluster.oci_url("signatures/vault:v1"),
            key.clone(),
            true,
        ),
        ("vault-copied", &from_vault, key.clone(), true),
        ("vault-no-key", &keyless, key, false),
    ] {
        let url = url.trim_end_matches(":v1");
        cluster.apply(&repository(namespace, name, url, &verify));
        let status = if expected { "True" } else { "False" };
        let object = cluster.until("OCIRepository", namespace, name, |object| {
            condition(object, "SourceVerified", status)
        });
        if expected {
            cluster.until("OCIRepository", namespace, name, is_ready);
        } else {
            println!("{name}: {}", message(&object));
        }
    }
}

/// Publishes the sample, signed by a key in a vault of our own; the key's public half.
fn vault(cluster: &Cluster, name: &str) -> String {
    cluster.runtime.block_on(async {
        let azure = Azure::start().await;
        let (_server, key) = azure.open(Vault::default(), "azurekms://VAULT/apim").await;
        let key = Arc::new(key.unwrap());
        let tree = common::tree(&sample());
        let made = common::run(&tree, &pipeline::Options::default());
        let artifact = Artifact::of(made.bundle.as_ref().unwrap());
        let options = Options {
            tags: vec!["v1".parse().unwrap()],
            signer: Some(key.clone() as Arc<dyn Signer>),
            attest: true,
            ..Options::default()
        };
        let connection = Connection {
            insecure: true,
            ..Connection::new(Credentials::Anonymous)
        };
        let place = cluster.oci_url(name).parse().unwrap();
        let to = Destination::open(&place, &connection, Some("/bicep")).unwrap();
        publish::publish(&artifact, &to, &options).await.unwrap();
        key.verifying_key().to_pem()
    })
}
