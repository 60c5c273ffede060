//! The templates that this repository renders: taken whole, in an order that is complete.
//!
//! Runs the program that `FLUX_APIM_BIN` names, or the one of the same target folder; the
//! library knows nothing of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "test code that runs a program"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use arm_template::{Context, Expanded, expand};
use serde_json::{Map, Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("FLUX_APIM_BIN").map(PathBuf::from);
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../debug/flux-apim");
    named.or(Some(built)).filter(|path| path.is_file())
}

/// Source, environment, service.
fn projects() -> Vec<(PathBuf, Option<String>)> {
    let mut found = Vec::new();
    let contoso = root().join("testdata/projects/contoso");
    found.extend(
        [None, Some("dev"), Some("prod")].map(|env| (contoso.clone(), env.map(str::to_owned))),
    );
    let corpus = std::env::var_os("FLUX_APIM_CORPUS")
        .map_or_else(|| root().join("target/corpus"), PathBuf::from)
        .join("apiops-trees");
    let mut trees: Vec<PathBuf> = std::fs::read_dir(corpus)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    trees.sort();
    for tree in trees {
        found.push((tree.clone(), None));
        let mut environments: Vec<String> = std::fs::read_dir(&tree)
            .unwrap()
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let name = name.strip_prefix("configuration.")?.strip_suffix(".yaml")?;
                (name != "extractor").then(|| name.to_owned())
            })
            .collect();
        environments.sort();
        found.extend(
            environments
                .into_iter()
                .map(|env| (tree.clone(), Some(env))),
        );
    }
    found
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The bundle's template, and its parts if it was split.
fn templates(bundle: &Path) -> Vec<PathBuf> {
    let mut all = vec![bundle.join("arm/main.json")];
    let mut parts: Vec<PathBuf> = std::fs::read_dir(bundle.join("arm/parts"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().contains("parameters"))
        .collect();
    parts.sort();
    all.extend(parts);
    all
}

/// All strings of a value.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(object) => object.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// Ids of resources that must be there before a resource: its parents, and those whose id
/// stands in its properties. What the template does not have must be there anyway.
fn needed(expanded: &Expanded) -> BTreeMap<&str, BTreeSet<&str>> {
    let by_id: HashMap<String, &str> = expanded
        .resources
        .iter()
        .map(|resource| (resource.id.to_lowercase(), resource.id.as_str()))
        .collect();
    expanded
        .resources
        .iter()
        .map(|resource| {
            let mut before = BTreeSet::new();
            let mut id = resource.id.to_lowercase();
            while let Some((parent, _)) = id
                .rsplit_once('/')
                .and_then(|(rest, _)| rest.rsplit_once('/'))
            {
                before.extend(by_id.get(parent));
                id = parent.to_owned();
            }
            let mut strings = Vec::new();
            texts(&resource.body, &mut strings);
            for text in strings.iter().filter(|text| text.len() < 1000) {
                before.extend(by_id.get(&text.to_lowercase()));
            }
            before.remove(resource.id.as_str());
            (resource.id.as_str(), before)
        })
        .collect()
}

/// What comes before a resource, at any distance.
fn before(expanded: &Expanded) -> HashMap<&str, HashSet<&str>> {
    let direct: HashMap<&str, &[String]> = expanded
        .resources
        .iter()
        .map(|resource| (resource.id.as_str(), resource.depends_on.as_slice()))
        .collect();
    direct
        .keys()
        .map(|id| {
            let mut seen = HashSet::new();
            let mut queue = vec![*id];
            while let Some(next) = queue.pop() {
                for id in direct[next] {
                    if seen.insert(id.as_str()) {
                        queue.push(id);
                    }
                }
            }
            (*id, seen)
        })
        .collect()
}

fn context() -> Context<'static> {
    Context::new(
        "11111111-2222-3333-4444-555555555555",
        "group",
        "deployment",
    )
}

fn expanded_again(template: &Value, parameters: &Map<String, Value>) -> Expanded {
    expand(template, &json!(parameters), &context()).unwrap()
}

