//! Whatever breaks: it converges, no tag or status points at nothing, and
//! there is one writer.

use crate::bundle::{apim_bundle, pack, sample};
use crate::cluster::{Cluster, condition, is_ready, message};
use crate::git::Checkout;
use crate::http::Valve;
use crate::process::eventually;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A change of one policy; the commit.
fn change(checkout: &Checkout, n: usize) -> String {
    let path = "apimartifacts/apis/orders-v2/policy.xml";
    let text = checkout.read(path);
    let at = text.find("<base />").unwrap();
    let header = format!(
        "<set-header name=\"X-Change\" exists-action=\"override\"><value>{n}</value></set-header>\n    "
    );
    let text = match text.find("<set-header name=\"X-Change\"") {
        Some(before) => {
            let end = before + text[before..].find("<base />").unwrap();
            format!("{}{header}{}", &text[..before], &text[end..])
        }
        None => format!("{}{header}{}", &text[..at], &text[at..]),
    };
    checkout.write(path, &text);
    checkout.push(&format!("change {n}"))
}

/// Ready, of this commit, and what the tag points to is whole.
fn converges(cluster: &Cluster, namespace: &str, repository: &str, commit: &str) -> Json {
    let origin = format!("main@sha1:{commit}");
    let bundle = cluster.until("ApimBundle", namespace, "contoso", |b| {
        is_ready(b) && b["status"]["published"]["originRevision"] == origin
    });
    let published = &bundle["status"]["published"];
    let tag = cluster.tag(repository, "latest");
    assert_eq!(tag.as_deref(), published["digest"].as_str(), "{bundle}");
    let layer = published["layerDigest"].as_str().unwrap();
    assert!(cluster.blob_is_whole(repository, layer), "{bundle}");
    bundle
}

pub fn empty_storage(cluster: &mut Cluster, _: bool) {
    let namespace = "empty";
    let checkout = cluster.project(namespace, "contoso");
    let _controller = cluster.controller("empty", &[]);
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &cluster.oci("team/empty"),
    ));
    let commit = change(&checkout, 1);
    converges(cluster, namespace, "team/empty", &commit);
    cluster.source_controller.stop();
    std::fs::remove_dir_all(cluster.folder.join("storage")).unwrap();
    std::fs::create_dir_all(cluster.folder.join("storage")).unwrap();
    cluster.source_controller.start();
    let commit = change(&checkout, 2);
    converges(cluster, namespace, "team/empty", &commit);
}

/// What a lying source serves under a path.
type Served = Arc<Mutex<BTreeMap<String, (u16, Vec<u8>)>>>;

/// An ExternalArtifact that says whatever it is told.
pub fn claim(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    url: &str,
    digest: &str,
    revision: &str,
) {
    cluster.apply(&json!({
        "kind": "ExternalArtifact", "metadata": {"name": name, "namespace": namespace},
        "spec": {"sourceRef": {"kind": "Test", "name": name}},
    }));
    say(
        cluster,
        "ExternalArtifact",
        namespace,
        name,
        url,
        digest,
        revision,
    );
}

/// What the status of a source says.
pub fn say(
    cluster: &Cluster,
    kind: &str,
    namespace: &str,
    name: &str,
    url: &str,
    digest: &str,
    revision: &str,
) {
    let status = json!({"status": {"artifact": {
        "url": url, "digest": digest, "revision": revision, "path": "x",
        "lastUpdateTime": "2026-01-01T00:00:00Z",
    }}});
    let api = cluster.api(kind, namespace);
    let patch = kube::api::Patch::Merge(&status);
    let params = kube::api::PatchParams::default();
    let patched = cluster
        .runtime
        .block_on(api.patch_status(name, &params, &patch));
    patched.unwrap();
}

