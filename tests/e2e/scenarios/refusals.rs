//! What cannot work is refused by the API server, or ends with a message.

use crate::bundle::apim_bundle;
use crate::cluster::{Cluster, condition, message};
use serde_json::{Value as Json, json};

/// Specs as merged over a good one, and what the API server says of them.
fn refused() -> Vec<(Json, &'static str)> {
    let oci = |more: Json| {
        let mut oci = json!({"url": "oci://registry.example.com/team/x"});
        oci.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"publish": {"oci": oci}})
    };
    vec![
        (json!({"publish": {}}), "nothing would be published"),
        (
            json!({"publish": {"externalArtifact": false}}),
            "nothing would be published",
        ),
        (json!({"interval": "5"}), "spec.interval"),
        (json!({"interval": "10ms"}), "interval must be at least 1s"),
        (json!({"timeout": "0s"}), "timeout must be at least 1s"),
        (
            json!({"sourceRef": {"kind": "HelmChart", "name": "x"}}),
            "Unsupported value",
        ),
        (
            json!({"sourceRef": {"kind": "GitRepository", "name": "Not A Name"}}),
            "spec.sourceRef.name",
        ),
        (
            json!({"sourceRef": {"kind": "GitRepository", "name": "x", "namespace": "a/b"}}),
            "spec.sourceRef.namespace",
        ),
        (json!({"path": "/etc"}), "path must be relative"),
        (json!({"path": "a/../../b"}), "path must be relative"),
        (json!({"environment": "a/b"}), "spec.environment"),
        (json!({"targets": ["terraform"]}), "Unsupported value"),
        (json!({"targets": ["arm", "arm"]}), "Duplicate value"),
        (json!({"service": {"name": "1x"}}), "spec.service.name"),
        (
            json!({"validation": {"failOn": "never"}}),
            "Unsupported value",
        ),
        (json!({"history": 51}), "spec.history"),
        (
            oci(json!({"url": "registry.example.com/team/x"})),
            "spec.publish.oci.url",
        ),
        (
            oci(json!({"url": "oci://registry.example.com/team/x:latest"})),
            "spec.publish.oci.url",
        ),
        (
            oci(json!({"url": "oci://user:password@registry.example.com/x"})),
            "spec.publish.oci.url",
        ),
        (oci(json!({"tags": ["a b"]})), "spec.publish.oci.tags"),
        (
            oci(json!({"tags": ["{{commit}}"]})),
            "spec.publish.oci.tags",
        ),
        (oci(json!({"tags": ["v{{short}"]})), "spec.publish.oci.tags"),
        (
            oci(json!({"secretRef": {"name": "Not A Name"}})),
            "spec.publish.oci.secretRef.name",
        ),
        (
            oci(json!({"serviceAccountName": "a/b"})),
            "spec.publish.oci.serviceAccountName",
        ),
        (oci(json!({"provider": "aws"})), "Unsupported value"),
        (
            oci(json!({"provider": "azure", "secretRef": {"name": "x"}})),
            "secretRef cannot be used",
        ),
        (
            oci(json!({"insecure": true, "certSecretRef": {"name": "x"}})),
            "certSecretRef cannot be used",
        ),
        (oci(json!({"sign": {}})), "secretRef"),
        (
            json!({"sourceRef": {"kind": "ExternalArtifact", "name": "contoso"}, "publish": {"externalArtifact": true}}),
            "its own source",
        ),
    ]
}

pub fn cel(cluster: &mut Cluster, _: bool) {
    cluster.namespace("refusals");
    for (change, says) in refused() {
        let mut object = apim_bundle("refusals", "contoso", &json!({"externalArtifact": true}));
        object["apiVersion"] = json!("flux-apim.dev/v1alpha1");
        let spec = object["spec"].as_object_mut().unwrap();
        spec.extend(change.as_object().unwrap().clone());
        let said = cluster
            .kubectl_with(&["create", "-f", "-"], &object)
            .unwrap_err();
        assert!(said.contains(says), "{change}: {said}");
    }
    let mut object = apim_bundle("refusals", "contoso", &json!({"externalArtifact": true}));
    object["apiVersion"] = json!("flux-apim.dev/v1alpha1");
    object["spec"]["unknownField"] = json!(1);
    let said = cluster
        .kubectl_with(&["create", "--validate=strict", "-f", "-"], &object)
        .unwrap_err();
    assert!(said.contains("unknown field"), "{said}");
}

