//! From a commit to objects in the API server, with no hand on it.

use crate::bundle::{apim_bundle, kustomization};
use crate::cluster::{Cluster, condition, is_ready, message};
use crate::controller::binary;
use crate::process::eventually;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// Names of ASO objects of a namespace with their generations.
fn objects(cluster: &Cluster, namespace: &str) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for kind in ["Api", "ApiPolicy", "Policy", "NamedValue"] {
        for object in cluster.list(kind, namespace) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let generation = object["metadata"]["generation"].as_i64().unwrap();
            all.insert(format!("{kind}/{name}"), generation);
        }
    }
    all
}

pub fn commit(cluster: &mut Cluster, _: bool) {
    let namespace = "chain";
    let checkout = cluster.project(namespace, "contoso");
    cluster.keys(namespace);
    let controller = cluster.controller("chain", &[]);
    let mut publish = cluster.oci("team/contoso");
    publish["oci"]["sign"] = json!({"secretRef": {"name": "cosign-key"}});
    cluster.apply(&apim_bundle(namespace, "contoso", &publish));
    cluster.apply(&json!({
        "kind": "OCIRepository",
        "metadata": {"name": "contoso", "namespace": namespace},
        "spec": {
            "interval": "2s", "url": cluster.oci_url("team/contoso"), "insecure": true,
            "ref": {"tag": "latest"},
            "verify": {"provider": "cosign", "secretRef": {"name": "cosign-pub"}},
        },
    }));
    let source = json!({"kind": "OCIRepository", "name": "contoso"});
    cluster.apply(&kustomization(namespace, "contoso", &source));

    checkout.write(
        "apimartifacts/apis/parcels/openapi.json",
        &document().to_string(),
    );
    let first = checkout.push("another API");
    let origin = format!("main@sha1:{first}");
    let bundle = cluster.until("ApimBundle", namespace, "contoso", |b| {
        is_ready(b) && b["status"]["published"]["originRevision"] == origin
    });
    assert_ready_message(&bundle);
    let verified = |object: &Json| condition(object, "SourceVerified", "True") && is_ready(object);
    cluster.until("OCIRepository", namespace, "contoso", verified);
    let published = &bundle["status"]["published"];
    let revision = format!("latest@{}", published["digest"].as_str().unwrap());
    cluster.until("Kustomization", namespace, "contoso", |k| {
        is_ready(k) && k["status"]["lastAppliedRevision"] == revision
    });
    let before = objects(cluster, namespace);
    assert!(
        before.contains_key("Api/contoso-prod-orders-v2")
            && before.contains_key("Api/contoso-prod-parcels"),
        "{before:?}"
    );

    // One policy changes: only what depends on it.
    let path = "apimartifacts/apis/orders-v2/policy.xml";
    let policy = checkout.read(path);
    checkout.write(
        path,
        &policy.replace("exists-action=\"skip\"", "exists-action=\"override\""),
    );
    let commit = checkout.push("one policy");
    cluster.until("Kustomization", namespace, "contoso", |k| {
        is_ready(k) && k["status"]["lastAppliedOriginRevision"] == format!("main@sha1:{commit}")
    });
    let after = objects(cluster, namespace);
    let changed: Vec<&String> = after
        .iter()
        .filter(|(n, g)| before.get(*n) != Some(g))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].starts_with("ApiPolicy/"), "{changed:?}");

    // An API goes: Flux prunes it.
    checkout.remove("apimartifacts/apis/parcels");
    checkout.push("without parcels");
    eventually("the API to be pruned", Duration::from_secs(90), || {
        let now = objects(cluster, namespace);
        let bundle = cluster
            .get("ApimBundle", namespace, "contoso")
            .unwrap_or_default();
        if now.contains_key("Api/contoso-prod-parcels") {
            Err(message(&bundle))
        } else {
            Ok(())
        }
    });
    let last = cluster.until("ApimBundle", namespace, "contoso", is_ready);

    // The same from the command line is the same bundle, byte for byte.
    let out = cluster.folder.join("from-the-command-line.tar.gz");
    let source = format!("flux:gitrepository/{namespace}/contoso");
    let rendered = Command::new(binary())
        .args([
            "render",
            &source,
            "--env",
            "prod",
            "--service",
            "contoso-prod",
            "-o",
        ])
        .arg(&out)
        .env("KUBECONFIG", &cluster.kubeconfig)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success(), "{said}");
    let digest = flux_apim::tree::Digest::of(&std::fs::read(&out).unwrap()).to_string();
    assert_eq!(last["status"]["published"]["layerDigest"], digest);
    drop(controller);
}

