//! `bundle.json` (contract section 4).

use super::Description;
use crate::diag::{Budget, LineIndex, Place, Range, Report, Span};
use crate::render::{Rendered, Target};
use crate::syntax::write_string;
use crate::tree::{Digest, FileId, ReadError, SourceTree};
use crate::validate::{Expression, Node, Validated};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// `apiVersion` of the inventory.
const API_VERSION: &str = "flux-apim.dev/bundle/v1";

/// Path of the inventory in a bundle.
pub const INVENTORY: &str = "bundle.json";

/// Whether `text` is the inventory of a bundle: what lies beside it is then
/// output, and no source.
pub fn is_inventory(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        api_version: String,
    }
    serde_json::from_slice(text).is_ok_and(|head: Head| head.api_version == API_VERSION)
}

/// Bytes that the entry of a resource takes beside its texts.
const ENTRY: usize = 72;

/// The text of `bundle.json`: JSON with sorted keys. Entries are written one by
/// one: as values, those of a large project would be the largest thing in memory.
pub(super) fn inventory(
    tree: &SourceTree,
    graph: &Validated,
    rendered: &Rendered,
    digests: &[Digest],
    report: &Report,
    description: &Description,
) -> Result<String, ReadError> {
    let source = &description.source;
    let summary = report.summary();
    let targets: Vec<&str> = description.targets.iter().map(|t| t.as_str()).collect();
    let head = json!({
        "apiVersion": API_VERSION,
        "source": {
            "kind": source.kind, "url": source.url, "revision": source.revision,
            "digest": source.digest, "path": source.path, "dirty": source.dirty,
            "created": source.created,
        },
        "renderer": {"name": "flux-apim", "version": env!("CARGO_PKG_VERSION")},
        "environment": description.environment,
        "targets": targets,
        "parts": rendered.parts,
        "diagnostics": {
            "error": summary.error, "warning": summary.warning, "info": summary.info,
        },
    });
    let head = head.as_object().into_iter().flatten();
    let mut entries: BTreeMap<&str, Entry> = head
        .map(|(key, value)| (key.as_str(), Entry::One(canonical(value))))
        .collect();
    entries.insert("files", Entry::List(files(graph, rendered, digests)));
    let listed = resources(tree, graph, rendered, description)?;
    entries.insert("resources", Entry::List(listed));
    let mut text = String::from("{");
    for (n, (key, entry)) in entries.into_iter().enumerate() {
        text.push_str(if n > 0 { "," } else { "" });
        write_string(&mut text, key);
        text.push(':');
        match entry {
            Entry::One(value) => text.push_str(&value),
            Entry::List(items) => {
                text.push('[');
                // Each is dropped as soon as it is copied.
                for (n, item) in items.into_iter().enumerate() {
                    text.push_str(if n > 0 { "," } else { "" });
                    text.push_str(&item);
                }
                text.push(']');
            }
        }
    }
    text.push_str("}\n");
    Ok(text)
}

/// What stands behind a key of the inventory, as text.
enum Entry {
    One(String),
    List(Vec<String>),
}

/// The entry of each file.
fn files(graph: &Validated, rendered: &Rendered, digests: &[Digest]) -> Vec<String> {
    let cuts = super::archive::cuts(&rendered.files, &graph.contents);
    rendered
        .files
        .iter()
        .zip(digests)
        .zip(cuts)
        .map(|((file, digest), cuts)| {
            let size = file.len(&graph.contents);
            let mut entry = json!({"path": file.path, "size": size, "digest": digest.to_string()});
            if !cuts.is_empty() {
                entry["cuts"] = json!(cuts);
            }
            canonical(&entry)
        })
        .collect()
}

