//! The objects of a chain: source, ApimBundle, what consumes it.

use crate::cluster::Cluster;
use crate::git::Checkout;
use crate::process::tool;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sample project of the repository.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/projects/contoso")
}

/// A folder as `.tar.gz`, the same bytes for the same files.
pub fn pack(folder: &Path, archive: &Path) -> PathBuf {
    let status = Command::new("tar")
        .args([
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--mtime=@0",
            "-czf",
        ])
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .arg(".")
        .status()
        .unwrap();
    assert!(status.success());
    archive.to_owned()
}

pub fn git_repository(namespace: &str, name: &str, url: &str) -> Json {
    json!({
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"interval": "2s", "url": url, "ref": {"branch": "main"}},
    })
}

/// An ApimBundle of a GitRepository of the same name.
pub fn apim_bundle(namespace: &str, name: &str, publish: &Json) -> Json {
    json!({
        "kind": "ApimBundle",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "10m",
            "sourceRef": {"kind": "GitRepository", "name": name},
            "environment": "prod",
            "service": {"name": "contoso-prod"},
            "publish": publish,
        },
    })
}

impl Cluster {
    pub fn oci_url(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.registry)
    }

    /// Publishing to the registry of the tests.
    pub fn oci(&self, repository: &str) -> Json {
        json!({"oci": {"url": self.oci_url(repository), "tags": ["latest"], "insecure": true}})
    }

    /// A namespace with the sample in a Git repository, and a GitRepository.
    pub fn project(&self, namespace: &str, name: &str) -> Checkout {
        self.namespace(namespace);
        let checkout = self
            .git
            .repository(&format!("{namespace}-{name}"), &sample());
        self.apply(&git_repository(namespace, name, &checkout.url));
        checkout
    }

    /// A key pair of cosign's, as secrets for signing and for verifying.
    pub fn keys(&self, namespace: &str) {
        let folder = self.folder.join(format!("keys-{namespace}"));
        std::fs::create_dir_all(&folder).unwrap();
        let status = Command::new(tool("cosign"))
            .current_dir(&folder)
            .arg("generate-key-pair")
            .env("COSIGN_PASSWORD", "secret")
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
        let key = std::fs::read_to_string(folder.join("cosign.key")).unwrap();
        let public = std::fs::read_to_string(folder.join("cosign.pub")).unwrap();
        self.apply(&json!({
            "kind": "Secret", "metadata": {"name": "cosign-key", "namespace": namespace},
            "stringData": {"cosign.key": key, "cosign.password": "secret"},
        }));
        self.apply(&json!({
            "kind": "Secret", "metadata": {"name": "cosign-pub", "namespace": namespace},
            "stringData": {"cosign.pub": public},
        }));
    }
}

pub fn kustomization(namespace: &str, name: &str, source: &Json) -> Json {
    json!({
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "10m", "retryInterval": "3s", "prune": true, "path": "./aso",
            "targetNamespace": namespace, "sourceRef": source,
        },
    })
}
