//! Checksums, and for each file its signature and where it came from.

use crate::Release;
use crate::crates::Package;
use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_apim::edge::publish::PROVENANCE;
use flux_apim::edge::sign::{Signer, SigningKey, bundle};
use flux_apim::tree::Digest;
use serde_json::{Value, json};
use std::fmt::Write;

pub const HOME: &str = "https://github.com/flux-apim/flux-apim";

pub fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.trim_start_matches("sha256:").to_owned()
}

/// Digest of a file of the release.
pub fn digest(release: &Release, name: &str) -> anyhow::Result<Digest> {
    let path = release.out.join(name);
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Digest::of(&bytes))
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
pub fn sums(release: &mut Release) -> anyhow::Result<()> {
    release.made.sort();
    let mut out = String::new();
    for name in &release.made {
        let _ = writeln!(out, "{}  {name}", hex(&digest(release, name)?));
    }
    release.add("SHA256SUMS", out.as_bytes())
}

/// Where it came from: SLSA provenance.
pub fn provenance(release: &Release) -> anyhow::Result<Value> {
    let lock = Digest::of(&release.read("Cargo.lock")?);
    Ok(json!({
        "buildDefinition": {
            "buildType": format!("{HOME}/dist/v1"),
            "externalParameters": {
                "source": {"uri": HOME, "revision": release.commit},
                "version": release.version,
            },
            "internalParameters": {"SOURCE_DATE_EPOCH": release.epoch},
            "resolvedDependencies": [
                {"name": "source", "uri": HOME, "digest": {"gitCommit": release.commit}},
                {"name": "Cargo.lock", "digest": {"sha256": hex(&lock)}},
            ],
        },
        "runDetails": {"builder": {"id": HOME}},
    }))
}

/// Beside each file `NAME.sig`, for `cosign verify-blob`, and `NAME.sigstore.json`, for
/// `cosign verify-blob-attestation`; and the public key.
pub fn sign(release: &mut Release, key: &SigningKey, all: &[Package]) -> anyhow::Result<()> {
    let runtime = flux_apim::edge::runtime()?;
    let mut predicate = provenance(release)?;
    let dependencies = all.iter().filter_map(|package| {
        let sum = package.checksum.as_ref()?;
        let uri = format!("pkg:cargo/{}@{}", package.name, package.version);
        Some(json!({"uri": uri, "digest": {"sha256": sum}}))
    });
    if let Some(list) = predicate["buildDefinition"]["resolvedDependencies"].as_array_mut() {
        list.extend(dependencies);
    }
    for name in release.made.clone() {
        let path = release.out.join(&name);
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let signed = runtime.block_on(key.sign(&bytes))?;
        release.add(&format!("{name}.sig"), STANDARD.encode(signed).as_bytes())?;
        let subject = Digest::of(&bytes);
        let stated = bundle(key, &subject, PROVENANCE, &predicate);
        release.add(&format!("{name}.sigstore.json"), &runtime.block_on(stated)?)?;
    }
    release.add("cosign.pub", key.verifying_key().to_pem().as_bytes())
}
