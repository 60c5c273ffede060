//! What whoever runs the service relies on.

use crate::support::*;
use axum::Router;
use axum::routing::post as axum_post;
use flux_apim::edge::server::Options;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whether certificates can be made here.
fn has_openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    if !there {
        assert!(
            std::env::var_os("FLUX_APIM_E2E").is_none(),
            "openssl is not there"
        );
        println!("skipped: openssl is not there");
    }
    there
}

/// A certificate for 127.0.0.1 and its key.
fn certificate(folder: &Path, name: &str) -> Vec<u8> {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap_or_else(|e| panic!("openssl makes the certificates of this test: {e}"));
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    std::fs::read(certificate).unwrap()
}

fn trusting(certificate: &[u8]) -> reqwest::Client {
    flux_apim::edge::tls::install_provider();
    let certificate = reqwest::Certificate::from_pem(certificate).unwrap();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([certificate])
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path(), "first");
    let service = Running::start(Options {
        tls: Some((folder.path().join("tls.crt"), folder.path().join("tls.key"))),
        ..options()
    })
    .await;
    let url = format!("https://{}/healthz", service.address());
    let response = trusting(&first).get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("strict-transport-security"));
    // A key that does not belong to its certificate is not taken.
    let elsewhere = tempfile::tempdir().unwrap();
    certificate(elsewhere.path(), "other");
    std::fs::copy(
        elsewhere.path().join("tls.key"),
        folder.path().join("tls.key"),
    )
    .unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(
        trusting(&first).get(&url).send().await.unwrap().status(),
        200
    );
    let second = certificate(folder.path(), "second");
    for _ in 0..1500 {
        if trusting(&second)
            .get(&url)
            .send()
            .await
            .is_ok_and(|r| r.status() == 200)
        {
            assert!(trusting(&first).get(&url).send().await.is_err());
            service.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the second certificate was never shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_reach_the_collector_and_continue_those_of_the_client() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&received);
    let router = Router::new().route(
        "/v1/traces",
        axum_post(move |body: axum::body::Bytes| async move {
            store.lock().unwrap().push(body.to_vec());
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut process =
        tokio::task::spawn_blocking(move || Process::start(&["--otlp-endpoint", &collector], &[]))
            .await
            .unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = client()
        .get(format!("{}/v1/rules", process.url))
        .header("traceparent", parent);
    assert_eq!(request.send().await.unwrap().status(), 200);
    process.terminate();
    let ended = tokio::task::spawn_blocking(move || process.child.wait().unwrap())
        .await
        .unwrap();
    assert!(ended.success());
    let all: Vec<u8> = received.lock().unwrap().concat();
    let trace = [
        0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31,
        0x9c,
    ];
    assert!(
        all.windows(16).any(|bytes| bytes == trace),
        "{} bytes",
        all.len()
    );
    assert!(all.windows(9).any(|bytes| bytes == b"/v1/rules"));
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_metrics_are_none_of_the_clients() {
    let service = Running::start(options()).await;
    for n in 0..20 {
        let _ = client()
            .get(format!("{}/nowhere/{n}", service.url))
            .send()
            .await
            .unwrap();
        let _ = client()
            .get(format!("{}/v1/rules/APIM{n:04}", service.url))
            .send()
            .await
            .unwrap();
        let method = format!("METHOD{n}").parse().unwrap();
        let _ = client()
            .request(method, format!("{}/healthz", service.url))
            .send()
            .await
            .unwrap();
    }
    let metrics = client()
        .get(format!("{}/metrics", service.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let requests = metrics
        .lines()
        .filter(|line| line.starts_with("flux_apim_http_requests_total"))
        .count();
    assert!(requests <= 5, "{metrics}");
    assert!(
        !metrics.contains("nowhere") && !metrics.contains("METHOD1"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_named_origins_may_ask() {
    let service = Running::start(Options {
        cors: vec!["https://portal.example".to_owned()],
        ..options()
    })
    .await;
    for (origin, allowed) in [
        ("https://portal.example", true),
        ("https://elsewhere.example", false),
    ] {
        let request = client().request(
            reqwest::Method::OPTIONS,
            format!("{}/v1/render", service.url),
        );
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let response = request.send().await.unwrap();
        let header = response.headers().get("access-control-allow-origin");
        assert_eq!(header.is_some(), allowed, "{origin}");
    }
    service.stop().await;
}
