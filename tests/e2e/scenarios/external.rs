//! ExternalArtifacts: applied by Flux, taken as a source, healed, kept.

use crate::bundle::{apim_bundle, kustomization};
use crate::cluster::{Cluster, condition, is_ready};
use crate::controller::http;
use crate::process::eventually;
use serde_json::{Value as Json, json};
use std::process::Command;
use std::time::Duration;

fn ours() -> Json {
    json!({"externalArtifact": true})
}

/// Whether the artifact that the object names is served, and is what it says.
fn is_served(object: &Json) -> bool {
    let artifact = &object["status"]["artifact"];
    let Some(url) = artifact["url"].as_str() else {
        return false;
    };
    let output = Command::new("curl")
        .args(["-sf", "--max-time", "5", url])
        .output()
        .unwrap();
    let digest = flux_apim::tree::Digest::of(&output.stdout).to_string();
    output.status.success() && artifact["digest"] == digest
}

pub fn chained(cluster: &mut Cluster, _: bool) {
    let namespace = "external";
    let checkout = cluster.project(namespace, "contoso");
    let controller = cluster.controller("external", &[]);
    cluster.apply(&apim_bundle(namespace, "contoso", &ours()));
    let source = json!({"kind": "ExternalArtifact", "name": "contoso"});
    cluster.apply(&kustomization(namespace, "contoso", &source));
    // A bundle is a source too: it goes on as it is, here to a registry.
    let mut further = apim_bundle(namespace, "further", &cluster.oci("team/further"));
    further["spec"]["sourceRef"] = source.clone();
    cluster.apply(&further);

    let bundle = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let artifact = cluster.until("ExternalArtifact", namespace, "contoso", |o| {
        condition(o, "Ready", "True")
    });
    assert_eq!(artifact["status"]["artifact"], bundle["status"]["artifact"]);
    assert!(is_served(&artifact), "{artifact}");
    assert!(condition(&bundle, "ArtifactInStorage", "True"), "{bundle}");
    let owner = &artifact["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], bundle["metadata"]["uid"]);
    let applied = cluster.until("Kustomization", namespace, "contoso", is_ready);
    let revision = &applied["status"]["lastAppliedRevision"];
    assert_eq!(revision, &bundle["status"]["published"]["revision"]);
    assert!(
        cluster
            .get("Api", namespace, "contoso-prod-orders-v2")
            .is_some()
    );

    let further = cluster.until("ApimBundle", namespace, "further", is_ready);
    let published = &further["status"]["published"];
    assert_eq!(
        published["layerDigest"],
        bundle["status"]["published"]["layerDigest"]
    );

    let commit = checkout.push("another revision of the same content");
    let origin = format!("main@sha1:{commit}");
    cluster.until("ApimBundle", namespace, "contoso", |b| {
        is_ready(b) && b["status"]["lastAttemptedRevision"] == origin
    });
    let again = cluster
        .get("ExternalArtifact", namespace, "contoso")
        .unwrap();
    let now = &again["status"]["artifact"];
    assert_eq!(now["digest"], artifact["status"]["artifact"]["digest"]);
    assert_eq!(now["metadata"]["org.opencontainers.image.revision"], origin);

    // A mistake is told by the object that consumers see; its artifact stays.
    let path = "apimartifacts/apis/orders-v2/policy.xml";
    let policy = checkout.read(path);
    checkout.write(path, "<policies>\n  <inbund>\n</policies>\n");
    checkout.push("a mistake");
    let failed = cluster.until("ExternalArtifact", namespace, "contoso", |o| {
        condition(o, "Ready", "False")
    });
    let ready = &failed["status"]["conditions"][0];
    assert_eq!(ready["reason"], "ValidationFailed", "{failed}");
    assert!(
        ready["message"].as_str().unwrap().contains(path),
        "{failed}"
    );
    assert_eq!(failed["status"]["artifact"], *now);
    assert!(is_served(&failed), "{failed}");
    checkout.write(path, &policy);
    checkout.push("no mistake");
    cluster.until("ExternalArtifact", namespace, "contoso", |o| {
        condition(o, "Ready", "True")
    });
    cluster.until("ApimBundle", namespace, "contoso", is_ready);

    // What is no longer asked for goes.
    let no_more = json!({"spec": {"publish": {"externalArtifact": null, "oci": cluster.oci("team/external")["oci"]}}});
    cluster.merge("ApimBundle", namespace, "contoso", &no_more);
    let bundle = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    assert!(bundle["status"]["artifact"].is_null(), "{bundle}");
    cluster.until_gone("ExternalArtifact", namespace, "contoso");
    assert!(!is_served(&artifact));
    let once_more = json!({"spec": {"publish": {"externalArtifact": true, "oci": null}}});
    cluster.merge("ApimBundle", namespace, "contoso", &once_more);
    cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let artifact = cluster.until("ExternalArtifact", namespace, "contoso", is_served);
    let pushed = cluster.tag("team/external", "latest");
    assert!(pushed.is_some());

    // What was made for it goes with it; what was pushed stays.
    cluster.delete("ApimBundle", namespace, "contoso");
    cluster.until_gone("ApimBundle", namespace, "contoso");
    cluster.until_gone("ExternalArtifact", namespace, "contoso");
    assert!(!is_served(&artifact));
    assert!(
        !controller
            .data
            .join("externalartifact/external/contoso")
            .exists()
    );
}

pub fn drift(cluster: &mut Cluster, _: bool) {
    let namespace = "drift";
    let checkout = cluster.project(namespace, "contoso");
    let controller = cluster.controller("drift", &[]);
    let mut publish = cluster.oci("team/drift");
    publish["externalArtifact"] = json!(true);
    cluster.apply(&apim_bundle(namespace, "contoso", &publish));
    let bundle = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let right = bundle["status"]["artifact"].clone();
    let healed = |what: &str| {
        eventually(what, Duration::from_secs(60), || {
            let object = cluster
                .get("ExternalArtifact", namespace, "contoso")
                .unwrap_or_default();
            let is_right = object["status"]["artifact"] == right && is_served(&object);
            is_right.then_some(()).ok_or_else(|| object.to_string())
        });
    };
    healed("the artifact");

    cluster.delete("ExternalArtifact", namespace, "contoso");
    healed("a deleted object");

    let api = cluster.api("ExternalArtifact", namespace);
    let wrong = json!({"status": {"artifact": {"url": "http://example.com/evil.tar.gz"}}});
    let patch = kube::api::Patch::Merge(&wrong);
    let patched =
        cluster
            .runtime
            .block_on(api.patch_status("contoso", &Default::default(), &patch));
    patched.unwrap();
    healed("a changed status");

    let request = |token: &str| {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        cluster.merge("ApimBundle", namespace, "contoso", &patch);
        cluster.until("ApimBundle", namespace, "contoso", |b| {
            b["status"]["lastHandledReconcileAt"] == token && is_ready(b)
        })
    };
    let file = controller.data.join(right["path"].as_str().unwrap());
    std::fs::write(&file, "damaged").unwrap();
    assert!(
        !is_served(&json!({"status": {"artifact": right}})),
        "damaged bytes were served"
    );
    request("damaged");
    healed("a damaged file");

    let digest = bundle["status"]["published"]["digest"].as_str().unwrap();
    assert_eq!(cluster.tag("team/drift", "latest").as_deref(), Some(digest));
    let url = format!(
        "http://{}/v2/team/drift/manifests/{digest}",
        cluster.registry
    );
    let deleted = Command::new("curl")
        .args(["-sf", "-X", "DELETE", &url])
        .status()
        .unwrap();
    assert!(deleted.success());
    assert_eq!(cluster.tag("team/drift", "latest"), None);
    request("untagged");
    assert_eq!(cluster.tag("team/drift", "latest").as_deref(), Some(digest));

    // The last good bundle is looked after while there is no newer one.
    let path = "apimartifacts/apis/orders-v2/policy.xml";
    let policy = checkout.read(path);
    checkout.write(path, "<policies>\n  <inbund>\n</policies>\n");
    checkout.push("a mistake");
    cluster.until("ApimBundle", namespace, "contoso", |b| {
        condition(b, "Stalled", "True")
    });
    cluster.delete("ExternalArtifact", namespace, "contoso");
    healed("an object that was deleted while stalled");
    let object = cluster
        .get("ExternalArtifact", namespace, "contoso")
        .unwrap();
    assert!(condition(&object, "Ready", "False"), "{object}");
    move_tag(cluster, "team/drift", digest);
    assert_ne!(cluster.tag("team/drift", "latest").as_deref(), Some(digest));
    let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "moved"}}});
    cluster.merge("ApimBundle", namespace, "contoso", &patch);
    let still = cluster.until("ApimBundle", namespace, "contoso", |b| {
        b["status"]["lastHandledReconcileAt"] == "moved"
    });
    assert!(condition(&still, "Stalled", "True"), "{still}");
    assert_eq!(cluster.tag("team/drift", "latest").as_deref(), Some(digest));
    checkout.write(path, &policy);
    checkout.push("no mistake");
    cluster.until("ApimBundle", namespace, "contoso", is_ready);
}

