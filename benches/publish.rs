//! `make bench`: a push through us against the same bytes in bare requests, to
//! a real registry, in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for people"
)]

#[path = "../tests/registries/mod.rs"]
mod registries;

use flux_apim::edge::publish::{self, Artifact, Destination, Options};
use flux_apim::pipeline;
use flux_apim::render::Target;
use flux_apim::tree::{ArtifactPath, SourceTree};
use registries::proxy::Proxy;
use registries::{connection, real};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const RUNS: usize = 7;
/// What the layer is to have, about.
const LAYER: usize = 7 << 20;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let artifact = artifact();
    let (layer, _) = artifact.packed().layer().unwrap();
    let size = format!("{:.1} MB", layer.size as f64 / 1e6);
    for kind in real::ALL {
        let Some(registry) = real::start(kind) else {
            continue;
        };
        let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
        // Alternating, so that both see the same machine.
        for n in 0..RUNS {
            let run = runtime.block_on(push(&artifact, &registry.address, &format!("ours-{n}")));
            ours = ours.min(run);
            let run = runtime.block_on(bare_push(
                &artifact,
                &registry.address,
                &format!("bare-{n}"),
            ));
            bare = bare.min(run);
        }
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{:<58} {ratio:>8.2}x  at most 1.3 ({:.0} ms against {:.0})",
            format!("push of a {size} bundle to {kind:?}, against bare requests"),
            ours.as_secs_f64() * 1e3,
            bare.as_secs_f64() * 1e3,
        );
        let requests = runtime.block_on(unchanged(&artifact, &registry.address));
        println!(
            "{:<58} {requests:>9}  at most 5",
            format!("requests of an unchanged publish to {kind:?}")
        );
    }
}

fn options() -> Options {
    Options {
        tags: vec!["latest".parse().unwrap()],
        signer: None,
        attest: false,
        ..Options::default()
    }
}

fn to(address: &str, name: &str) -> Destination {
    let place = format!("oci://{address}/{name}").parse().unwrap();
    Destination::open(&place, &connection(), None).unwrap()
}

async fn push(artifact: &Artifact, address: &str, name: &str) -> Duration {
    let start = Instant::now();
    publish::publish(artifact, &to(address, name), &options())
        .await
        .unwrap();
    start.elapsed()
}

/// The same bytes, as little as the protocol takes: two uploads, one manifest.
async fn bare_push(artifact: &Artifact, address: &str, name: &str) -> Duration {
    let start = Instant::now();
    let client = reqwest::Client::new();
    let base = format!("http://{address}/v2/{name}");
    for (what, bytes) in artifact.packed().blobs() {
        let opened = client
            .post(format!("{base}/blobs/uploads/"))
            .send()
            .await
            .unwrap();
        let place = opened.headers()[LOCATION].to_str().unwrap();
        let place = match place.strip_prefix('/') {
            Some(path) => format!("http://{address}/{path}"),
            None => place.to_owned(),
        };
        let sign = if place.contains('?') { '&' } else { '?' };
        let sent = client
            .put(format!("{place}{sign}digest={}", what.digest))
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(bytes.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 201);
    }
    let sent = client
        .put(format!("{base}/manifests/latest"))
        .header(CONTENT_TYPE, artifact.packed().descriptor().media_type)
        .body(artifact.packed().manifest().clone())
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 201);
    start.elapsed()
}

async fn unchanged(artifact: &Artifact, address: &str) -> usize {
    let proxy = Proxy::start(address).await;
    push(artifact, &proxy.server.address, "again").await;
    proxy.server.forget();
    push(artifact, &proxy.server.address, "again").await;
    proxy.server.lines().len()
}

/// A bundle whose layer does not get smaller: definitions full of noise.
fn artifact() -> Artifact {
    use base64::Engine as _;
    const APIS: usize = 16;
    // Base64 takes four characters for three bytes, and gzip takes them back.
    let text = |seed| {
        let noise = registries::noise(seed, LAYER / APIS);
        base64::engine::general_purpose::STANDARD.encode(noise)
    };
    let mut files = BTreeMap::new();
    for api in 0..APIS {
        let definition = format!(
            r#"{{"openapi":"3.0.3","info":{{"title":"API {api}","version":"1"}},"paths":{{"/x":{{"get":{{"operationId":"x","description":"{}","responses":{{"200":{{"description":"ok"}}}}}}}}}}}}"#,
            text(api as u64 + 1)
        );
        let path = ArtifactPath::parse(&format!("api-{api}/openapi.json")).unwrap();
        files.insert(path, definition.into_bytes());
    }
    let options = pipeline::Options {
        targets: Some(vec![Target::ARM]),
        ..pipeline::Options::default()
    };
    let outcome = pipeline::run(&SourceTree::in_memory(files), &options, Vec::new()).unwrap();
    Artifact::of(outcome.bundle.as_ref().unwrap())
}