/// Resources that do not wait for what they need.
fn unordered(expanded: &Expanded) -> BTreeSet<(String, String)> {
    let before = before(expanded);
    needed(expanded)
        .into_iter()
        .flat_map(|(id, needed)| needed.into_iter().map(move |needed| (id, needed)))
        .filter(|(id, needed)| !before[id].contains(needed))
        .map(|(id, needed)| (id.to_owned(), needed.to_owned()))
        .collect()
}

/// Leaves out one dependency at a time: how many are left out, and how many of them this
/// test finds. What it does not find are those that only keep writers of one API apart.
fn dropped_one_by_one(mut expanded: Expanded) -> (usize, usize) {
    let (mut dropped, mut found) = (0, 0);
    for at in 0..expanded.resources.len() {
        for index in 0..expanded.resources[at].depends_on.len() {
            let id = expanded.resources[at].depends_on.remove(index);
            dropped += 1;
            found += usize::from(!unordered(&expanded).is_empty());
            expanded.resources[at].depends_on.insert(index, id);
        }
    }
    (dropped, found)
}

#[test]
fn rendered_bundles_are_taken_and_their_order_is_complete() {
    let Some(program) = program() else {
        println!("skipped: no program (FLUX_APIM_BIN)");
        return;
    };
    let (mut bundles, mut resources, mut references, mut refused) = (0, 0, 0, Vec::new());
    let mut wrong = Vec::new();
    let mut planted = (0, 0);
    for (source, environment) in projects() {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("arm-bundle");
        let _ = std::fs::remove_dir_all(&out);
        let mut command = Command::new(&program);
        command.arg("render").arg(&source).arg("-o").arg(&out);
        command.args(["--service", "contoso", "--target", "arm", "--quiet"]);
        let name = format!(
            "{} {}",
            source.file_name().unwrap().display(),
            environment.as_deref().unwrap_or("base")
        );
        if let Some(environment) = &environment {
            command.args(["--env", environment]);
        }
        let run = command.output().unwrap();
        if !run.status.success() {
            refused.push(name);
            continue;
        }
        bundles += 1;
        let given = read(&out.join("arm/parameters.json"));
        let mut seen = BTreeSet::new();
        for path in templates(&out) {
            let template = read(&path);
            let declared = template["parameters"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let parameters: Map<String, Value> = given["parameters"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| declared.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let expanded = match expand(&template, &json!(parameters), &context()) {
                Ok(expanded) => expanded,
                Err(error) => {
                    wrong.push(format!("{name}: {error}"));
                    continue;
                }
            };
            references += needed(&expanded).values().map(BTreeSet::len).sum::<usize>();
            wrong.extend(
                unordered(&expanded)
                    .into_iter()
                    .map(|(id, missing)| format!("{name}: {id} does not wait for {missing}")),
            );
            if bundles == 1 {
                planted = dropped_one_by_one(expanded_again(&template, &parameters));
            }
            for resource in &expanded.resources {
                assert!(!resource.is_deferred(), "{}", resource.id);
                seen.insert(format!(
                    "{} {}",
                    resource.kind,
                    resource.name.split_once('/').unwrap().1
                ));
            }
            resources += expanded.resources.len();
        }
        // Each resource that the inventory lists for ARM is one of the template's, but for
        // those that a secret without value leaves out; and no other.
        let listed: BTreeSet<String> = read(&out.join("bundle.json"))["resources"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|resource| !resource["outputs"]["arm"].is_null())
            .map(|resource| {
                format!(
                    "{} {}",
                    resource["type"].as_str().unwrap(),
                    resource["name"].as_str().unwrap()
                )
            })
            .collect();
        let more: Vec<&String> = seen.difference(&listed).collect();
        if !more.is_empty() {
            wrong.push(format!("{name}: not in the inventory: {more:?}"));
        }
        let conditions = templates(&out)
            .iter()
            .flat_map(|path| read(path)["resources"].as_array().unwrap().clone())
            .filter(|resource| !resource["condition"].is_null())
            .count();
        let less: Vec<&String> = listed.difference(&seen).collect();
        if less.len() > conditions {
            wrong.push(format!("{name}: not in the template: {less:?}"));
        }
    }
    println!(
        "{bundles} bundles, {resources} resources, {references} references in order; not rendered: {refused:?}"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "of {} dependencies left out {} are missed",
        planted.0, planted.1
    );
    assert!(bundles >= 3);
    assert!(planted.1 > 0);
}
