//! Upgrades: the CRD over itself, and a status that an older version wrote.

use crate::bundle::apim_bundle;
use crate::cluster::{Cluster, is_ready};
use serde_json::json;

pub fn crd(cluster: &mut Cluster, _: bool) {
    let namespace = "upgrade";
    let _checkout = cluster.project(namespace, "contoso");
    cluster.apply(&apim_bundle(
        namespace,
        "contoso",
        &json!({"externalArtifact": true}),
    ));
    let before = cluster.get("ApimBundle", namespace, "contoso").unwrap();
    assert_eq!(before["status"]["observedGeneration"], -1, "{before}");
    // As little as any version ever writes, and a field that none knows now.
    let old = json!({"status": {
        "observedGeneration": 1, "unknown": "x",
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "Succeeded", "message": "by an older version",
            "lastTransitionTime": "2020-01-01T00:00:00Z",
        }],
    }});
    let api = cluster.api("ApimBundle", namespace);
    let patch = kube::api::Patch::Merge(&old);
    let patched =
        cluster
            .runtime
            .block_on(api.patch_status("contoso", &Default::default(), &patch));
    patched.unwrap();
    cluster.install();
    let controller = cluster.controller("upgrade", &[]);
    let after = cluster.until("ApimBundle", namespace, "contoso", |b| {
        is_ready(b) && b["status"]["published"].is_object()
    });
    cluster.install();
    let again = cluster.get("ApimBundle", namespace, "contoso").unwrap();
    assert_eq!(again["status"], after["status"]);
    drop(controller);
}
