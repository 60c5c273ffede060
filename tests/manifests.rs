//! What is shipped for Kubernetes: every file reads, samples fit the types.
#![cfg(feature = "controller")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support {
    pub(crate) type Res<T> = Result<T, String>;
    #[path = "../support/yaml.rs"]
    #[allow(dead_code, reason = "shared with other tests")]
    pub(crate) mod yaml;
}

use flux_apim::edge::controller::api::ApimBundle;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|e| e == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The places of `read` that `written` does not have, or has with another value. A text
/// may be spelled another way: `10m` is written `10m0s`.
fn lost(read: &Value, written: &Value, at: &str) -> Vec<String> {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            let all = read.iter().map(|(key, value)| {
                let written = written.get(key).unwrap_or(&Value::Null);
                lost(value, written, &format!("{at}.{key}"))
            });
            all.flatten().collect()
        }
        (Value::Array(read), Value::Array(written)) if read.len() == written.len() => {
            let all = read.iter().zip(written).enumerate();
            let all = all.map(|(n, (read, written))| lost(read, written, &format!("{at}[{n}]")));
            all.flatten().collect()
        }
        (Value::String(_), Value::String(text)) if !text.is_empty() => Vec::new(),
        (read, written) if read == written => Vec::new(),
        _ => vec![at.to_owned()],
    }
}

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests")
}

#[test]
fn every_apimbundle_fits_the_types_and_loses_nothing() {
    let mut seen = 0;
    for path in yaml_files(&manifests()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let documents = support::yaml::documents(&text);
        for document in documents.unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            if document["kind"] != "ApimBundle" {
                continue;
            }
            let read: Result<ApimBundle, _> = serde_json::from_value(document.clone());
            let read = read.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let written = serde_json::to_value(&read).unwrap();
            let lost = lost(&document["spec"], &written["spec"], "spec");
            assert!(lost.is_empty(), "{}: {lost:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn every_file_of_a_base_is_in_its_kustomization() {
    for path in yaml_files(&manifests()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap();
        let kustomization = folder.join("kustomization.yaml");
        let alone = [
            "kustomization.yaml",
            "kube-state-metrics.yaml",
            "external-artifact.yaml",
        ];
        if !alone.contains(&name) && kustomization.exists() {
            let text = std::fs::read_to_string(kustomization).unwrap();
            assert!(
                text.contains(name),
                "{} is in no kustomization",
                path.display()
            );
        }
    }
}

/// Probes that wait behind clients end a pod that is only busy.
#[test]
fn probes_ask_a_port_that_no_client_is_sent_to() {
    let mut seen = 0;
    for path in yaml_files(&manifests()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let documents = support::yaml::documents(&text);
        for document in documents.unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            let containers = &document["spec"]["template"]["spec"]["containers"];
            for container in containers.as_array().into_iter().flatten() {
                let ports = container["ports"].as_array().into_iter().flatten();
                let names: Vec<_> = ports.map(|port| &port["name"]).collect();
                for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                    let port = &container[probe]["httpGet"]["port"];
                    if port.is_null() {
                        continue;
                    }
                    let is_own = port == "healthz" && names.contains(&port);
                    assert!(is_own, "{}: {probe}", path.display());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 5, "{seen}");
}
