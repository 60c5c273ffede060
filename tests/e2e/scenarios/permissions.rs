//! Permissions: enough, no more, and nothing for neighbours.

use super::faults::say;
use crate::bundle::{apim_bundle, pack, sample};
use crate::cluster::{Cluster, condition, is_ready, message};
use crate::process::eventually;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

pub fn tenants(cluster: &mut Cluster, _: bool) {
    let _checkout = cluster.project("tenant-a", "contoso");
    cluster.namespace("tenant-b");
    cluster.apply(&json!({
        "kind": "Secret", "metadata": {"name": "registry", "namespace": "tenant-a"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": "{\"auths\":{}}"},
    }));
    let start = cluster.audit_lines();
    let _controller = cluster.controller("tenants", &[]);
    let mut object = apim_bundle("tenant-b", "thief", &json!({"externalArtifact": true}));
    object["spec"]["sourceRef"] =
        json!({"kind": "GitRepository", "name": "contoso", "namespace": "tenant-a"});
    cluster.apply(&object);
    cluster.until("ApimBundle", "tenant-b", "thief", |b| {
        condition(b, "Stalled", "True")
    });
    // A secret is looked for in the namespace of the ApimBundle alone.
    let mut publish = cluster.oci("team/tenant-b");
    publish["oci"]["secretRef"] = json!({"name": "registry"});
    let _own = cluster.git.repository("tenant-b", &crate::bundle::sample());
    let url = format!("http://127.0.0.1:{}/tenant-b.git", cluster.git.port);
    cluster.apply(&crate::bundle::git_repository("tenant-b", "own", &url));
    cluster.apply(&apim_bundle("tenant-b", "own", &publish));
    cluster.until("ApimBundle", "tenant-b", "own", |b| {
        let said = message(b);
        said.contains("Secret tenant-b/registry") && said.contains("does not exist")
    });
    let touched = cluster.audit(start).into_iter().any(|e| {
        let object = &e["objectRef"];
        object["namespace"] == "tenant-a"
            && object["resource"] != "apimbundles"
            && e["verb"] == "get"
    });
    assert!(
        !touched,
        "the controller read an object of tenant-a for tenant-b"
    );
    cluster.delete("ApimBundle", "tenant-b", "own");
}

/// The admission policy: who may say what an ExternalArtifact of ours says.
pub fn admission(cluster: &mut Cluster, _: bool) {
    let namespace = "admission";
    cluster.namespace(namespace);
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/admission");
    cluster.kubectl(&["apply", "--server-side", "-k", policy]);
    let other = ["--as=mallory", "--as-group=system:masters"];
    let ours = [
        "--as=system:serviceaccount:flux-system:flux-apim-controller",
        "--as-group=system:masters",
    ];
    let object = |name: &str, kind: &str| {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"sourceRef": {"kind": kind, "name": name}},
        })
    };
    let create = |who: &[&str], object: &Json| {
        let arguments = [&["create", "-f", "-"], who].concat();
        cluster.kubectl_with(&arguments, object)
    };
    let point = |who: &[&str], name: &str, url: &str| {
        let status = json!({"status": {"artifact": {
            "url": url, "digest": "sha256:aa", "revision": "x", "path": "x",
            "lastUpdateTime": "2026-01-01T00:00:00Z",
        }}});
        let patch = status.to_string();
        let namespace = format!("--namespace={namespace}");
        let mut arguments = vec!["patch", "externalartifact", name, &namespace];
        arguments.extend(["--subresource=status", "--type=merge", "--patch", &patch]);
        arguments.extend(who);
        cluster.kubectl_with(&arguments, &Json::Null)
    };
    let alone = "written by flux-apim-controller alone";
    let mut n = 0;
    eventually("the policy to be in force", Duration::from_secs(60), || {
        n += 1;
        match create(&other, &object(&format!("probe-{n}"), "ApimBundle")) {
            Err(said) if said.contains(alone) => Ok(()),
            outcome => Err(format!("{outcome:?}")),
        }
    });
    create(&other, &object("foreign", "Other")).unwrap();
    point(&other, "foreign", "http://example.com/x.tar.gz").unwrap();
    create(&ours, &object("contoso", "ApimBundle")).unwrap();
    let right = "http://flux-apim-controller.flux-system.svc.cluster.local./artifacts/externalartifact/admission/contoso/x.tar.gz";
    let said = point(&other, "contoso", right).unwrap_err();
    assert!(said.contains(alone), "{said}");
    let said = point(&ours, "contoso", "http://example.com/x.tar.gz").unwrap_err();
    assert!(said.contains("is served by flux-apim-controller"), "{said}");
    point(&ours, "contoso", right).unwrap();
    cluster.kubectl(&["delete", "-k", policy]);
}

/// Group, resource and verb of everything that the rules allow.
fn allowed(role: &Json) -> BTreeSet<(String, String, String)> {
    let words = |list: &Json| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap().to_owned())
            .collect()
    };
    let mut all = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    all.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    all
}

/// The rules of the controller without one verb.
fn rules_without(cluster: &Cluster, resource: &str, verb: &str) -> Json {
    let role = cluster.get("ClusterRole", "", "flux-apim-controller");
    let mut rules = role.unwrap()["rules"].clone();
    for rule in rules.as_array_mut().unwrap() {
        if rule["resources"]
            .as_array()
            .unwrap()
            .contains(&json!(resource))
        {
            rule["verbs"].as_array_mut().unwrap().retain(|v| v != verb);
        }
    }
    rules
}