/// The entry of each resource, by type and name.
fn resources(
    tree: &SourceTree,
    graph: &Validated,
    rendered: &Rendered,
    description: &Description,
) -> Result<Vec<String>, ReadError> {
    let content_digests: Vec<String> = graph
        .contents
        .iter()
        .map(|c| c.digest.to_string())
        .collect();
    let budget = &description.budget;
    let ranges = ranges(tree, graph, budget)?;
    let mut held = budget.hold(0, Place::Source);
    let mut bytes = 0;
    let mut resources = Vec::new();
    for (node, outputs) in graph.nodes.iter().zip(&rendered.outputs) {
        let mut origins = Vec::new();
        for origin in &node.origins {
            let path = tree.path(origin.span.file).as_str();
            let range = &ranges[&origin.span];
            origins.push(json!({
                "path": path, "range": range, "role": origin.role.as_str(),
            }));
        }
        let outputs: Map<String, Json> = description
            .targets
            .iter()
            .map(|target: &Target| {
                let path = outputs.get(target).map_or(Json::Null, |path| json!(path));
                (target.as_str().to_owned(), path)
            })
            .collect();
        let (arm_type, name) = (node.key.arm_type(), node.key.arm_names().join("/"));
        let entry = json!({
            "type": arm_type,
            "name": name,
            "digest": node_digest(node, &content_digests),
            "origin": origins.first(),
            "origins": origins,
            "outputs": outputs,
        });
        let text = canonical(&entry);
        budget.spend(50 + text.len() as u64 / 16, Place::Source);
        bytes += text.len() + arm_type.len() + name.len() + ENTRY;
        held.grow(bytes, Place::Source);
        resources.push((arm_type, name, text));
    }
    // Compared as they are spelled in JSON: what follows a name counts.
    resources.sort_by_cached_key(|(arm_type, name, _)| {
        (json!(arm_type).to_string(), json!(name).to_string())
    });
    Ok(resources.into_iter().map(|(.., entry)| entry).collect())
}

/// The digest of what a resource is, whatever target it is printed for.
fn node_digest(node: &Node, contents: &[String]) -> String {
    let properties: Map<String, Json> = node
        .properties
        .iter()
        .map(|(key, value)| (key.clone(), to_json(value, contents)))
        .collect();
    let value = json!({
        "type": node.key.arm_type(),
        "name": node.key.arm_names().join("/"),
        "properties": properties,
    });
    Digest::of(canonical(&value).as_bytes()).to_string()
}

fn to_json(value: &Expression, contents: &[String]) -> Json {
    match value {
        Expression::Null => Json::Null,
        Expression::Bool(value) => json!(value),
        Expression::Number(digits) => json!({"number": digits}),
        Expression::String(text) => json!(text),
        Expression::Array(items) => items.iter().map(|item| to_json(item, contents)).collect(),
        Expression::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value, contents)))
                .collect(),
        ),
        Expression::Id(key) => json!({"id": key.to_string()}),
        Expression::ServiceId => json!({"id": ""}),
        Expression::Parameter(name) => json!({"parameter": name}),
        Expression::Content(index) => json!({"sha256": contents[*index]}),
    }
}

/// JSON with sorted keys and no space.
pub(super) fn canonical(value: &Json) -> String {
    fn write(value: &Json, out: &mut String) {
        match value {
            Json::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                out.push('{');
                for (i, (key, value)) in entries.into_iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    write_string(out, key);
                    out.push(':');
                    write(value, out);
                }
                out.push('}');
            }
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    write(item, out);
                }
                out.push(']');
            }
            Json::String(text) => write_string(out, text),
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Lines and columns of every origin, by its span; each file is read once,
/// several at a time.
fn ranges(
    tree: &SourceTree,
    graph: &Validated,
    budget: &Budget,
) -> Result<BTreeMap<Span, Range>, ReadError> {
    let mut files: BTreeMap<FileId, BTreeSet<Span>> = BTreeMap::new();
    for origin in graph.nodes.iter().flat_map(|node| &node.origins) {
        files
            .entry(origin.span.file)
            .or_default()
            .insert(origin.span);
    }
    let files: Vec<_> = files.into_iter().collect();
    let located: Vec<Vec<(Span, Range)>> = files
        .into_par_iter()
        .map(|(file, spans)| {
            let steps = 10 + tree.size(file) / 64 + 20 * spans.len() as u64;
            budget.spend(steps, file);
            let index = LineIndex::new(tree.read(file)?.into_owned());
            let ranges = spans
                .into_iter()
                .map(|span| (span, index.range(span.start, span.end)));
            Ok(ranges.collect())
        })
        .collect::<Result<_, ReadError>>()?;
    Ok(located.into_iter().flatten().collect())
}