/// An API of the plain layout.
pub fn document() -> Json {
    json!({
        "openapi": "3.0.3", "info": {"title": "Parcels", "version": "1"},
        "paths": {"/parcels": {"get": {
            "operationId": "parcels", "responses": {"200": {"description": "ok"}},
        }}},
    })
}

fn assert_ready_message(bundle: &Json) {
    let message = message(bundle);
    assert!(
        message.starts_with("published the bundle of main@sha1:"),
        "{message}"
    );
    let counts = &bundle["status"]["diagnostics"]["counts"];
    assert_eq!(counts["error"], 0, "{bundle}");
    assert!(
        bundle["status"]["history"]
            .as_array()
            .is_some_and(|h| !h.is_empty()),
        "{bundle}"
    );
}

pub fn bad_commit(cluster: &mut Cluster, _: bool) {
    let namespace = "bad";
    let checkout = cluster.project(namespace, "contoso");
    let controller = cluster.controller("bad", &[]);
    cluster.apply(&apim_bundle(namespace, "contoso", &cluster.oci("team/bad")));
    let good = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let live = cluster.tag("team/bad", "latest");
    assert_eq!(
        live.as_deref(),
        good["status"]["published"]["digest"].as_str()
    );

    let path = "apimartifacts/apis/orders-v2/policy.xml";
    let policy = checkout.read(path);
    checkout.write(
        path,
        "<policies>\n  <inbound>\n    <base />\n  </inbund>\n</policies>\n",
    );
    let commit = checkout.push("a mistake");
    let failed = cluster.until("ApimBundle", namespace, "contoso", |b| {
        condition(b, "Ready", "False")
    });
    let said = message(&failed);
    assert!(
        said.contains("APIM") && said.contains(&format!("{path}:4:")),
        "{said}"
    );
    assert!(condition(&failed, "Stalled", "True"), "{failed}");
    assert_eq!(failed["status"]["published"], good["status"]["published"]);
    assert_eq!(failed["status"]["diagnostics"]["first"][0]["path"], path);
    assert_eq!(cluster.tag("team/bad", "latest"), live);
    let event = eventually("the event at the receiver", Duration::from_secs(20), || {
        let events = cluster
            .receiver
            .about("GitRepository", namespace, "contoso");
        let bad = events.into_iter().find(|e| e["severity"] == "error");
        bad.ok_or_else(|| "no error event".to_owned())
    });
    let revision = &event["metadata"]["source.toolkit.fluxcd.io/revision"];
    assert_eq!(revision, &format!("main@sha1:{commit}"), "{event}");
    assert_eq!(event["reason"], "ValidationFailed");
    assert!(event["message"].as_str().unwrap().contains(path), "{event}");
    let recorded = cluster.list("Event", namespace);
    assert!(
        recorded
            .iter()
            .any(|e| e["involvedObject"]["kind"] == "ApimBundle" && e["type"] == "Warning")
    );
    // Nothing is rendered again while nothing changes.
    let renders = controller.metric("flux_apim_renders_total");
    let request =
        json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "again"}}});
    cluster.merge("ApimBundle", namespace, "contoso", &request);
    cluster.until("ApimBundle", namespace, "contoso", |b| {
        b["status"]["lastHandledReconcileAt"] == "again"
    });
    assert_eq!(controller.metric("flux_apim_renders_total"), renders);

    checkout.write(
        path,
        &policy.replace("exists-action=\"skip\"", "exists-action=\"override\""),
    );
    let commit = checkout.push("the fix");
    let fixed = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let origin = &fixed["status"]["published"]["originRevision"];
    assert_eq!(origin, &format!("main@sha1:{commit}"));
    assert!(!condition(&fixed, "Stalled", "True"));
    assert_ne!(cluster.tag("team/bad", "latest"), live);
}
