//! What is said about a bundle beside its signature: where it came from, and
//! what is in it. Both are functions of the inventory: no clock, no host.

use super::Artifact;
use crate::tree::Digest;
use serde_json::{Map, Value as Json, json};

/// Predicate type of the provenance.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// Predicate type of the list of contents.
pub const CONTENTS: &str = "https://cyclonedx.org/bom";
const HOME: &str = "https://github.com/flux-apim/flux-apim";
const BUILD_TYPE: &str = "https://github.com/flux-apim/flux-apim/render/v1";

/// SLSA provenance: source, revision, renderer, options, materials.
pub(super) fn provenance(artifact: &Artifact) -> Json {
    let inventory = artifact.inventory();
    let source = &inventory["source"];
    let mut byproducts = vec![json!({
        "name": "layer",
        "digest": {"sha256": hex(&artifact.layer_digest())},
    })];
    if let Some(module) = artifact.module() {
        byproducts.push(json!({
            "name": "bicep module",
            "digest": {"sha256": hex(&module.descriptor().digest)},
        }));
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "source": {
                    "uri": source["url"], "revision": source["revision"], "path": source["path"],
                },
                "environment": inventory["environment"],
                "targets": inventory["targets"],
            },
            "internalParameters": {"source": {"kind": source["kind"], "dirty": source["dirty"]}},
            "resolvedDependencies": materials(source),
        },
        "runDetails": {
            "builder": {"id": HOME, "version": {"flux-apim": inventory["renderer"]["version"]}},
            "byproducts": byproducts,
        },
    })
}

/// What the bundle was made of, by digest: the commit, the archive.
fn materials(source: &Json) -> Vec<Json> {
    let mut digests = Map::new();
    let revision = source["revision"].as_str().unwrap_or("");
    let end = revision.rsplit_once('@').map_or(revision, |(_, end)| end);
    match end.split_once(':') {
        Some(("sha1", commit)) => digests.insert("gitCommit".to_owned(), json!(commit)),
        Some((algorithm, commit)) => digests.insert(algorithm.to_owned(), json!(commit)),
        None => None,
    };
    let mut materials = Vec::new();
    if !digests.is_empty() {
        materials.push(json!({"name": "source", "uri": source["url"], "digest": digests}));
    }
    if let Some(archive) = source["digest"]
        .as_str()
        .and_then(|d| d.strip_prefix("sha256:"))
    {
        materials.push(json!({"name": "source archive", "digest": {"sha256": archive}}));
    }
    materials
}

/// CycloneDX: the APIM resources and the files that carry them.
pub(super) fn contents(artifact: &Artifact) -> Json {
    let inventory = artifact.inventory();
    let resources = inventory["resources"].as_array().into_iter().flatten();
    let resources = resources.map(|resource| {
        let kind = resource["type"].as_str().unwrap_or("");
        let name = resource["name"].as_str().unwrap_or("");
        json!({
            "type": "data",
            "bom-ref": format!("{kind}/{name}"),
            "group": kind,
            "name": name,
            "hashes": hashes(&resource["digest"]),
            "properties": [{"name": "flux-apim:origin", "value": resource["origin"]["path"]}],
        })
    });
    let files = inventory["files"].as_array().into_iter().flatten();
    let files = files.map(|file| {
        json!({
            "type": "file",
            "bom-ref": format!("file:{}", file["path"].as_str().unwrap_or("")),
            "name": file["path"],
            "hashes": hashes(&file["digest"]),
        })
    });
    let components: Vec<Json> = resources.chain(files).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{
                "type": "application", "name": "flux-apim",
                "version": inventory["renderer"]["version"],
            }]},
            "component": {
                "type": "application",
                "bom-ref": "bundle",
                "name": "bundle",
                "version": inventory["source"]["revision"].as_str().unwrap_or("unknown"),
                "hashes": [{"alg": "SHA-256", "content": hex(&artifact.layer_digest())}],
            },
        },
        "components": components,
    })
}

fn hashes(digest: &Json) -> Json {
    let text = digest.as_str().unwrap_or("");
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    json!([{"alg": "SHA-256", "content": hex}])
}

fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}
