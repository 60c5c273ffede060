//! The folders of `aso/`, as the real kustomize-controller applies them. The operator is not
//! here: the scenarios say in its place what is ready.

use crate::bundle::sample;
use crate::cluster::{Cluster, is_ready, message, run};
use crate::controller::binary;
use crate::process::eventually;
use crate::support::yaml;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const GROUP: &str = "apimanagement.azure.com";
const POLICY: &str = "serviceoperator.azure.com/reconcile-policy";
const DETACH: &str = "detach-on-delete";

/// Kind and name.
type Name = (String, String);

/// Renders the sample into a folder and publishes that; the folder.
fn published(cluster: &Cluster, namespace: &str) -> String {
    let out = cluster.folder.join(format!("bundle-{namespace}"));
    let out = out.display().to_string();
    let source = sample().display().to_string();
    let render = ["-q", "render", &source, "-o", &out, "--env", "prod"];
    let flux = format!("{namespace}/contoso");
    let options = ["--service", "contoso-prod", "--flux-source", &flux];
    run(&binary(), &[&render[..], &options].concat(), &[]);
    let to = cluster.oci_url(&format!("team/{namespace}:latest"));
    let publish = ["-q", "publish", &out, &to, "--insecure"];
    run(&binary(), &publish, &[]);
    cluster.apply(&json!({
        "kind": "OCIRepository",
        "metadata": {"name": "contoso", "namespace": namespace},
        "spec": {
            "interval": "10m", "insecure": true, "ref": {"tag": "latest"},
            "url": cluster.oci_url(&format!("team/{namespace}")),
        },
    }));
    out
}

/// The objects of the operator in the files below `folder`, as they were written.
fn written(folder: &Path) -> Vec<Json> {
    let mut objects = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for path in entries.iter().map(std::fs::DirEntry::path) {
        if path.is_dir() {
            objects.extend(written(&path));
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            objects.extend(yaml::documents(&text).unwrap());
        }
    }
    objects.retain(|object| {
        let version = object["apiVersion"].as_str();
        version.is_some_and(|version| version.starts_with(GROUP))
    });
    objects
}

