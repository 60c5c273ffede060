//! Azure Service Operator objects of `apimanagement.azure.com/v20240501`.

mod object;
mod yaml;

use super::piece::Writer;
use super::symbol::{dns, short_hash};
use super::{File, Options, Rendered, writing};
use flux_apim_diag::{Findings, Place};
use flux_apim_link::{Linked, Node};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use object::Printer;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::LazyLock;

const GROUP: &str = "apimanagement.azure.com";
/// etcd refuses requests above 1.5 MiB unless configured otherwise.
const MAX_OBJECT: usize = 1_500_000;
/// The operator labels an object with the name of its owner, and the value of
/// a label has at most 63 characters.
const MAX_NAME: usize = 63;

/// The fields of each kind's `spec`, from the official CRDs.
#[expect(
    clippy::expect_used,
    reason = "without it every field would be left out"
)]
static FIELDS: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("v20240501.json")).expect("the fields of the CRDs")
});

/// The row of this target.
pub(super) static PRINTER: super::Printer = super::Printer {
    name: "aso",
    is_default: true,
    print: render,
};

fn render(graph: &Linked, options: &Options, rendered: &mut Rendered, findings: &mut Findings) {
    let owner = options
        .aso_owner
        .clone()
        .or_else(|| options.service.clone())
        .or_else(|| graph.service().map(str::to_owned))
        .unwrap_or_else(|| "apim".to_owned());
    let mut printer = Printer {
        graph,
        names: names(graph),
        owner,
        findings,
    };
    let budget = printer.findings.budget().clone();
    let mut files: BTreeMap<String, (Arc<str>, Writer)> = BTreeMap::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        let (path, writer) = match files.entry(file_of(&node.key)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let path = format!("aso/{}", entry.key()).into();
                entry.insert((path, Writer::default()))
            }
        };
        let before = writer.written();
        let made = printer.object(node, writer);
        budget.spend(writing(writer.written() - before), Place::Source);
        if made {
            rendered.carries(path, i);
        }
    }
    let mut kustomization = String::from(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:",
    );
    let mut empty = true;
    for (path, (full, writer)) in files {
        if writer.size() == 0 {
            continue;
        }
        empty = false;
        kustomization.push_str("\n  - ");
        kustomization.push_str(&path);
        rendered.push(writer.file(&*full));
    }
    kustomization.push_str(if empty { " []\n" } else { "\n" });
    rendered.push(File::text("aso/kustomization.yaml", kustomization));
}

/// Object names, unique for each kind. Where two are spelt alike, the one that
/// Azure knows by just that name keeps it, else the first; the others get a
/// hash of what they are.
fn names(graph: &Linked) -> BTreeMap<Key, String> {
    let mut wanted: BTreeMap<(Kind, String), Vec<&Key>> = BTreeMap::new();
    for node in graph.nodes().iter().filter(|node| kind_of(node).is_some()) {
        let name = dns(&words(&node.key), MAX_NAME);
        wanted
            .entry((node.key.kind, name))
            .or_default()
            .push(&node.key);
    }
    let mut names = BTreeMap::new();
    for ((_, name), mut keys) in wanted {
        keys.sort();
        let keeps = keys.iter().position(|key| words(key) == name).unwrap_or(0);
        for (n, key) in keys.into_iter().enumerate() {
            let own = if n == keeps {
                name.clone()
            } else {
                let stem = dns(&words(key), MAX_NAME - 9);
                format!("{stem}-{}", short_hash(&key.to_string()))
            };
            names.insert(key.clone(), own);
        }
    }
    names
}

fn words(key: &Key) -> String {
    match key.kind {
        Kind::ServicePolicy => "policy".to_owned(),
        _ => key.names.join("-"),
    }
}

fn kind_of(node: &Node) -> Option<&'static str> {
    node.key
        .kind
        .row()
        .aso
        .filter(|_| node.key.workspace.is_none())
}

/// One file for each API, one for each other collection.
fn file_of(key: &Key) -> String {
    if let Some(api) = key.api() {
        return format!("api-{}.yaml", dns(api.name(), 200));
    }
    let collection = key.kind.row().arm.split('/').next().unwrap_or("");
    let mut name = String::new();
    for c in collection.chars() {
        if c.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    format!("{name}.yaml")
}
