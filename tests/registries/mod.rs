//! Registries for tests: real ones on free loopback ports, one of our own that
//! lies when told to, a proxy that counts and breaks, the services of Azure.
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::result_large_err,
    reason = "test code; no test binary uses all of it"
)]

pub mod azure;
pub mod liar;
pub mod proxy;
pub mod real;
pub mod server;
pub mod sigstore;
pub mod timestamps;
pub mod vault;

use bytes::Bytes;
use flux_apim::edge::oci::{
    Connection, Credentials, Descriptor, EMPTY, EMPTY_BLOB, MANIFEST, Pushed, Reference, Remote,
    Retry, Target,
};
use serde_json::json;
use std::time::Duration;

/// A connection for tests: plain HTTP, short waits.
pub fn connection() -> Connection {
    Connection {
        insecure: true,
        retry: Retry {
            times: 4,
            first: Duration::from_millis(5),
            longest: Duration::from_secs(2),
        },
        ..Connection::new(Credentials::Anonymous)
    }
}

/// A user, and its password, that must never be seen.
pub const USER: &str = "publisher";
/// Its password.
pub const PASSWORD: &str = "correct-horse-battery";

/// That user's credentials.
pub fn user() -> Credentials {
    Credentials::parse(&format!("{USER}:{PASSWORD}")).unwrap()
}

/// A repository of the registry at `address`.
pub fn repository(address: &str, name: &str) -> Reference {
    format!("oci://{address}/{name}").parse().unwrap()
}

/// A client of its own for that repository.
pub fn remote(address: &str, name: &str, connection: &Connection) -> Remote {
    Remote::new(&repository(address, name), connection).unwrap()
}

/// An artifact: blobs, and the manifest over them.
pub struct Sample {
    pub blobs: Vec<(Descriptor, Bytes)>,
    pub manifest: Descriptor,
    pub bytes: Bytes,
}

/// An artifact with one layer of `size` bytes that depend on `seed`.
pub fn sample(seed: u64, size: usize) -> Sample {
    sample_about(seed, size, None)
}

/// The same, with a subject.
pub fn sample_about(seed: u64, size: usize, subject: Option<&Descriptor>) -> Sample {
    let layer = Bytes::from(noise(seed, size));
    let layer = (Descriptor::of("application/octet-stream", &layer), layer);
    let config = Bytes::from_static(EMPTY_BLOB);
    let config = (Descriptor::of(EMPTY, &config), config);
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.test",
        "config": config.0,
        "layers": [layer.0],
        "annotations": {"seed": seed.to_string()},
    });
    if let Some(subject) = subject {
        manifest["subject"] = json!({
            "mediaType": subject.media_type,
            "digest": subject.digest.to_string(),
            "size": subject.size,
        });
    }
    let bytes = Bytes::from(manifest.to_string());
    Sample {
        manifest: Descriptor::of(MANIFEST, &bytes),
        blobs: vec![config, layer],
        bytes,
    }
}

/// Bytes that do not repeat.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Pushes an artifact: blobs, manifest.
pub async fn push(
    target: &dyn Target,
    sample: &Sample,
) -> Result<Pushed, flux_apim::edge::oci::Error> {
    for (what, bytes) in &sample.blobs {
        target.push(what, bytes.clone()).await?;
    }
    target.push(&sample.manifest, sample.bytes.clone()).await
}

/// Whether everything that a tag leads to is there, byte for byte.
pub async fn complete(target: &dyn Target, tag: &str) -> Descriptor {
    let found = target
        .resolve(tag)
        .await
        .unwrap()
        .expect("the tag is there");
    let bytes = target.fetch(&found).await.unwrap();
    let manifest = flux_apim::edge::oci::Manifest::parse(&bytes, "test").unwrap();
    for child in manifest.children() {
        target.fetch(child).await.unwrap();
    }
    found
}