/// Group, resource and verb of everything that was done. What was refused was
/// allowed at another time: an API server that has just started knows no roles
/// yet.
fn used(cluster: &Cluster) -> BTreeSet<(String, String, String)> {
    let (mut done, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for entry in cluster.audit(0) {
        let object = &entry["objectRef"];
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let resource = match object["subresource"].as_str() {
            Some(subresource) => format!("{}/{subresource}", text("resource")),
            None => text("resource"),
        };
        if resource.is_empty() {
            continue;
        }
        let verb = entry["verb"].as_str().unwrap().to_owned();
        let what = (text("apiGroup"), resource, verb);
        if entry["responseStatus"]["code"] == 403 {
            refused.insert(what);
        } else {
            done.insert(what);
        }
    }
    let never: Vec<_> = refused.difference(&done).collect();
    assert!(never.is_empty(), "always refused: {never:?}");
    done
}

/// Runs last: what all scenarios together did is what is allowed. A verb that
/// was used and is taken away breaks the scenario that used it.
pub fn minimal(cluster: &mut Cluster, _: bool) {
    // Credentials by the pull secrets of a service account.
    let _checkout = cluster.project("accounts", "contoso");
    let flags = [
        "--enable-leader-election",
        "--leader-election-retry-period=1s",
    ];
    let _controller = cluster.controller("accounts", &flags);
    cluster.apply(&json!({
        "kind": "Secret", "metadata": {"name": "registry", "namespace": "accounts"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": "{\"auths\":{}}"},
    }));
    cluster.apply(&json!({
        "kind": "ServiceAccount", "metadata": {"name": "publisher", "namespace": "accounts"},
        "imagePullSecrets": [{"name": "registry"}],
    }));
    let mut publish = cluster.oci("team/accounts");
    publish["oci"]["serviceAccountName"] = json!("publisher");
    publish["externalArtifact"] = json!(true);
    cluster.apply(&apim_bundle("accounts", "contoso", &publish));
    cluster.until("ApimBundle", "accounts", "contoso", is_ready);

    // Sources of the other kinds: what was published, and a Bucket.
    cluster.apply(&json!({
        "kind": "OCIRepository", "metadata": {"name": "published", "namespace": "accounts"},
        "spec": {
            "interval": "1m", "url": cluster.oci_url("team/accounts"), "insecure": true,
            "ref": {"tag": "latest"},
        },
    }));
    cluster.apply(&json!({
        "kind": "Bucket", "metadata": {"name": "bucket", "namespace": "accounts"},
        "spec": {"interval": "1h", "endpoint": "127.0.0.1", "bucketName": "x", "suspend": true},
    }));
    let archive = cluster.folder.join("bucket.tar.gz");
    let bytes = std::fs::read(pack(&sample(), &archive)).unwrap();
    let digest = flux_apim::tree::Digest::of(&bytes).to_string();
    let port = crate::http::serve(move |_| (200, bytes.clone()));
    let url = format!("http://127.0.0.1:{port}/x.tar.gz");
    say(
        cluster, "Bucket", "accounts", "bucket", &url, &digest, &digest,
    );
    for (kind, name) in [("OCIRepository", "published"), ("Bucket", "bucket")] {
        let mut object = apim_bundle("accounts", name, &json!({"externalArtifact": true}));
        object["spec"]["sourceRef"] = json!({"kind": kind, "name": name});
        cluster.apply(&object);
        cluster.until("ApimBundle", "accounts", name, is_ready);
    }
    cluster.delete("ApimBundle", "accounts", "contoso");
    cluster.until_gone("ApimBundle", "accounts", "contoso");
    let used = used(cluster);

    // Applying an object that is not there yet needs `create`, which the log
    // shows as `patch`: without it there is no ExternalArtifact.
    let without = json!({"rules": rules_without(cluster, "externalartifacts", "create")});
    cluster.merge("ClusterRole", "", "flux-apim-controller", &without);
    let mut object = apim_bundle("accounts", "forbidden", &json!({"externalArtifact": true}));
    object["spec"]["sourceRef"] = json!({"kind": "Bucket", "name": "bucket"});
    cluster.apply(&object);
    cluster.until("ApimBundle", "accounts", "forbidden", |b| {
        condition(b, "Ready", "False") && message(b).contains("forbidden")
    });
    cluster.install();
    cluster.until("ApimBundle", "accounts", "forbidden", is_ready);

    let role = cluster
        .get("ClusterRole", "", "flux-apim-controller")
        .unwrap();
    let mut allowed = allowed(&role);
    for verb in ["get", "create", "update"] {
        allowed.insert(("coordination.k8s.io".into(), "leases".into(), verb.into()));
    }
    let create = ("source.toolkit.fluxcd.io", "externalartifacts", "create");
    allowed.remove(&(create.0.into(), create.1.into(), create.2.into()));
    assert_eq!(
        used.difference(&allowed).collect::<Vec<_>>(),
        Vec::<&(String, String, String)>::new()
    );
    assert_eq!(
        allowed.difference(&used).collect::<Vec<_>>(),
        Vec::<&(String, String, String)>::new()
    );
    assert!(!used.contains(&(String::new(), "secrets".into(), "list".into())));
}