/// The samples are what they show.
pub fn samples(cluster: &mut Cluster, _: bool) {
    cluster.namespace("apis");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/samples");
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if !path.ends_with("kustomization.yaml") {
            let file = format!("--filename={}", path.display());
            cluster.kubectl(&["create", "--dry-run=server", "--validate=strict", &file]);
        }
    }
}

pub fn stalled(cluster: &mut Cluster, _: bool) {
    let namespace = "stalled";
    let _checkout = cluster.project(namespace, "contoso");
    let _controller = cluster.controller("stalled", &[]);
    let stalls = |name: &str, change: Json, reason: &str, says: &str| {
        let mut object = apim_bundle(namespace, name, &json!({"externalArtifact": true}));
        object["spec"]["sourceRef"]["name"] = json!("contoso");
        let spec = object["spec"].as_object_mut().unwrap();
        spec.extend(change.as_object().unwrap().clone());
        cluster.apply(&object);
        let found = cluster.until("ApimBundle", namespace, name, |b| {
            condition(b, "Stalled", "True")
        });
        assert!(condition(&found, "Ready", "False"), "{found}");
        assert!(!condition(&found, "Reconciling", "True"), "{found}");
        assert!(message(&found).contains(says), "{}", message(&found));
        let conditions = found["status"]["conditions"].as_array().unwrap();
        assert!(conditions.iter().all(|c| c["reason"] == reason), "{found}");
    };
    let elsewhere = json!({"kind": "GitRepository", "name": "contoso", "namespace": "default"});
    stalls(
        "elsewhere",
        json!({"sourceRef": elsewhere}),
        "AccessDenied",
        "--no-cross-namespace-refs",
    );
    stalls(
        "no-folder",
        json!({"path": "no/such/folder"}),
        "ValidationFailed",
        "no folder `no/such/folder`",
    );
    stalls(
        "no-rule",
        json!({"validation": {"rules": {"APIM9876": "off"}}}),
        "ValidationFailed",
        "`APIM9876` is no rule",
    );
    stalls(
        "no-level",
        json!({"validation": {"rules": {"no-apis": {"level": "none"}}}}),
        "ValidationFailed",
        "`level` of `no-apis`",
    );
    stalls(
        "integrity",
        json!({"validation": {"rules": {"duplicate-key": "off"}}}),
        "ValidationFailed",
        "which nobody lowers",
    );
    stalls(
        "no-environment",
        json!({"environment": "mars"}),
        "ValidationFailed",
        "mars",
    );
    stalls(
        "no-version",
        json!({"service": {"armApiVersion": "1999-01-01"}}),
        "BuildFailed",
        "1999-01-01",
    );

    let mut publish = cluster.oci("team/stalled");
    publish["oci"]["tags"] = json!(["{{semver}}"]);
    stalls(
        "no-version-tag",
        json!({"publish": publish}),
        "ValidationFailed",
        "must be a Git tag such as v1.2.3",
    );

    // What may come right by itself is retried.
    let mut object = apim_bundle(namespace, "later", &json!({"externalArtifact": true}));
    object["spec"]["sourceRef"] = json!({"kind": "GitRepository", "name": "later"});
    cluster.apply(&object);
    let found = cluster.until("ApimBundle", namespace, "later", |b| {
        condition(b, "Ready", "False")
    });
    assert!(
        condition(&found, "Reconciling", "True") && message(&found).contains("does not exist"),
        "{found}"
    );
    let url = cluster.get("GitRepository", namespace, "contoso").unwrap()["spec"]["url"].clone();
    cluster.apply(&crate::bundle::git_repository(
        namespace,
        "later",
        url.as_str().unwrap(),
    ));
    cluster.until("ApimBundle", namespace, "later", crate::cluster::is_ready);
}
