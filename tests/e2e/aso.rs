//! The CRDs of Azure Service Operator, usable without its conversion webhook.

use crate::support::yaml;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

const GROUP: &str = "apimanagement.azure.com";
const VERSION: &str = "v20240501";

/// The official ones where the corpus is there: the version that we render is
/// the stored one, and nothing is converted; schema and validation are as they
/// are. Else ones that take any spec, so that at least names and kinds count.
pub fn crds() -> Json {
    let named = std::env::var_os("FLUX_APIM_CORPUS").map(PathBuf::from);
    let root = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus"));
    let mut items = official(&root.join("crds/aso-v2-yaml"));
    if items.is_empty() {
        println!("the corpus is not unpacked: ASO objects are not held against their schemas");
        items = lenient();
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn official(folder: &Path) -> Vec<Json> {
    let mut items = Vec::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                stack.push(path);
                continue;
            }
            if !path.to_string_lossy().ends_with(&format!(".{GROUP}.yaml")) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for crd in yaml::documents(&text).unwrap() {
                items.extend(one_version(crd));
            }
        }
    }
    items
}

fn one_version(mut crd: Json) -> Option<Json> {
    let versions = crd["spec"]["versions"].as_array()?;
    let mut version = versions.iter().find(|v| v["name"] == VERSION)?.clone();
    version["storage"] = json!(true);
    version["served"] = json!(true);
    crd["spec"]["versions"] = json!([version]);
    crd["spec"]["conversion"] = json!({"strategy": "None"});
    let crd_object = crd.as_object_mut()?;
    crd_object.remove("status");
    Some(crd)
}

fn lenient() -> Vec<Json> {
    let kinds = flux_apim::model::kinds::Kind::ALL
        .iter()
        .filter_map(|kind| kind.row().aso);
    let kinds: std::collections::BTreeSet<&str> = kinds.collect();
    kinds
        .into_iter()
        .map(|kind| {
            let singular = kind.to_lowercase();
            let plural = match singular.strip_suffix('y') {
                Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
                _ => format!("{singular}s"),
            };
            json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.{GROUP}")},
                "spec": {
                    "group": GROUP, "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": singular},
                    "versions": [{
                        "name": VERSION, "served": true, "storage": true,
                        "schema": {"openAPIV3Schema": {
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        }},
                        "subresources": {"status": {}},
                    }],
                },
            })
        })
        .collect()
}