fn name(object: &Json) -> Name {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// The objects of these kinds that the API server has.
fn stored(cluster: &Cluster, namespace: &str, kinds: &BTreeSet<String>) -> Vec<Json> {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind}.{GROUP}")).collect();
    let get = ["get", &kinds.join(","), "-n", namespace, "-o", "json"];
    let list: Json = serde_json::from_str(&cluster.kubectl(&get)).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// What the operator writes of an object.
fn tell(cluster: &Cluster, namespace: &str, (kind, name): &Name, ready: bool) {
    let (status, severity) = if ready {
        ("True", "")
    } else {
        ("False", "Error")
    };
    let condition = json!({
        "type": "Ready", "status": status, "reason": "Told", "severity": severity,
        "message": "by the test", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let patch = json!({"status": {"conditions": [condition]}}).to_string();
    let object = format!("{kind}.{GROUP}/{name}");
    let how = ["--subresource=status", "--type=merge", "-p", &patch];
    cluster.kubectl(&[&["patch", &object, "-n", namespace][..], &how].concat());
}

fn kustomization(namespace: &str, name: &str, source: &Json, path: &str) -> Json {
    json!({
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "10m", "retryInterval": "2s", "prune": true, "path": path,
            "targetNamespace": namespace, "sourceRef": source,
        },
    })
}

pub fn in_order(cluster: &mut Cluster, _: bool) {
    let namespace = "folders";
    cluster.namespace(namespace);
    let out = published(cluster, namespace);
    let source = json!({"kind": "OCIRepository", "name": "contoso"});
    cluster.apply(&kustomization(namespace, "contoso", &source, "./flux"));
    let mut folders: Vec<String> = std::fs::read_dir(format!("{out}/aso"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert!(folders.len() >= 10, "{folders:?}");
    let all = written(Path::new(&out).join("aso").as_path());
    let kinds: BTreeSet<String> = all.iter().map(|object| name(object).0).collect();
    let mut expected: BTreeSet<Name> = BTreeSet::new();
    for (n, folder) in folders.iter().enumerate() {
        let own = written(&Path::new(&out).join("aso").join(folder));
        let own: Vec<Name> = own.iter().map(name).collect();
        expected.extend(own.iter().cloned());
        let found = eventually(folder, Duration::from_secs(120), || {
            let found = stored(cluster, namespace, &kinds);
            let found: BTreeSet<Name> = found.iter().map(name).collect();
            match expected.is_subset(&found) {
                true => Ok(found),
                false => Err(format!("{:?}", expected.difference(&found))),
            }
        });
        // Nothing of a later folder is there before this one is ready.
        assert_eq!(found, expected, "{folder}");
        let own_kustomization = format!("contoso-prod-{folder}");
        if n == 0 {
            tell(cluster, namespace, &own[0], false);
            let failed = cluster.until("Kustomization", namespace, &own_kustomization, |k| {
                k["status"]["conditions"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|c| c["reason"] == "HealthCheckFailed"))
            });
            println!("{folder}: {}", message(&failed));
            assert!(message(&failed).contains(&own[0].1), "{failed}");
        }
        for object in &own {
            tell(cluster, namespace, object, true);
        }
        if n == 0 {
            let again = json!({"metadata": {"annotations": {
                "reconcile.fluxcd.io/requestedAt": "again",
            }}});
            cluster.merge("Kustomization", namespace, &own_kustomization, &again);
        }
        cluster.until("Kustomization", namespace, &own_kustomization, is_ready);
    }
    println!("{} objects in {} folders", expected.len(), folders.len());
    assert_eq!(expected.len(), all.len());
}

/// Objects as a bundle of before had them: all in one file, without the service in their names.
fn as_before(objects: &[Json]) -> String {
    let mut text = String::new();
    for object in objects {
        let mut object = object.clone();
        let short = |value: &mut Json| {
            let name = value.as_str().map(str::to_owned);
            if let Some(name) = name
                .as_deref()
                .and_then(|n| n.strip_prefix("contoso-prod-"))
            {
                *value = json!(name);
            }
        };
        short(&mut object["metadata"]["name"]);
        if object["spec"]["owner"]["name"].is_string() {
            short(&mut object["spec"]["owner"]["name"]);
        }
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.remove(POLICY);
        }
        text.push_str(&format!("---\n{object}\n"));
    }
    text
}

pub fn from_one(cluster: &mut Cluster, _: bool) {
    let namespace = "flat";
    cluster.namespace(namespace);
    let out = published(cluster, namespace);
    let all = written(Path::new(&out).join("aso").as_path());
    let kinds: BTreeSet<String> = all.iter().map(|object| name(object).0).collect();
    let new: BTreeSet<Name> = all.iter().map(name).collect();

    let flat = cluster.folder.join("flat");
    std::fs::create_dir_all(flat.join("aso")).unwrap();
    std::fs::write(flat.join("aso/objects.yaml"), as_before(&all)).unwrap();
    let checkout = cluster.git.repository("flat-contoso", &flat);
    cluster.apply(&crate::bundle::git_repository(
        namespace,
        "flat",
        &checkout.url,
    ));
    let source = json!({"kind": "GitRepository", "name": "flat"});
    let mut own = kustomization(namespace, "contoso", &source, "./aso");
    cluster.apply(&own);
    cluster.until("Kustomization", namespace, "contoso", is_ready);
    let old = stored(cluster, namespace, &kinds);
    assert_eq!(old.len(), all.len());
    let old: BTreeSet<Name> = old.iter().map(name).collect();
    assert!(old.is_disjoint(&new), "{old:?}");

    // First the annotation, by the Kustomization itself.
    own["spec"]["commonMetadata"] = json!({"annotations": {POLICY: DETACH}});
    cluster.apply(&own);
    let detached = |object: &Json| object["metadata"]["annotations"][POLICY] == DETACH;
    eventually("the annotation", Duration::from_secs(60), || {
        let found = stored(cluster, namespace, &kinds);
        let without: Vec<Name> = found.iter().filter(|o| !detached(o)).map(name).collect();
        without
            .is_empty()
            .then_some(())
            .ok_or(format!("{without:?}"))
    });
    // What holds an object back shows how it goes.
    let held = json!({"metadata": {"finalizers": ["example.com/held"]}}).to_string();
    let patch = |(kind, name): &Name, patch: &str| {
        let object = format!("{kind}.{GROUP}/{name}");
        let how = ["--type=merge", "-p", patch];
        cluster.kubectl(&[&["patch", &object, "-n", namespace][..], &how].concat());
    };
    for object in &old {
        patch(object, &held);
    }
    // Then the bundle with folders.
    own["spec"]["sourceRef"] = json!({"kind": "OCIRepository", "name": "contoso"});
    cluster.apply(&own);
    let found = eventually("the new objects", Duration::from_secs(120), || {
        let found = stored(cluster, namespace, &kinds);
        let goes = |object: &&Json| !object["metadata"]["deletionTimestamp"].is_null();
        let going = found.iter().filter(goes).count();
        let there: BTreeSet<Name> = found.iter().map(name).collect();
        match going == old.len() && new.is_subset(&there) {
            true => Ok(found),
            false => Err(format!(
                "{going} of {} go, {} are there",
                old.len(),
                found.len()
            )),
        }
    });
    for object in found.iter().filter(|object| old.contains(&name(object))) {
        assert!(detached(object), "{object}");
    }
    for object in &old {
        patch(
            object,
            &json!({"metadata": {"finalizers": null}}).to_string(),
        );
    }
    // What is new is the operator's again, except what may change its folder.
    let spec = own["spec"].as_object_mut().unwrap();
    spec.remove("commonMetadata");
    cluster.apply(&own);
    eventually("the objects without it", Duration::from_secs(120), || {
        let found = stored(cluster, namespace, &kinds);
        let names: BTreeSet<Name> = found.iter().map(name).collect();
        let with = found.iter().filter(|object| detached(object));
        let others: Vec<Name> = with.map(name).filter(|n| n.0 != "Backend").collect();
        match names == new && others.is_empty() {
            true => Ok(()),
            false => Err(format!("{} objects, {others:?}", names.len())),
        }
    });
}
