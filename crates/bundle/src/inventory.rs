//! `bundle.json` (contract section 4).

use super::Description;
use flux_apim_diag::tree::{Digest, FileId, ReadError, SourceTree};
use flux_apim_diag::{Budget, Class, LineIndex, Place, Position, Range, Report, Severity, Span};
use flux_apim_link::{Content, Expression, Linked, Node};
use flux_apim_model::Origin;
use flux_apim_model::kinds::Kind;
use flux_apim_render::{File, Rendered, Target, Writer};
use flux_apim_syntax::write_string;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

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

/// Bytes that the place of a resource in the list takes beside its name.
const PLACE: usize = 40;
/// Steps of an entry, beside its bytes.
const STEPS: u64 = 50;

/// `bundle.json`: JSON with sorted keys. Entries are written one by one: as values,
/// those of a large project would be the largest thing in memory.
pub(super) fn inventory(
    tree: &SourceTree,
    graph: &Linked,
    rendered: &Rendered,
    digests: &[Digest],
    report: &Report,
    description: &Description,
) -> Result<File, ReadError> {
    let source = &description.source;
    let summary = report.summary();
    let targets: Vec<&str> = description.targets.iter().map(|t| t.as_str()).collect();
    let mut head = json!({
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
        "files": null,
        "resources": null,
    });
    if !description.policies.is_empty() {
        let policies = description.policies.iter().map(ToString::to_string);
        head["policies"] = policies.collect();
    }
    if !report.prerequisites.is_empty() {
        head["prerequisites"] = json!(report.prerequisites);
    }
    let exceptions = exceptions(report);
    if !exceptions.is_empty() {
        head["exceptions"] = exceptions.into();
    }
    let head = head.as_object().into_iter().flatten();
    let entries: BTreeMap<&String, &Json> = head.collect();
    let mut writer = Writer::default();
    writer.push("{");
    for (n, (key, value)) in entries.into_iter().enumerate() {
        writer.push(if n > 0 { "," } else { "" });
        write_string(writer.own(), key);
        writer.push(":");
        match key.as_str() {
            "files" => files(graph, rendered, digests, &mut writer),
            "resources" => resources(tree, graph, rendered, description, &mut writer)?,
            _ => writer.push(&canonical(value)),
        }
    }
    writer.push("}\n");
    Ok(writer.file(INVENTORY))
}

/// Refusals that count for less than Azure makes of them, and who said why.
fn exceptions(report: &Report) -> Vec<Json> {
    let refusals = report.diagnostics.iter();
    let refusals = refusals.filter(|finding| finding.rule.class == Class::Refusal);
    let lowered = refusals.filter_map(|finding| {
        let lowered = finding.lowered.as_ref()?;
        Some((
            finding.path.as_str(),
            finding.rule.code,
            lowered.to.map_or("off", Severity::as_str),
            lowered.reason.as_deref(),
            lowered.until.as_deref(),
        ))
    });
    let each: BTreeSet<_> = lowered.collect();
    let entries = each.into_iter().map(|(path, code, level, reason, until)| {
        let code = code.to_string();
        json!({"code": code, "path": path, "level": level, "reason": reason, "until": until})
    });
    entries.collect()
}

/// The entry of each file.
fn files(graph: &Linked, rendered: &Rendered, digests: &[Digest], writer: &mut Writer) {
    let cuts = super::archive::cuts(&rendered.files, graph.contents());
    let files = rendered.files.iter().zip(digests).zip(cuts);
    writer.push("[");
    for (n, ((file, digest), cuts)) in files.enumerate() {
        let size = file.len(graph.contents());
        let mut entry = json!({"path": file.path, "size": size, "digest": digest.to_string()});
        if !cuts.is_empty() {
            entry["cuts"] = json!(cuts);
        }
        writer.push(if n > 0 { "," } else { "" });
        writer.push(&canonical(&entry));
    }
    writer.push("]");
}