pub fn lying_source(cluster: &mut Cluster, _: bool) {
    let namespace = "lies";
    cluster.namespace(namespace);
    let served: Served = Arc::default();
    let answers = Arc::clone(&served);
    let port = crate::http::serve(move |request| {
        let answers = answers.lock().unwrap();
        answers
            .get(&request.path)
            .cloned()
            .unwrap_or((404, Vec::new()))
    });
    let serve = |path: &str, status: u16, bytes: &[u8]| {
        served
            .lock()
            .unwrap()
            .insert(path.to_owned(), (status, bytes.to_vec()));
    };
    let archive = cluster.folder.join("lies.tar.gz");
    let bytes = std::fs::read(pack(&sample(), &archive)).unwrap();
    let digest = flux_apim::tree::Digest::of(&bytes).to_string();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let _controller = cluster.controller("lies", &[]);
    let mut object = apim_bundle(namespace, "contoso", &json!({"externalArtifact": true}));
    object["spec"]["sourceRef"] = json!({"kind": "ExternalArtifact", "name": "source"});
    claim(
        cluster,
        namespace,
        "source",
        &url("/gone"),
        &digest,
        "v1@sha256:1",
    );
    cluster.apply(&object);
    let fails = |says: &str| {
        let failed = cluster.until("ApimBundle", namespace, "contoso", |b| {
            condition(b, "Ready", "False") && message(b).contains(says)
        });
        assert!(condition(&failed, "Reconciling", "True"), "{failed}");
    };
    fails("404");
    serve("/wrong", 200, b"something else");
    claim(
        cluster,
        namespace,
        "source",
        &url("/wrong"),
        &digest,
        "v2@sha256:1",
    );
    fails("nothing of them was parsed");
    serve("/broken", 500, b"");
    claim(
        cluster,
        namespace,
        "source",
        &url("/broken"),
        &digest,
        "v3@sha256:1",
    );
    fails("500");
    serve("/right", 200, &bytes);
    claim(
        cluster,
        namespace,
        "source",
        &url("/right"),
        &digest,
        "v4@sha256:1",
    );
    let good = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    // The last good bundle stays, whatever comes after.
    let bad = b"not an archive";
    let bad_digest = flux_apim::tree::Digest::of(bad).to_string();
    serve("/bad", 200, bad);
    claim(
        cluster,
        namespace,
        "source",
        &url("/bad"),
        &bad_digest,
        "v5@sha256:2",
    );
    let failed = cluster.until("ApimBundle", namespace, "contoso", |b| {
        condition(b, "Stalled", "True")
    });
    assert!(message(&failed).contains("APIM8"), "{}", message(&failed));
    assert_eq!(failed["status"]["artifact"], good["status"]["artifact"]);
    let external = cluster
        .get("ExternalArtifact", namespace, "contoso")
        .unwrap();
    assert_eq!(external["status"]["artifact"], good["status"]["artifact"]);
}

pub fn registry_down(cluster: &mut Cluster, soak: bool) {
    let namespace = "down";
    let checkout = cluster.project(namespace, "contoso");
    let _controller = cluster.controller("down", &[]);
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &cluster.oci("team/down"),
    ));
    let commit = change(&checkout, 1);
    let before = converges(cluster, namespace, "team/down", &commit);
    cluster.registry_process.kill();
    let commit = change(&checkout, 2);
    let failed = cluster.until("ApimBundle", namespace, "contoso", |b| {
        condition(b, "Ready", "False")
    });
    assert!(condition(&failed, "Reconciling", "True"), "{failed}");
    assert_eq!(failed["status"]["published"], before["status"]["published"]);
    if soak {
        std::thread::sleep(Duration::from_secs(60));
    }
    cluster.registry_process.start();
    converges(cluster, namespace, "team/down", &commit);
}

pub fn api_server(cluster: &mut Cluster, _: bool) {
    let namespace = "restarts";
    let checkout = cluster.project(namespace, "contoso");
    let mut controller = cluster.controller("restarts", &[]);
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &cluster.oci("team/restarts"),
    ));
    let commit = change(&checkout, 1);
    converges(cluster, namespace, "team/restarts", &commit);
    cluster.api_server.kill();
    let commit = change(&checkout, 2);
    std::thread::sleep(Duration::from_secs(3));
    cluster.api_server.start();
    eventually("kube-apiserver", Duration::from_secs(90), || {
        let version = cluster.runtime.block_on(cluster.client.apiserver_version());
        version.map(|_| ()).map_err(|e| e.to_string())
    });
    converges(cluster, namespace, "team/restarts", &commit);
    assert!(
        !controller.process.has_ended(),
        "{}",
        controller.process.log()
    );
}

const SHORT_LEASE: [&str; 4] = [
    "--enable-leader-election",
    "--leader-election-lease-duration=6s",
    "--leader-election-renew-deadline=4s",
    "--leader-election-retry-period=1s",
];

pub fn lease(cluster: &mut Cluster, _: bool) {
    let namespace = "lease";
    let checkout = cluster.project(namespace, "contoso");
    let valve = Valve::before(&cluster.registry);
    let mut first = cluster.controller("lease-a", &SHORT_LEASE);
    first.until_ready();
    let second = cluster.controller("lease-b", &SHORT_LEASE);
    let mut publish = cluster.oci("team/lease");
    publish["oci"]["url"] = json!(format!("oci://127.0.0.1:{}/team/lease", valve.port));
    cluster.apply(&apim_bundle(namespace, "contoso", &publish));
    let commit = change(&checkout, 1);
    converges(cluster, namespace, "team/lease", &commit);
    assert_eq!(second.metric("flux_apim_renders_total"), 0.0);

    // The leader hangs in the middle of a push.
    valve.block(true);
    let commit = change(&checkout, 2);
    eventually(
        "a push that waits",
        Duration::from_secs(60),
        || match valve.waiting() {
            0 => Err("nothing waits".to_owned()),
            _ => Ok(()),
        },
    );
    first.process.signal("STOP");
    valve.block(false);
    second.until_ready();
    let bundle = converges(cluster, namespace, "team/lease", &commit);
    let version = bundle["metadata"]["resourceVersion"].clone();
    first.process.signal("CONT");
    eventually("the former leader to end", Duration::from_secs(30), || {
        let ended = first.process.has_ended();
        ended.then_some(()).ok_or_else(|| first.process.log())
    });
    let log = first.process.log();
    assert!(log.contains("the leader lease is lost"), "{log}");
    let after = converges(cluster, namespace, "team/lease", &commit);
    let now = &after["metadata"]["resourceVersion"];
    assert_eq!(
        now, &version,
        "the former leader wrote after its lease was lost"
    );
}

