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

/// Group, resource and verb.
type Permission = (String, String, String);

/// A role of the controller, as it is shipped.
struct Role {
    kind: &'static str,
    namespace: &'static str,
    name: &'static str,
    rules: Json,
}

fn roles(cluster: &Cluster) -> Vec<Role> {
    let all = [
        ("ClusterRole", "", "flux-apim-controller"),
        ("Role", "flux-system", "flux-apim-leader-election"),
    ];
    all.into_iter()
        .map(|(kind, namespace, name)| Role {
            kind,
            namespace,
            name,
            rules: cluster.get(kind, namespace, name).unwrap()["rules"].take(),
        })
        .collect()
}

impl Role {
    fn allowed(&self) -> BTreeSet<Permission> {
        let words = |list: &Json| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|w| w.as_str().unwrap().to_owned()).collect()
        };
        let mut all = BTreeSet::new();
        for rule in self.rules.as_array().unwrap() {
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

    /// Takes one permission away.
    fn without(&self, cluster: &Cluster, permission: &Permission) {
        let mut rules = Vec::new();
        for (group, resource, verb) in self.allowed() {
            if (&group, &resource, &verb) != (&permission.0, &permission.1, &permission.2) {
                rules.push(json!({
                    "apiGroups": [group], "resources": [resource], "verbs": [verb],
                }));
            }
        }
        let rules = json!({"rules": rules});
        cluster.merge(self.kind, self.namespace, self.name, &rules);
    }

    fn restore(&self, cluster: &Cluster) {
        let rules = json!({"rules": self.rules});
        cluster.merge(self.kind, self.namespace, self.name, &rules);
    }
}

/// What a request of the audit log asked for.
fn requested(entry: &Json) -> Permission {
    let object = &entry["objectRef"];
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let resource = match object["subresource"].as_str() {
        Some(subresource) => format!("{}/{subresource}", text(&object["resource"])),
        None => text(&object["resource"]),
    };
    (text(&object["apiGroup"]), resource, text(&entry["verb"]))
}

