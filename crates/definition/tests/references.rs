//! Every reference to another file is bundled, or there is a finding: counted over the
//! trees of the corpus with a walk that knows nothing of the tables in the crate.
//!
//! `FLUX_APIM_CORPUS` names the corpus; without it a small tree of our own is counted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code, which reads what the environment names"
)]

use flux_apim_definition::compile;
use flux_apim_diag::tree::{ArtifactPath, FileId, Limits, SourceTree};
use flux_apim_diag::{Budget, Findings, Severity};
use flux_apim_syntax::{self as syntax, Format, Options};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the walk is.
#[derive(Clone, Copy)]
enum At {
    /// An object of OpenAPI.
    Object,
    Schema,
    /// A map whose keys the author chose, of objects or schemas.
    Names,
    SchemaNames,
    /// A map of objects whose `value` is data.
    Examples,
}

/// The references to other files below `value`.
fn external<'v>(value: &'v Value, at: At, out: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| external(item, at, out)),
        Value::Object(entries) => {
            if let Some(Value::String(text)) = entries.get("$ref")
                && !text.starts_with('#')
            {
                out.push(text);
            }
            for (key, value) in entries {
                if let Some(at) = below(at, key, value) {
                    external(value, at, out);
                }
            }
        }
        _ => {}
    }
}

fn below(at: At, key: &str, value: &Value) -> Option<At> {
    match at {
        At::SchemaNames => Some(At::Schema),
        At::Names => Some(At::Object),
        At::Examples => Some(At::Object),
        _ if key.starts_with("x-") => None,
        At::Schema => match key {
            "default" | "example" | "examples" | "enum" | "const" => None,
            "properties" | "patternProperties" | "definitions" | "$defs" | "dependentSchemas" => {
                Some(At::SchemaNames)
            }
            _ => Some(At::Schema),
        },
        At::Object => match key {
            // Of a media type or an example; a parameter of 2.0; a link.
            "example" | "value" | "default" | "enum" => None,
            "examples" if value.is_object() => Some(At::Examples),
            "schema" => Some(At::Schema),
            "schemas" | "definitions" => Some(At::SchemaNames),
            "paths" | "responses" | "headers" | "content" | "callbacks" | "links"
            | "requestBodies" | "securitySchemes" | "pathItems" | "webhooks" | "encoding" => {
                Some(At::Names)
            }
            "parameters" if value.is_object() => Some(At::Names),
            _ => Some(At::Object),
        },
    }
}

fn read(file: FileId, path: &ArtifactPath, bytes: &[u8], limits: &Limits) -> Option<Value> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let options = Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits,
    };
    let mut findings = Findings::new(&Budget::new(limits), limits);
    let format = Format::of(path.name(), &text);
    let document = syntax::parse(file, text, format, options, &mut findings)?;
    let mut out = String::new();
    syntax::write_node(&mut out, document.root());
    serde_json::from_str(&out).ok()
}

/// What a tree has.
#[derive(Debug, Default)]
struct Count {
    documents: usize,
    with_references: usize,
    references: usize,
    bundled: usize,
    refused: usize,
}

impl Count {
    fn tree(&mut self, files: &BTreeMap<ArtifactPath, Vec<u8>>) {
        let limits = Limits::default();
        let tree = SourceTree::in_memory(files.clone());
        for (file, path) in tree.files() {
            let Some(value) = read(file, path, &files[path], &limits) else {
                continue;
            };
            if value.get("openapi").or(value.get("swagger")).is_none() {
                continue;
            }
            self.documents += 1;
            let mut before = Vec::new();
            external(&value, At::Object, &mut before);
            if before.is_empty() {
                continue;
            }
            self.with_references += 1;
            self.references += before.len();
            let mut findings = Findings::new(&Budget::new(&limits), &limits);
            let compiled = compile(&tree, file, &limits, &mut findings).unwrap();
            let errors = findings.listed().iter();
            let errors = errors.filter(|finding| finding.rule.severity == Severity::Error);
            let Some(compiled) = compiled else {
                assert!(errors.count() > 0, "{path}: refused without an error");
                self.refused += before.len();
                continue;
            };
            let bundled: Value = serde_json::from_str(&compiled.text).unwrap();
            let mut after = Vec::new();
            external(&bundled, At::Object, &mut after);
            assert!(after.is_empty(), "{path}: {after:?} are left");
            self.bundled += before.len();
        }
    }
}

/// The documents below `folder`.
fn files(folder: &Path, prefix: &str, out: &mut BTreeMap<ArtifactPath, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{path}/"), out);
        } else if [".json", ".yaml", ".yml"]
            .iter()
            .any(|end| name.ends_with(end))
            && let Ok(path) = ArtifactPath::parse(&path)
        {
            out.insert(path, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// References in all places that were taken for data once.
fn own() -> BTreeMap<ArtifactPath, Vec<u8>> {
    let root = "openapi: 3.0.1
info: {title: A, version: '1'}
paths:
  /a:
    get:
      responses:
        default: {$ref: 'parts.yaml#/default'}
        '200':
          description: A
          headers: {x-a: {$ref: 'parts.yaml#/header'}}
          content:
            application/json:
              schema:
                properties:
                  default: {$ref: 'parts.yaml#/schema'}
                  x-a: {$ref: 'parts.yaml#/schema'}
                  example: {$ref: 'parts.yaml#/schema'}
                example: {$ref: 'none.yaml'}
                default: {$ref: 'none.yaml'}
components:
  responses:
    default: {$ref: 'parts.yaml#/default'}
    x-a: {$ref: 'parts.yaml#/default'}
";
    let parts = "default: {description: B, headers: {x-a: {$ref: '#/header'}}}
header: {schema: {$ref: '#/schema'}}
schema: {type: object, properties: {const: {$ref: '#/schema'}}}
";
    let files = [("root.yaml", root), ("parts.yaml", parts)];
    let files = files.map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.as_bytes().to_vec())
    });
    files.into_iter().collect()
}

#[test]
fn references_to_files_are_bundled_or_found() {
    let mut count = Count::default();
    count.tree(&own());
    println!("of our own: {count:?}");
    assert_eq!((count.references, count.bundled), (7, 7));
    let Some(corpus) = std::env::var_os("FLUX_APIM_CORPUS") else {
        println!("FLUX_APIM_CORPUS is not set: a tree of our own only");
        return;
    };
    for set in ["openapi/trees", "apiops-trees"] {
        for entry in std::fs::read_dir(Path::new(&corpus).join(set)).unwrap() {
            let folder = entry.unwrap().path();
            let mut all = BTreeMap::new();
            if folder.is_dir() {
                files(&folder, "", &mut all);
            }
            let mut count = Count::default();
            count.tree(&all);
            if count.with_references > 0 {
                println!("{}: {count:?}", folder.display());
            }
        }
    }
}
