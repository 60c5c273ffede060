//! Definitions of many files become one without losing anything.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use flux_apim::definition::{self, Compiled};
use flux_apim::tree::{FileId, Limits, SourceTree};
use serde_json::Value;
use std::collections::BTreeSet;

fn compile(tree: &SourceTree, file: FileId) -> (Option<Compiled>, Vec<String>) {
    let mut findings = Vec::new().into();
    let compiled = definition::compile(tree, file, &Limits::default(), &mut findings).unwrap();
    let messages = findings
        .listed()
        .iter()
        .map(|f| format!("{} {}", f.rule.code, f.message))
        .collect();
    (compiled, messages)
}

/// Every `$ref` outside of examples.
fn references<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(
                    key.as_str(),
                    "example" | "examples" | "default" | "enum" | "const"
                ) || key.starts_with("x-")
                {
                    continue;
                }
                match value {
                    Value::String(text) if key == "$ref" => out.push(text),
                    value => references(value, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

fn operations(compiled: &Compiled) -> BTreeSet<(String, String, String)> {
    compiled
        .operations
        .iter()
        .map(|o| (o.method.clone(), o.path.clone(), o.name.clone()))
        .collect()
}

/// The bundled document stands alone and has the operations of the source.
fn check(name: &str, compiled: &Compiled) {
    let value: Value = serde_json::from_str(&compiled.text).unwrap();
    let mut found = Vec::new();
    references(&value, &mut found);
    for reference in found {
        // A schema of the document itself, by the id that it gives itself.
        if compiled.text.contains(&format!("\"$id\":\"{reference}\"")) {
            continue;
        }
        let Some(pointer) = reference.strip_prefix('#') else {
            panic!("{name}: `{reference}` is still external");
        };
        assert!(
            !pointer.starts_with('/') || value.pointer(&percent_decoded(pointer)).is_some(),
            "{name}: `{reference}` points at nothing"
        );
    }
    let alone = common::tree_of(&[("bundled.json", compiled.text.as_str())]);
    let (again, messages) = compile(&alone, FileId(0));
    let again = again.unwrap_or_else(|| panic!("{name}: {messages:#?}"));
    assert_eq!(operations(compiled), operations(&again), "{name}");
    assert_eq!(
        compiled.text, again.text,
        "{name}: bundling twice changes nothing"
    );
}

fn percent_decoded(text: &str) -> String {
    let mut out = text.to_owned();
    for (code, c) in [("%7B", "{"), ("%7D", "}"), ("%20", " "), ("%25", "%")] {
        out = out.replace(code, c);
    }
    out
}

#[test]
fn references_across_files() {
    let tree = common::tree_of(&[
        (
            "api/openapi.yaml",
            "openapi: 3.0.3\ninfo: {title: T, version: 1.0}\npaths:\n  /pets:\n    $ref: paths/pets.yaml\n  /own:\n    get:\n      responses:\n        '200': {$ref: '#/components/responses/Ok'}\ncomponents:\n  responses:\n    Ok: {$ref: 'shared.yaml#/responses/Ok'}\n  schemas:\n    Pet: {$ref: schemas/pet.yaml}\n",
        ),
        (
            "api/paths/pets.yaml",
            "get:\n  operationId: List_Pets\n  parameters:\n    - {$ref: '../shared.yaml#/parameters/limit'}\n  responses:\n    '200':\n      description: ok\n      content:\n        application/json:\n          schema: {type: array, items: {$ref: ../schemas/pet.yaml}}\n",
        ),
        (
            "api/schemas/pet.yaml",
            "type: object\nproperties:\n  parent: {$ref: pet.yaml}\n  owner: {$ref: '../shared.yaml#/schemas/Owner'}\n",
        ),
        (
            "api/shared.yaml",
            "parameters:\n  limit: {name: limit, in: query, schema: {type: integer}}\nresponses:\n  Ok: {description: fine}\nschemas:\n  Owner:\n    type: object\n    properties:\n      pets: {type: array, items: {$ref: 'openapi.yaml#/components/schemas/Pet'}}\n",
        ),
    ]);
    let file = tree.find("api/openapi.yaml").unwrap();
    let (compiled, messages) = compile(&tree, file);
    let compiled = compiled.unwrap_or_else(|| panic!("{messages:#?}"));
    check("sample", &compiled);
    let value: Value = serde_json::from_str(&compiled.text).unwrap();
    let pet = &value["components"]["schemas"]["Pet"]["properties"];
    assert_eq!(value["info"]["version"], "1.0");
    assert_eq!(pet["parent"]["$ref"], "#/components/schemas/Pet");
    assert_eq!(pet["owner"]["$ref"], "#/components/schemas/Owner");
    assert_eq!(
        value["paths"]["/pets"]["get"]["parameters"][0]["name"],
        "limit"
    );
    assert_eq!(compiled.operations[0].name, "List_Pets");
    assert_eq!(compiled.used.len(), 3);
}

/// Every document of the multi-file trees: bundled, or refused with a finding.
#[test]
fn corpus_trees() {
    let Some(corpus) = common::corpus("openapi") else {
        println!("running on a definition of our own below testdata instead");
        let folder = "testdata/projects/contoso/apimartifacts/apis/invoices";
        let tree = common::tree(&common::repository(folder));
        let (compiled, messages) = compile(&tree, tree.find("specification.yaml").unwrap());
        let compiled = compiled.unwrap_or_else(|| panic!("{messages:#?}"));
        check(folder, &compiled);
        assert_eq!((compiled.operations.len(), compiled.used.len()), (2, 3));
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let tree = common::tree(&corpus.join("trees"));
    let (mut bundled, mut refused, mut external) = (0, 0, 0);
    let mut reasons: std::collections::BTreeMap<String, usize> = Default::default();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let Some(path) = columns[0].strip_prefix("openapi/trees/") else {
            continue;
        };
        let Some(file) = tree.find(path) else {
            continue;
        };
        let (compiled, messages) = compile(&tree, file);
        match compiled {
            Some(compiled) if compiled.kind.is_openapi() => {
                bundled += 1;
                external += usize::from(!compiled.used.is_empty());
                check(path, &compiled);
                if path.contains("DigitalOcean") {
                    println!(
                        "DigitalOcean: {} operations of {} files, {} bytes",
                        compiled.operations.len(),
                        compiled.used.len(),
                        compiled.text.len()
                    );
                    assert!(compiled.operations.len() > 300);
                    assert!(compiled.used.len() > 1000);
                }
            }
            Some(_) => {}
            None => {
                refused += 1;
                assert!(!messages.is_empty(), "{path}: refused without a finding");
                *reasons.entry(messages[0][..8].to_owned()).or_default() += 1;
            }
        }
    }
    println!("{bundled} bundled ({external} of several files), {refused} refused: {reasons:?}");
    assert!(bundled > 500, "{bundled}");
}

/// The operations of single-file definitions, counted by the corpus.
#[test]
fn corpus_single() {
    let Some(corpus) = common::corpus("openapi") else {
        println!("running on definitions of our own below testdata instead");
        for (path, operations) in common::OWN_DEFINITIONS {
            let path = common::repository(&format!("testdata/{path}"));
            let tree = common::tree(path.parent().unwrap());
            let file = tree
                .find(path.file_name().unwrap().to_str().unwrap())
                .unwrap();
            let (compiled, messages) = compile(&tree, file);
            let compiled = compiled.unwrap_or_else(|| panic!("{messages:#?}"));
            assert_eq!(compiled.operations.len(), operations, "{}", path.display());
        }
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        if !columns[0].starts_with("openapi/single/") {
            continue;
        }
        let Some(text) = common::stored(&corpus.parent().unwrap().join(columns[0])) else {
            continue;
        };
        count += 1;
        let name = columns[0]
            .rsplit('/')
            .next()
            .unwrap()
            .trim_end_matches(".gz");
        let path = flux_apim::tree::ArtifactPath::parse(name).unwrap();
        let tree = SourceTree::in_memory([(path, text)].into());
        let (compiled, messages) = compile(&tree, FileId(0));
        let operations = compiled.map(|c| c.operations.len());
        // The corpus does not count operations behind a reference to a path.
        if columns[0].ends_with("surevoip.co.uk.json") {
            continue;
        }
        if operations != columns[7].parse().ok() {
            wrong.push(format!(
                "{}: {operations:?} instead of {} {messages:?}",
                columns[0], columns[7]
            ));
        }
    }
    assert_eq!(count, 401);
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
