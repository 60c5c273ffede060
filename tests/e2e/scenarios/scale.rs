//! Many objects: nothing is done when nothing changes.

use super::faults::claim;
use crate::bundle::apim_bundle;
use crate::cluster::{Cluster, is_ready};
use crate::process::eventually;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn steady(cluster: &mut Cluster, soak: bool) {
    let namespace = "scale";
    let count = if soak { 1000 } else { 100 };
    cluster.namespace(namespace);
    let bytes = Arc::new(small(cluster));
    let digest = flux_apim::tree::Digest::of(&bytes).to_string();
    let served = Arc::clone(&bytes);
    let port = crate::http::serve(move |_| (200, served.to_vec()));
    let url = format!("http://127.0.0.1:{port}/x.tar.gz");
    for i in 0..count {
        claim(
            cluster,
            namespace,
            &format!("source-{i}"),
            &url,
            &digest,
            &format!("v1@{digest}"),
        );
        let mut object = apim_bundle(
            namespace,
            &format!("bundle-{i}"),
            &json!({"externalArtifact": true}),
        );
        object["spec"]["sourceRef"] =
            json!({"kind": "ExternalArtifact", "name": format!("source-{i}")});
        object["spec"]["interval"] = json!("1h");
        object["spec"]
            .as_object_mut()
            .unwrap()
            .remove("environment");
        cluster.apply(&object);
    }
    let started = Instant::now();
    let controller = cluster.controller("scale", &[]);
    eventually("all objects to be ready", Duration::from_secs(900), || {
        let ready = cluster
            .list("ApimBundle", namespace)
            .iter()
            .filter(|b| is_ready(b))
            .count();
        (ready == count)
            .then_some(())
            .ok_or(format!("{ready} of {count}"))
    });
    let took = started.elapsed();
    let at_rest = |seconds: u64| {
        let start = cluster.audit_lines();
        std::thread::sleep(Duration::from_secs(seconds));
        let requests = cluster
            .audit(start)
            .into_iter()
            .filter(|e| e["verb"] != "watch" && e["objectRef"]["resource"] != "leases");
        requests.collect::<Vec<_>>()
    };
    // What our own writes set off comes to rest.
    eventually("rest", Duration::from_secs(120), || match at_rest(3) {
        requests if requests.is_empty() => Ok(()),
        requests => Err(format!("{} requests", requests.len())),
    });
    let renders = controller.metric("flux_apim_renders_total");
    assert!(
        (count as f64..=count as f64 * 1.1).contains(&renders),
        "{renders}"
    );
    let requests = at_rest(if soak { 60 } else { 15 });
    assert!(requests.is_empty(), "requests at rest: {requests:?}");

    let renamed = format!("v2@{digest}");
    claim(cluster, namespace, "source-7", &url, &digest, &renamed);
    cluster.until("ApimBundle", namespace, "bundle-7", |b| {
        b["status"]["lastAttemptedRevision"] == renamed
    });
    assert_eq!(
        controller.metric("flux_apim_renders_total"),
        renders,
        "the same bytes were rendered again"
    );
    let mut other = (*bytes).clone();
    // Another gzip member at the end: other bytes, the same files.
    other.extend_from_slice(&empty_member());
    let other_digest = flux_apim::tree::Digest::of(&other).to_string();
    let port = crate::http::serve(move |_| (200, other.clone()));
    let url = format!("http://127.0.0.1:{port}/x.tar.gz");
    claim(
        cluster,
        namespace,
        "source-7",
        &url,
        &other_digest,
        "v3@sha256:3",
    );
    cluster.until("ApimBundle", namespace, "bundle-7", |b| {
        is_ready(b) && b["status"]["lastAttemptedRevision"] == "v3@sha256:3"
    });
    assert_eq!(controller.metric("flux_apim_renders_total"), renders + 1.0);

    if soak {
        memory_stays(cluster, &controller, namespace, count);
    }
    println!(
        "        {count} objects ready after {:.0} s, {} MiB",
        took.as_secs_f32(),
        controller.memory()
    );
}

/// Each controller looks after the objects of its labels, and the label goes on.
pub fn shards(cluster: &mut Cluster, _: bool) {
    let namespace = "shards";
    let _checkout = cluster.project(namespace, "contoso");
    let main = [
        "--watch-label-selector=!sharding.fluxcd.io/key",
        "--enable-leader-election",
    ];
    let main = cluster.controller("shard-main", &main);
    let first = [
        "--watch-label-selector=sharding.fluxcd.io/key=shard1",
        "--enable-leader-election",
    ];
    let first = cluster.controller("shard-first", &first);
    let mut object = apim_bundle(namespace, "contoso", &json!({"externalArtifact": true}));
    object["metadata"]["labels"] = json!({"sharding.fluxcd.io/key": "shard1"});
    cluster.apply(&object);
    cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let made = cluster
        .get("ExternalArtifact", namespace, "contoso")
        .unwrap();
    assert_eq!(
        made["metadata"]["labels"]["sharding.fluxcd.io/key"],
        "shard1"
    );
    let mut object = apim_bundle(namespace, "other", &json!({"externalArtifact": true}));
    object["spec"]["sourceRef"]["name"] = json!("contoso");
    cluster.apply(&object);
    cluster.until("ApimBundle", namespace, "other", is_ready);
    for controller in [&main, &first] {
        assert_eq!(controller.metric("flux_apim_renders_total"), 1.0);
    }
}

/// An hour's worth of reconciles: every object, twelve times.
fn memory_stays(
    cluster: &Cluster,
    controller: &crate::controller::Controller,
    namespace: &str,
    count: usize,
) {
    let mut after = Vec::new();
    for round in 0..12 {
        let token = format!("round-{round}");
        for i in 0..count {
            let patch =
                json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
            cluster.merge("ApimBundle", namespace, &format!("bundle-{i}"), &patch);
        }
        eventually(
            "all requests to be answered",
            Duration::from_secs(600),
            || {
                let objects = cluster.list("ApimBundle", namespace);
                let done = objects
                    .iter()
                    .filter(|b| b["status"]["lastHandledReconcileAt"] == token)
                    .count();
                (done == count)
                    .then_some(())
                    .ok_or(format!("{done} of {count}"))
            },
        );
        after.push(controller.memory());
    }
    println!("        memory after each round of reconciles, MiB: {after:?}");
    let (early, late) = (after[2], after[11]);
    assert!(late <= early + early / 5 + 16, "memory grows: {after:?}");
}

/// A project of one small API.
fn small(cluster: &Cluster) -> Vec<u8> {
    let folder = cluster.folder.join("small/apis/hello");
    std::fs::create_dir_all(&folder).unwrap();
    let document = json!({
        "openapi": "3.0.3", "info": {"title": "Hello", "version": "1"},
        "paths": {"/hello": {"get": {"operationId": "hello", "responses": {"200": {"description": "ok"}}}}},
    });
    std::fs::write(folder.join("openapi.json"), document.to_string()).unwrap();
    let archive = cluster.folder.join("small.tar.gz");
    std::fs::read(crate::bundle::pack(&cluster.folder.join("small"), &archive)).unwrap()
}

/// A gzip member that holds nothing.
fn empty_member() -> Vec<u8> {
    vec![
        31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
}
