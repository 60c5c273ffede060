//! Events of Flux.

use crate::support::*;
use axum::routing::get;
use axum::{Json, Router};
use flux_apim::edge::secret::Secret;
use flux_apim::edge::server::Options;
use flux_apim::tree::Digest;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A kubeconfig for `server`, without credentials.
pub(crate) fn kubeconfig(folder: &Path, server: &str) -> String {
    let path = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path.display().to_string()
}

fn event(kind: &str) -> Vec<u8> {
    json!({
        "involvedObject": {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "namespace": "flux-system", "name": "contoso",
        },
        "severity": "info", "timestamp": "2026-01-01T00:00:00Z", "message": "stored artifact",
        "reason": "NewArtifact", "reportingController": "source-controller",
    })
    .to_string()
    .into_bytes()
}

fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken_with_the_right_signature_only() {
    let service = Running::start(Options {
        hook_secret: Some(Secret::new("token".to_owned())),
        ..options()
    })
    .await;
    let url = format!("{}/hooks/flux", service.url);
    let body = event("Kustomization");
    for (given, expected) in [
        (None, 401),
        (Some("sha256=".to_owned()), 401),
        (Some("sha256=00".to_owned()), 401),
        (Some(signature(b"other", &body)), 401),
        (Some(signature(b"token", b"other")), 401),
        (
            Some(signature(b"token", &body).replace("sha256", "sha512")),
            401,
        ),
        (Some(signature(b"token", &body)), 202),
    ] {
        let mut request = client().post(&url).body(body.clone());
        if let Some(given) = &given {
            request = request.header("x-signature", given);
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            expected,
            "{given:?}"
        );
    }
    let wrong = b"{}".to_vec();
    let request = client()
        .post(&url)
        .header("x-signature", signature(b"token", &wrong));
    assert_eq!(
        problem(request.body(wrong).send().await.unwrap()).await.0,
        400
    );
    let large = vec![b' '; (3 << 20) + 1];
    let request = client()
        .post(&url)
        .header("x-signature", signature(b"token", &large));
    assert_eq!(
        problem(request.body(large).send().await.unwrap()).await.0,
        413
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_names_is_rendered_behind_the_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let packed = archive(&sample());
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "contoso", "namespace": "flux-system"},
        "status": {"artifact": {"url": format!("{server}/x.tar.gz"), "digest": Digest::of(&packed).to_string()}},
    });
    let router = Router::new()
        .route(
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/contoso",
            get(move || async move { Json(source) }),
        )
        .route("/x.tar.gz", get(move || async move { packed }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &server);
    let process =
        tokio::task::spawn_blocking(move || Process::start(&[], &[("KUBECONFIG", &config)]));
    let process = process.await.unwrap();
    let url = format!("{}/hooks/flux", process.url);
    for kind in ["GitRepository", "OCIRepository", "Kustomization"] {
        let response = client().post(&url).body(event(kind)).send().await.unwrap();
        assert_eq!(response.status(), 202);
    }
    let metrics = format!("{}/metrics", process.url);
    let expected = [
        "flux_apim_hook_events_total{outcome=\"accepted\"} 2",
        "flux_apim_hook_events_total{outcome=\"ignored\"} 1",
        "flux_apim_hook_events_total{outcome=\"rendered\"} 1",
        "flux_apim_hook_events_total{outcome=\"failed\"} 1",
    ];
    let mut text = String::new();
    for _ in 0..600 {
        text = client()
            .get(&metrics)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        if expected.iter().all(|line| text.contains(line)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text}");
}