/// The entry of each resource, by type and name.
fn resources(
    tree: &SourceTree,
    graph: &Linked,
    rendered: &Rendered,
    description: &Description,
    writer: &mut Writer,
) -> Result<(), ReadError> {
    let budget = &description.budget;
    let ranges = ranges(tree, graph, budget)?;
    let mut types: BTreeMap<(Kind, bool), String> = BTreeMap::new();
    for node in graph.nodes() {
        let (kind, in_workspace) = (node.key.kind, node.key.workspace.is_some());
        let spelled = types.entry((kind, in_workspace));
        spelled.or_insert_with(|| quoted(&node.key.arm_type()));
    }
    // Compared as they are spelled in JSON: what follows a name counts.
    let mut order: Vec<(&str, String, usize)> = Vec::with_capacity(graph.nodes().len());
    let mut held = budget.hold(0, Place::Source);
    let mut bytes = 0;
    for (i, node) in graph.nodes().iter().enumerate() {
        let spelled = types.get(&(node.key.kind, node.key.workspace.is_some()));
        let name = quoted(&node.key.arm_names().join("/"));
        bytes += PLACE + name.len();
        held.grow(bytes, Place::Source);
        order.push((spelled.map_or("", String::as_str), name, i));
    }
    order.sort_unstable();
    let mut targets: Vec<Target> = description.targets.clone();
    targets.sort_by_key(|target| target.as_str());
    writer.push("[");
    for (n, (arm_type, name, i)) in order.into_iter().enumerate() {
        let node = &graph.nodes()[i];
        let before = writer.written();
        writer.push(if n > 0 { "," } else { "" });
        let out = writer.own();
        out.push_str("{\"digest\":\"");
        out.push_str(&node_digest(node, arm_type, &name, graph.contents()).to_string());
        out.push_str("\",\"name\":");
        out.push_str(&name);
        out.push_str(",\"origin\":");
        match node.origins.first() {
            Some(first) => origin(tree, first, &ranges, out),
            None => out.push_str("null"),
        }
        out.push_str(",\"origins\":[");
        for (n, other) in node.origins.iter().enumerate() {
            out.push_str(if n > 0 { "," } else { "" });
            origin(tree, other, &ranges, out);
        }
        out.push_str("],\"outputs\":{");
        for (n, target) in targets.iter().enumerate() {
            out.push_str(if n > 0 { "," } else { "" });
            write_string(out, target.as_str());
            out.push(':');
            match rendered.output(i, *target) {
                Some(path) => write_string(out, path),
                None => out.push_str("null"),
            }
        }
        out.push_str("},\"type\":");
        out.push_str(arm_type);
        writer.push("}");
        let written = (writer.written() - before) as u64;
        budget.spend(STEPS + written / 16, Place::Source);
    }
    writer.push("]");
    Ok(())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

fn origin(tree: &SourceTree, origin: &Origin, ranges: &BTreeMap<Span, Range>, out: &mut String) {
    out.push_str("{\"path\":");
    write_string(out, tree.path(origin.span.file).as_str());
    let Range { start, end } = ranges[&origin.span];
    out.push_str(",\"range\":{\"end\":");
    write_position(end, out);
    out.push_str(",\"start\":");
    write_position(start, out);
    out.push_str("},\"role\":");
    write_string(out, origin.role.as_str());
    out.push('}');
}

fn write_position(position: Position, out: &mut String) {
    let Position {
        line,
        column,
        offset,
    } = position;
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "{{\"column\":{column},\"line\":{line},\"offset\":{offset}}}"
    );
}

/// The digest of what a resource is, whatever target it is printed for; type and
/// name as JSON.
fn node_digest(node: &Node, arm_type: &str, name: &str, contents: &[Content]) -> Digest {
    let mut text = String::from("{\"name\":");
    text.push_str(name);
    text.push_str(",\"properties\":");
    write_object(&node.properties, contents, &mut text);
    text.push_str(",\"type\":");
    text.push_str(arm_type);
    text.push('}');
    Digest::of(text.as_bytes())
}

/// Keys sorted; of one that is there twice, the last counts.
fn write_object(entries: &[(String, Expression)], contents: &[Content], out: &mut String) {
    let entries: BTreeMap<&String, &Expression> =
        entries.iter().map(|(key, value)| (key, value)).collect();
    out.push('{');
    for (n, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write_string(out, key);
        out.push(':');
        write_value(value, contents, out);
    }
    out.push('}');
}

fn write_value(value: &Expression, contents: &[Content], out: &mut String) {
    // What is no JSON of its own is an object with one key.
    let mut tagged = |key: &str, text: &str| {
        out.push('{');
        write_string(out, key);
        out.push(':');
        write_string(out, text);
        out.push('}');
    };
    match value {
        Expression::Number(digits) => tagged("number", digits),
        Expression::Id(key) => tagged("id", &key.to_string()),
        Expression::ServiceId => tagged("id", ""),
        Expression::Parameter(name) => tagged("parameter", name),
        Expression::Content(index) => tagged("sha256", &contents[*index].digest.to_string()),
        Expression::Null => out.push_str("null"),
        Expression::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Expression::String(text) => write_string(out, text),
        Expression::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                write_value(item, contents, out);
            }
            out.push(']');
        }
        Expression::Object(entries) => write_object(entries, contents, out),
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
    graph: &Linked,
    budget: &Budget,
) -> Result<BTreeMap<Span, Range>, ReadError> {
    let mut files: BTreeMap<FileId, BTreeSet<Span>> = BTreeMap::new();
    for origin in graph.nodes().iter().flat_map(|node| &node.origins) {
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