/// Points `latest` to a manifest of the same blobs that is another.
fn move_tag(cluster: &Cluster, repository: &str, digest: &str) {
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let url = |what: &str| {
        format!(
            "http://{}/v2/{repository}/manifests/{what}",
            cluster.registry
        )
    };
    let output = Command::new("curl")
        .args(["-sf", "-H", &format!("accept: {media_type}"), &url(digest)])
        .output()
        .unwrap();
    let mut manifest: Json = serde_json::from_slice(&output.stdout).unwrap();
    manifest["annotations"]["example.com/moved"] = json!("yes");
    let put = Command::new("curl")
        .args(["-sf", "-X", "PUT", "-o", "/dev/null"])
        .args(["-H", &format!("content-type: {media_type}")])
        .args(["--data-binary", &manifest.to_string(), &url("latest")])
        .status()
        .unwrap();
    assert!(put.success());
}

pub fn restart(cluster: &mut Cluster, _: bool) {
    let namespace = "restart";
    let _checkout = cluster.project(namespace, "contoso");
    let mut controller = cluster.controller("restart", &[]);
    cluster.apply(&apim_bundle(namespace, "contoso", &ours()));
    cluster.until("ApimBundle", namespace, "contoso", is_ready);
    let object = cluster
        .get("ExternalArtifact", namespace, "contoso")
        .unwrap();

    controller.process.stop();
    assert!(!is_served(&object));
    controller.process.start();
    controller.until_ready();
    assert!(is_served(&object));
    eventually("the first reconciliation", Duration::from_secs(30), || {
        let text = http(controller.metrics_port, "/metrics").unwrap_or_default();
        text.contains("namespace=\"restart\"")
            .then_some(())
            .ok_or(text)
    });
    assert_eq!(controller.metric("flux_apim_renders_total"), 0.0);

    controller.process.stop();
    std::fs::remove_dir_all(&controller.data).unwrap();
    controller.process.start();
    eventually("the artifact again", Duration::from_secs(60), || {
        is_served(&object)
            .then_some(())
            .ok_or_else(|| controller.process.log())
    });
    let after = cluster.until("ApimBundle", namespace, "contoso", is_ready);
    assert_eq!(
        after["status"]["artifact"]["digest"],
        object["status"]["artifact"]["digest"]
    );
}