/// Others write the object all the time; the status gets there all the same.
pub fn conflicts(cluster: &mut Cluster, _: bool) {
    let namespace = "conflicts";
    let checkout = cluster.project(namespace, "contoso");
    let _controller = cluster.controller("conflicts", &[]);
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &cluster.oci("team/conflicts"),
    ));
    let mut commit = String::new();
    for round in 0..3 {
        commit = change(&checkout, round);
        for i in 0..60 {
            let patch = json!({"metadata": {"annotations": {"e2e": format!("{round}-{i}")}}});
            cluster.merge("ApimBundle", namespace, "contoso", &patch);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    converges(cluster, namespace, "team/conflicts", &commit);
}

pub fn suspended(cluster: &mut Cluster, _: bool) {
    let namespace = "suspended";
    let checkout = cluster.project(namespace, "contoso");
    let controller = cluster.controller("suspended", &[]);
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &cluster.oci("team/suspended"),
    ));
    let commit = change(&checkout, 1);
    let before = converges(cluster, namespace, "team/suspended", &commit);
    let suspend = |suspend: bool| {
        let patch = json!({"spec": {"suspend": suspend}});
        cluster.merge("ApimBundle", namespace, "contoso", &patch);
    };
    suspend(true);
    let said = || {
        controller
            .process
            .log()
            .matches("reconciliation is suspended")
            .count()
    };
    eventually(
        "the controller to see it",
        Duration::from_secs(30),
        || match said() {
            0 => Err("nothing said".to_owned()),
            _ => Ok(()),
        },
    );
    let times = said();
    let commit = change(&checkout, 2);
    // The new revision reaches the controller, which leaves it alone.
    eventually(
        "the new revision to be seen",
        Duration::from_secs(60),
        || {
            (said() > times)
                .then_some(())
                .ok_or_else(|| controller.process.log())
        },
    );
    let still = cluster.get("ApimBundle", namespace, "contoso").unwrap();
    assert_eq!(still["status"], before["status"]);
    suspend(false);
    converges(cluster, namespace, "team/suspended", &commit);
}

pub fn killed(cluster: &mut Cluster, soak: bool) {
    let namespace = "killed";
    let checkout = cluster.project(namespace, "contoso");
    let mut controller = cluster.controller("killed", &[]);
    let mut publish = cluster.oci("team/killed");
    publish["externalArtifact"] = json!(true);
    cluster.apply(&apim_bundle(namespace, "contoso", &publish));
    let mut commit = change(&checkout, 0);
    converges(cluster, namespace, "team/killed", &commit);
    // Different moments, the same in every run.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let rounds = if soak { 100 } else { 5 };
    for round in 1..=rounds {
        commit = change(&checkout, round);
        let token = format!("round-{round}");
        let request =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        cluster.merge("GitRepository", namespace, "contoso", &request);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        std::thread::sleep(Duration::from_millis((state >> 33) % 2500));
        controller.process.kill();
        // Whatever was on its way: what is named is there.
        if let Some(digest) = cluster.tag("team/killed", "latest") {
            let url = format!(
                "http://{}/v2/team/killed/manifests/{digest}",
                cluster.registry
            );
            let accept = "accept: application/vnd.oci.image.manifest.v1+json";
            let output = Command::new("curl")
                .args(["-sf", "-H", accept, &url])
                .output()
                .unwrap();
            let manifest: Json = serde_json::from_slice(&output.stdout).unwrap();
            let layer = manifest["layers"][0]["digest"].as_str().unwrap();
            assert!(cluster.blob_is_whole("team/killed", layer), "{manifest}");
        }
        let bundle = cluster.get("ApimBundle", namespace, "contoso").unwrap();
        let named = bundle["status"]["published"]["layerDigest"]
            .as_str()
            .unwrap();
        assert!(cluster.blob_is_whole("team/killed", named), "{bundle}");
        let path = bundle["status"]["artifact"]["path"].as_str().unwrap();
        let stored = std::fs::read(controller.data.join(path)).unwrap();
        let digest = flux_apim::tree::Digest::of(&stored).to_string();
        assert_eq!(bundle["status"]["artifact"]["digest"], digest);
        controller.process.start();
    }
    converges(cluster, namespace, "team/killed", &commit);
}
