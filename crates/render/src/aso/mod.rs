//! Azure Service Operator objects of `apimanagement.azure.com/v20240501`.

mod fit;
mod flux;
mod folders;
mod object;
mod readme;
mod yaml;

use super::piece::Writer;
use super::symbol::{dns, short_hash};
use super::{File, Options, Rendered, writing};
use flux_apim_diag::{Findings, Place};
use flux_apim_link::{Linked, Node};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use folders::Folder;
use object::Printer;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::LazyLock;

const GROUP: &str = "apimanagement.azure.com";
/// etcd refuses requests above 1.5 MiB unless configured otherwise.
const MAX_OBJECT: usize = 1_500_000;
/// The operator labels an object with the name of its owner, and the value of
/// a label has at most 63 characters.
const MAX_NAME: usize = 63;
/// Names of services have at most 50.
const MAX_SERVICE: usize = 50;

/// The fields of each kind's `spec`, from the official CRDs.
#[expect(
    clippy::expect_used,
    reason = "without it every field would be left out"
)]
static FIELDS: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("v20240501.json")).expect("the fields of the CRDs")
});

/// What else they ask of the values of those fields.
#[expect(
    clippy::expect_used,
    reason = "without it an object that is refused would stop the others"
)]
static LIMITS: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("v20240501-limits.json")).expect("the limits of the CRDs")
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
    let service = owner.rsplit('/').next().unwrap_or("apim").to_owned();
    let mut printer = Printer {
        graph,
        names: names(graph, &service),
        owner,
        left: BTreeSet::new(),
        findings,
    };
    let budget = printer.findings.budget().clone();
    let mut folders: BTreeMap<Folder, BTreeMap<String, (Arc<str>, Writer)>> = BTreeMap::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        let mut writer = Writer::default();
        let made = printer.object(node, &mut writer);
        budget.spend(writing(writer.written()), Place::Source);
        let Some(folder) = folders::of(node).filter(|_| made) else {
            continue;
        };
        let name = file_of(&node.key, folder);
        let path = format!("aso/{}/{name}", folder.0).into();
        let file = folders.entry(folder).or_default().entry(name);
        let (path, file) = file.or_insert_with(|| (path, Writer::default()));
        file.append(writer.finish());
        rendered.carries(path, i);
    }
    let names: Vec<&str> = folders.keys().map(|folder| folder.0).collect();
    rendered.push(kustomization("aso", &names));
    if let Some(source) = &options.flux_source {
        flux::write(&service, source, &names, rendered);
    }
    rendered.push(File::text("aso/README.md", readme::text(&printer.owner)));
    for (folder, files) in folders {
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        rendered.push(kustomization(&format!("aso/{}", folder.0), &names));
        for (path, writer) in files.into_values() {
            rendered.push(writer.file(&*path));
        }
    }
}

/// The file that lists what lies in `folder`.
fn kustomization(folder: &str, names: &[&str]) -> File {
    let mut text = String::from(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:",
    );
    for name in names {
        text.push_str("\n  - ");
        text.push_str(name);
    }
    text.push_str(if names.is_empty() { " []\n" } else { "\n" });
    File::text(format!("{folder}/kustomization.yaml"), text)
}

/// Object names, unique for each kind and service. Where two are spelt alike, the one that
/// Azure knows by just that name keeps it, else the first; the others get a
/// hash of what they are.
fn names(graph: &Linked, service: &str) -> BTreeMap<Key, String> {
    let service = dns(service, MAX_SERVICE);
    let spelled = |key: &Key| format!("{service}-{}", words(key));
    let mut wanted: BTreeMap<(Kind, String), Vec<&Key>> = BTreeMap::new();
    for node in graph.nodes().iter().filter(|node| kind_of(node).is_some()) {
        let name = dns(&spelled(&node.key), MAX_NAME);
        wanted
            .entry((node.key.kind, name))
            .or_default()
            .push(&node.key);
    }
    let mut names = BTreeMap::new();
    for ((_, name), mut keys) in wanted {
        keys.sort();
        let keeps = keys
            .iter()
            .position(|key| spelled(key) == name)
            .unwrap_or(0);
        for (n, key) in keys.into_iter().enumerate() {
            let own = if n == keeps {
                name.clone()
            } else {
                let stem = dns(&spelled(key), MAX_NAME - 9);
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

/// In a folder of APIs and what belongs to them one file for each API, else one for all.
fn file_of(key: &Key, folder: Folder) -> String {
    match key.api() {
        Some(api) => format!("{}.yaml", dns(api.name(), 200)),
        None => {
            let (_, name) = folder.0.split_once('-').unwrap_or_default();
            format!("{name}.yaml")
        }
    }
}
