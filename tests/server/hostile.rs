//! Trees that ask for more than they weigh: each is answered, and so is whoever
//! comes next.

use crate::hook::{event_of, kubeconfig};
use crate::support::*;
use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use flux_apim::tree::Digest;
use serde_json::json;
use shapes::Shape;
use std::sync::Arc;
use std::time::Duration;

/// One of each kind of trouble.
const NAMES: [&str; 16] = [
    "json_open",
    "json_deep",
    "duplicate_keys_one_line",
    "yaml_merge_chain",
    "yaml_alias_text",
    "yaml_unindented",
    "ref_laughs",
    "ref_inline",
    "links",
    "dangling_links",
    "pool_ladder",
    "pool_circle",
    "unknown_properties",
    "tar_long_names",
    "gzip_members",
    "gzip_garbage",
];

fn hostile() -> Vec<(&'static Shape, Vec<u8>)> {
    NAMES
        .iter()
        .map(|name| {
            let shape = shapes::find(name).unwrap_or_else(|| panic!("there is no shape {name}"));
            (shape, (shape.make)(4 * shape.small).archive())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_is_answered_and_the_next_is_served() {
    let service = Running::start(options()).await;
    let honest = archive(&sample());
    for (shape, body) in hostile() {
        for verb in ["validate", "render"] {
            let url = format!("{}/v1/{verb}", service.url);
            let response = post(&url, GZIP, body.clone()).await;
            let status = response.status().as_u16();
            let name = shape.name;
            assert!(
                [200, 400, 413, 422].contains(&status),
                "{name} {verb}: {status}"
            );
            let answer = response.bytes().await.unwrap();
            assert!(!answer.is_empty(), "{name} {verb}");
            let next = post(&url, GZIP, honest.clone()).await;
            assert_eq!(next.status(), 200, "after {name} {verb}");
        }
    }
    service.rest().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_names_is_looked_at_and_the_next_is_served() {
    let trees = Arc::new(hostile());
    let count = trees.len();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let (objects, artifacts) = (Arc::clone(&trees), trees);
    let url = server.clone();
    let object = move |Path(name): Path<String>| async move {
        let number: usize = name.trim_start_matches("tree-").parse().unwrap();
        let digest = Digest::of(&objects[number].1).to_string();
        Json(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": "flux-system"},
            "status": {"artifact": {"url": format!("{url}/{number}.tar.gz"), "digest": digest}},
        }))
    };
    let artifact = move |Path(file): Path<String>| async move {
        let number: usize = file.trim_end_matches(".tar.gz").parse().unwrap();
        artifacts[number].1.clone()
    };
    let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/{name}";
    let router = Router::new()
        .route(path, get(object))
        .route("/{file}", get(artifact));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &server);
    let process =
        tokio::task::spawn_blocking(move || Process::start(&[], &[("KUBECONFIG", &config)]));
    let process = process.await.unwrap();
    for number in 0..count {
        let event = event_of("GitRepository", &format!("tree-{number}"));
        let request = client().post(format!("{}/hooks/flux", process.url));
        assert_eq!(request.body(event).send().await.unwrap().status(), 202);
    }
    // Each is rendered, or said to be what it is: none is lost.
    let mut text = String::new();
    let mut ended = 0;
    for _ in 0..2400 {
        let request = client().get(format!("{}/metrics", process.url));
        text = request.send().await.unwrap().text().await.unwrap();
        ended = ["rendered", "failed"]
            .map(|outcome| format!("flux_apim_hook_events_total{{outcome=\"{outcome}\"}} "))
            .iter()
            .filter_map(|name| text.lines().find_map(|line| line.strip_prefix(name)))
            .filter_map(|value| value.parse::<usize>().ok())
            .sum();
        if ended == count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ended, count, "{text}");
    let url = format!("{}/v1/render", process.url);
    let next = post(&url, GZIP, archive(&sample())).await;
    assert_eq!(next.status(), 200);
}
