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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

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
    event_of(kind, "contoso")
}

/// What Flux sends when it has stored an artifact of this object.
pub(crate) fn event_of(kind: &str, name: &str) -> Vec<u8> {
    json!({
        "involvedObject": {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "namespace": "flux-system", "name": name,
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
    service.stop().await;
}

/// The first line of the answer to a head whose body does not come.
async fn answer_to(service: &Running, head: &str) -> String {
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_body_is_read_before_the_head_says_that_it_may_be_an_event() {
    let service = Running::start(Options {
        hook_secret: Some(Secret::new("token".to_owned())),
        body_timeout: Duration::from_secs(2),
        ..options()
    })
    .await;
    let good = signature(b"token", b"x");
    for (signatures, length, expected) in [
        (vec![], 100, "401"),
        (vec![""], 100, "401"),
        (vec!["sha256="], 100, "401"),
        (vec![&good[..70]], 100, "401"),
        (vec!["sha256=zz"], 100, "401"),
        (vec![&good[7..]], 100, "401"),
        (vec!["sha512=00"], 100, "401"),
        (vec![&good, &good], 100, "401"),
        (vec![], 3_000_000, "401"),
        (vec![good.as_str()], 65_537, "413"),
        (vec![good.as_str()], 3_000_000, "413"),
        // One that may be an event is waited for.
        (vec![good.as_str()], 65_536, "408"),
    ] {
        let mut head =
            format!("POST /hooks/flux HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n");
        for signature in &signatures {
            head.push_str(&format!("X-Signature: {signature}\r\n"));
        }
        head.push_str("\r\n");
        let answer = answer_to(&service, &head).await;
        let status = answer.split(' ').nth(1);
        assert_eq!(status, Some(expected), "{signatures:?} {length}: {answer}");
    }
    // Without a length, the cap is met while it comes.
    let url = format!("{}/hooks/flux", service.url);
    for (len, expected) in [(65_536, 400), (65_537, 413)] {
        let body = vec![b' '; len];
        let signature = signature(b"token", &body);
        let chunks = body
            .chunks(1000)
            .map(|c| Ok::<_, std::io::Error>(c.to_vec()));
        let chunks: Vec<_> = chunks.collect();
        let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
        let request = client().post(&url).header("x-signature", signature);
        let response = request.body(stream).send().await.unwrap();
        assert_eq!(problem(response).await.0, expected);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_held_in_the_memory_of_requests() {
    let service = Running::start(Options {
        memory: 64 << 10,
        cache_bytes: 0,
        client_memory: 50,
        ..options()
    })
    .await;
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let head = "POST /hooks/flux HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b' '; 32 << 10]).await.unwrap();
    for _ in 0..600 {
        if service.load().held_bytes == 32 << 10 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.load().held_bytes, 32 << 10);
    let url = format!("{}/hooks/flux", service.url);
    let another = client().post(url).body(event("GitRepository")).send().await;
    let (status, body) = problem(another.unwrap()).await;
    assert_eq!(status, 503);
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("--memory"), "{detail}");
    drop(stream);
    assert_eq!(service.rest().await.held_bytes, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_object_has_are_refused() {
    let service = Running::start(options()).await;
    let long = "a".repeat(254);
    for (namespace, name, expected) in [
        ("flux-system", ".", 400),
        ("flux-system", "..", 400),
        ("flux-system", "", 400),
        ("flux-system", "a..b", 400),
        ("flux-system", "-a", 400),
        ("flux-system", "a.", 400),
        ("flux-system", "A", 400),
        ("flux-system", "a/b", 400),
        ("flux-system", "a%2f..", 400),
        ("flux-system", "a b", 400),
        ("flux-system", &long, 400),
        (".", "a", 400),
        ("..", "a", 400),
        ("", "a", 400),
        ("a.b", "a", 400),
        ("A", "a", 400),
        (&long[..64], "a", 400),
        ("flux-system", "contoso.v1", 202),
    ] {
        let mut event: serde_json::Value = serde_json::from_slice(&event("Bucket")).unwrap();
        event["involvedObject"]["namespace"] = json!(namespace);
        event["involvedObject"]["name"] = json!(name);
        let request = client().post(format!("{}/hooks/flux", service.url));
        let response = request.body(event.to_string()).send().await.unwrap();
        assert_eq!(response.status(), expected, "{namespace:?} {name:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_waits_does_not_wait_twice() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let (asked, hangs) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(true));
    let hangs = Arc::new(hangs);
    let (count, waits) = (Arc::clone(&asked), Arc::clone(&hangs));
    let found = move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = waits.subscribe().wait_for(|hangs| !hangs).await;
        Json(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket",
            "metadata": {"name": "contoso", "namespace": "flux-system"},
        }))
    };
    let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/buckets/contoso";
    let router = Router::new().route(path, get(found));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &server);
    let process =
        tokio::task::spawn_blocking(move || Process::start(&[], &[("KUBECONFIG", &config)]));
    let process = process.await.unwrap();
    let send = async || {
        let request = client().post(format!("{}/hooks/flux", process.url));
        let response = request.body(event("Bucket")).send().await.unwrap();
        assert_eq!(response.status(), 202);
    };
    send().await;
    for _ in 0..600 {
        if asked.load(Ordering::SeqCst) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The first is being looked at, and may have been read before these came: one waits.
    for _ in 0..100 {
        send().await;
    }
    hangs.send_replace(false);
    let expected = [
        "flux_apim_hook_events_total{outcome=\"accepted\"} 2",
        "flux_apim_hook_events_total{outcome=\"merged\"} 99",
        "flux_apim_hook_events_total{outcome=\"failed\"} 2",
    ];
    metrics_show(&process, &expected).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// Waits until the metrics have these lines.
async fn metrics_show(process: &Process, expected: &[&str]) {
    let mut text = String::new();
    for _ in 0..600 {
        let request = client().get(format!("{}/metrics", process.url));
        text = request.send().await.unwrap().text().await.unwrap();
        if expected.iter().all(|line| text.contains(line)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text}");
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
    let expected = [
        "flux_apim_hook_events_total{outcome=\"accepted\"} 2",
        "flux_apim_hook_events_total{outcome=\"ignored\"} 1",
        "flux_apim_hook_events_total{outcome=\"rendered\"} 1",
        "flux_apim_hook_events_total{outcome=\"failed\"} 1",
    ];
    metrics_show(&process, &expected).await;
}