/// Group, resource and verb of everything that was done. What was refused was
/// allowed at another time: an API server that has just started knows no roles
/// yet.
fn used(cluster: &Cluster) -> BTreeSet<Permission> {
    let (mut done, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for entry in cluster.audit(0) {
        let what = requested(&entry);
        if what.1.is_empty() {
            continue;
        }
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

/// ApimBundles over sources of all kinds, one of them with the credentials of a
/// service account, published in both ways.
struct Everything {
    bundles: Vec<Json>,
}

impl Everything {
    fn prepare(cluster: &mut Cluster, namespace: &str) -> Self {
        let _checkout = cluster.project(namespace, "contoso");
        cluster.apply(&json!({
            "kind": "Secret", "metadata": {"name": "registry", "namespace": namespace},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": "{\"auths\":{}}"},
        }));
        cluster.apply(&json!({
            "kind": "Secret", "metadata": {"name": "legacy", "namespace": namespace},
            "type": "kubernetes.io/dockercfg",
            "stringData": {".dockercfg": "{}"},
        }));
        cluster.apply(&json!({
            "kind": "ServiceAccount", "metadata": {"name": "publisher", "namespace": namespace},
            "imagePullSecrets": [{"name": "legacy"}, {"name": "registry"}],
        }));
        let repository = format!("team/{namespace}");
        cluster.apply(&json!({
            "kind": "OCIRepository", "metadata": {"name": "published", "namespace": namespace},
            "spec": {
                "interval": "2s", "url": cluster.oci_url(&repository), "insecure": true,
                "ref": {"tag": "latest"},
            },
        }));
        cluster.apply(&json!({
            "kind": "Bucket", "metadata": {"name": "bucket", "namespace": namespace},
            "spec": {"interval": "1h", "endpoint": "127.0.0.1", "bucketName": "x", "suspend": true},
        }));
        let archive = cluster.folder.join(format!("{namespace}.tar.gz"));
        let bytes = std::fs::read(pack(&sample(), &archive)).unwrap();
        let digest = flux_apim::tree::Digest::of(&bytes).to_string();
        let port = crate::http::serve(move |_| (200, bytes.clone()));
        let url = format!("http://127.0.0.1:{port}/x.tar.gz");
        say(
            cluster, "Bucket", namespace, "bucket", &url, &digest, &digest,
        );
        let mut publish = cluster.oci(&repository);
        publish["oci"]["serviceAccountName"] = json!("publisher");
        publish["externalArtifact"] = json!(true);
        let mut bundles = vec![apim_bundle(namespace, "contoso", &publish)];
        for (kind, name) in [("OCIRepository", "published"), ("Bucket", "bucket")] {
            let mut object = apim_bundle(namespace, name, &json!({"externalArtifact": true}));
            object["spec"]["sourceRef"] = json!({"kind": kind, "name": name});
            bundles.push(object);
        }
        Self { bundles }
    }

    fn apply(&self, cluster: &Cluster) {
        for bundle in &self.bundles {
            cluster.apply(bundle);
        }
    }

    /// Each as it is now, with its namespace and name.
    fn found<'a>(
        &'a self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = (&'a str, &'a str, Option<Json>)> {
        self.bundles.iter().map(|bundle| {
            let text = |key: &str| bundle["metadata"][key].as_str().unwrap();
            let (namespace, name) = (text("namespace"), text("name"));
            (namespace, name, cluster.get("ApimBundle", namespace, name))
        })
    }

    fn delete(&self, cluster: &Cluster) {
        for (namespace, name, found) in self.found(cluster) {
            if found.is_some() {
                cluster.delete("ApimBundle", namespace, name);
            }
        }
    }
}

const ELECTION: [&str; 2] = [
    "--enable-leader-election",
    "--leader-election-retry-period=1s",
];

/// Runs after the others: what all scenarios together did is what is allowed.
pub fn minimal(cluster: &mut Cluster, _: bool) {
    let everything = Everything::prepare(cluster, "accounts");
    let _controller = cluster.controller("accounts", &ELECTION);
    everything.apply(cluster);
    for (namespace, name, _) in everything.found(cluster) {
        cluster.until("ApimBundle", namespace, name, is_ready);
    }
    everything.delete(cluster);
    for (namespace, name, _) in everything.found(cluster) {
        cluster.until_gone("ApimBundle", namespace, name);
    }
    let used = used(cluster);
    let mut allowed: BTreeSet<_> = roles(cluster).iter().flat_map(Role::allowed).collect();
    // Applying an object that is not there yet needs `create`, which the log
    // shows as `patch`.
    let create = ("source.toolkit.fluxcd.io", "externalartifacts", "create");
    allowed.remove(&(create.0.into(), create.1.into(), create.2.into()));
    assert_eq!(
        used.difference(&allowed).collect::<Vec<_>>(),
        Vec::<&Permission>::new()
    );
    assert_eq!(
        allowed.difference(&used).collect::<Vec<_>>(),
        Vec::<&Permission>::new()
    );
    assert!(!used.contains(&(String::new(), "secrets".into(), "list".into())));
}

/// Runs last: each verb is taken away, and something is refused for it.
pub fn each_verb(cluster: &mut Cluster, _: bool) {
    let everything = Everything::prepare(cluster, "verbs");
    for role in roles(cluster) {
        for (n, permission) in role.allowed().into_iter().enumerate() {
            role.without(cluster, &permission);
            let _ = cluster.kubectl_with(
                &["delete", "lease", "--all", "--namespace=flux-system"],
                &Json::Null,
            );
            let start = cluster.audit_lines();
            let controller = cluster.controller(&format!("verbs-{}-{n}", role.kind), &ELECTION);
            everything.apply(cluster);
            let what = format!("{permission:?} to be missed");
            eventually(&what, Duration::from_secs(60), || {
                if cluster.audit(start).iter().any(|e| misses(e, &permission)) {
                    return Ok(());
                }
                let all: Vec<_> = everything.found(cluster).collect();
                if all.iter().all(|(_, _, found)| found.is_none()) {
                    everything.apply(cluster);
                } else if all
                    .iter()
                    .all(|(_, _, found)| found.as_ref().is_none_or(is_ready))
                {
                    everything.delete(cluster);
                }
                Err(controller.process.log())
            });
            drop(controller);
            role.restore(cluster);
            everything.delete(cluster);
            for (namespace, name, found) in everything.found(cluster) {
                if found.is_some() {
                    let loose = json!({"metadata": {"finalizers": null}});
                    cluster.merge("ApimBundle", namespace, name, &loose);
                }
                cluster.until_gone("ApimBundle", namespace, name);
            }
        }
    }
}

/// Whether this request was refused for want of `permission`. The log shows
/// applying what is not there yet as `patch`.
fn misses(entry: &Json, permission: &Permission) -> bool {
    let (group, resource, verb) = permission;
    let applied = verb == "create" && resource == "externalartifacts";
    let verb = if applied { "patch" } else { verb };
    entry["responseStatus"]["code"] == 403
        && requested(entry) == (group.clone(), resource.clone(), verb.to_owned())
}
