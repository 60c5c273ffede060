//! `resources.json`: what is deployed, in order, for programs that deploy it themselves.
//! Every bundle has it; as a target it is all that there is.

mod properties;

use super::piece::{Piece, Text, Writer};
use super::{File, Options, Printer, Rendered, optional, writing};
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_link::{Linked, Node, locks};
use flux_apim_syntax::write_string;
use properties::Special;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `apiVersion` of the file.
const API_VERSION: &str = "flux-apim.dev/resources/v1";
const PATH: &str = "resources.json";

/// The row of this target: what it adds is that others need not be asked for.
pub(super) static PRINTER: Printer = Printer {
    name: "resources",
    is_default: false,
    print: |graph, _, rendered, _: &mut Findings| {
        let path: Arc<str> = PATH.into();
        for node in 0..graph.nodes().len() {
            rendered.carries(&path, node);
        }
    },
};

/// Writes `resources.json`, when the other targets are written: texts that Bicep has in
/// files are named where they are, the others are in `content/`.
pub(super) fn write(graph: &Linked, options: &Options, rendered: &mut Rendered, budget: &Budget) {
    if options.check {
        return;
    }
    let texts = texts(graph, rendered);
    let mut writer = Writer::default();
    let out = writer.own();
    out.push_str("{\"apiVersion\":");
    write_string(out, API_VERSION);
    out.push_str(",\"armApiVersion\":");
    write_string(out, graph.api_version());
    if !graph.protect().is_empty() {
        let out = writer.own();
        out.push_str(",\"protect\":[");
        list(out, graph.protect().iter().cloned());
        out.push(']');
    }
    writer.push(",\"resources\":[");
    for (n, node) in graph.nodes().iter().enumerate() {
        let before = writer.written();
        writer.push(if n > 0 { "," } else { "" });
        resource(graph, node, &texts, writer.own());
        budget.spend(writing(writer.written() - before), Place::Source);
    }
    writer.push("],\"secrets\":{");
    secrets(graph, writer.own());
    writer.push("},\"service\":");
    match options.service.as_deref().or(graph.service()) {
        Some(service) => write_string(writer.own(), service),
        None => writer.push("null"),
    }
    writer.push("}\n");
    rendered.push(writer.file(PATH));
}

/// The path of each content in the bundle.
fn texts(graph: &Linked, rendered: &mut Rendered) -> Vec<String> {
    let files = rendered.files.iter().map(|file| file.path.as_str());
    let there: BTreeSet<&str> = files.filter(|path| path.starts_with("bicep/")).collect();
    let contents = graph.contents().iter();
    let texts: Vec<(String, bool)> = contents
        .map(|content| {
            let shared = format!("bicep/content/{}", content.path);
            match there.contains(shared.as_str()) {
                true => (shared, true),
                false => (format!("content/{}", content.path), false),
            }
        })
        .collect();
    for (index, (path, _)) in texts.iter().enumerate().filter(|(_, (_, there))| !there) {
        rendered.push(File {
            path: path.clone(),
            pieces: vec![Piece::Content {
                index,
                range: 0..graph.contents()[index].len(),
                text: Text::Raw,
            }],
        });
    }
    texts.into_iter().map(|(path, _)| path).collect()
}

/// The entry of a resource. Keys are sorted, here as everywhere below.
fn resource(graph: &Linked, node: &Node, texts: &[String], out: &mut String) {
    let mut properties = String::new();
    let mut special = Special::default();
    match !node.properties.is_empty() || node.key.kind.row().has_properties {
        true => properties::write(graph, &node.properties, &mut special, &mut properties),
        false => properties.push_str("null"),
    }
    out.push_str("{\"dependsOn\":[");
    let needed = node.depends_on.iter();
    list(out, needed.map(|&d| graph.nodes()[d].key.to_string()));
    out.push_str("],\"id\":");
    write_string(out, &node.key.to_string());
    out.push_str(",\"locks\":[");
    list(out, locks(&node.key).iter().map(ToString::to_string));
    out.push_str("],\"name\":");
    write_string(out, &node.key.arm_names().join("/"));
    if graph.is_off_gateway(&node.key) {
        out.push_str(",\"offBuiltInGateway\":true");
    }
    if let Some(parameter) = &node.only_with {
        out.push_str(",\"onlyWith\":");
        write_string(out, parameter);
    }
    out.push_str(",\"properties\":");
    out.push_str(&properties);
    let pairs = |out: &mut String, name: &str, key: &str, pairs: &[(String, String)]| {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":[");
        for (n, (at, what)) in pairs.iter().enumerate() {
            out.push_str(if n > 0 { ",{\"at\":" } else { "{\"at\":" });
            write_string(out, at);
            out.push_str(",\"");
            out.push_str(key);
            out.push_str("\":");
            write_string(out, what);
            out.push('}');
        }
        out.push(']');
    };
    pairs(out, "references", "to", &special.references);
    pairs(out, "secrets", "parameter", &special.secrets);
    let paths = special.texts.into_iter();
    let paths = paths.map(|(at, index)| (at, texts[index].clone()));
    pairs(out, "texts", "path", &paths.collect::<Vec<_>>());
    out.push_str(",\"type\":");
    write_string(out, &node.key.arm_type());
    out.push('}');
}

fn list(out: &mut String, texts: impl Iterator<Item = String>) {
    for (n, text) in texts.enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write_string(out, &text);
    }
}

/// The secure parameters: what each is for, and whether it may be left out.
fn secrets(graph: &Linked, out: &mut String) {
    let optional = optional::optional(graph);
    let secure = graph.parameters().iter();
    for (n, (name, parameter)) in secure.filter(|(_, p)| p.is_secure()).enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write_string(out, name);
        out.push_str(":{\"description\":");
        write_string(out, &parameter.description);
        out.push_str(match optional.contains(name.as_str()) {
            true => ",\"optional\":true}",
            false => ",\"optional\":false}",
        });
    }
}
