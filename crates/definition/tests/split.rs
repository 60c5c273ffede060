//! A random document, split at random places into files, bundles back to the same
//! document.
#![allow(clippy::unwrap_used, reason = "test code")]

use flux_apim_definition::compile;
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Budget, Findings};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names that are keywords elsewhere, and such that a pointer or a URI escapes.
const NAMES: [&str; 10] = [
    "a", "default", "x-a", "example", "examples", "enum", "const", "items", "a/b~c", "ä {%",
];
const ROOT: &str = "api/root.json";

/// What is random, in order; nothing but the first choice once all is used.
struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % n
    }

    fn name(&mut self) -> String {
        NAMES[self.below(NAMES.len())].to_owned()
    }

    fn names(&mut self, mut value: impl FnMut(&mut Self) -> Value) -> Value {
        let mut map = Map::new();
        for _ in 0..self.below(4) {
            let name = self.name();
            map.insert(name, value(self));
        }
        Value::Object(map)
    }
}

/// What may lie in another file.
#[allow(
    clippy::needless_pass_by_value,
    reason = "called with what is made there"
)]
fn part(value: Value) -> Value {
    json!({ "@part": value })
}

/// A reference to a place of the root.
fn place(pointer: &str) -> Value {
    json!({ "@ref": pointer })
}

/// Data that looks like a reference.
fn data() -> Value {
    json!({"$ref": "none.json#/x", "schema": {"$ref": "#/none"}})
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Version {
    Two,
    Three,
    Later,
}

/// Makes documents whose parts are marked.
struct Maker {
    choices: Choices,
    version: Version,
}

impl Maker {
    fn schemas(&self) -> &'static str {
        match self.version {
            Version::Two => "/definitions",
            _ => "/components/schemas",
        }
    }

    fn component(&self, folder: &str) -> String {
        match self.version {
            Version::Two => format!("/{folder}/default"),
            _ => format!("/components/{folder}/default"),
        }
    }

    fn schema(&mut self, depth: usize) -> Value {
        let kinds = if depth > 3 { 3 } else { 9 };
        let value = match self.choices.below(kinds) {
            0 => json!({"type": "string"}),
            1 => json!({"enum": [data()], "default": data(), "x-a": data()}),
            2 => {
                let name = ["default", "x-a"][self.choices.below(2)];
                place(&format!("{}/{name}", self.schemas()))
            }
            3 => json!({"type": "array", "items": self.schema(depth + 1)}),
            4 => json!({"allOf": [self.schema(depth + 1), self.schema(depth + 1)]}),
            5 => json!({"additionalProperties": self.schema(depth + 1), "example": data()}),
            6 if self.version != Version::Two => json!({
                "discriminator": {"propertyName": "a", "mapping": {
                    "default": {"@map": format!("{}/default", self.schemas())}, "$ref": "A"}},
                "oneOf": [self.schema(depth + 1)],
            }),
            7 if self.version == Version::Later => json!({
                "$defs": {"default": self.schema(depth + 1)},
                "prefixItems": [self.schema(depth + 1)], "const": data(), "examples": [data()],
            }),
            _ => {
                let properties = self.properties(depth);
                json!({"type": "object", "properties": part(properties)})
            }
        };
        part(value)
    }

    fn properties(&mut self, depth: usize) -> Value {
        let mut map = Map::new();
        for _ in 0..self.choices.below(4) {
            let name = self.choices.name();
            let schema = self.schema(depth + 1);
            map.insert(name, schema);
        }
        Value::Object(map)
    }

    fn content(&mut self) -> Value {
        let examples = part(json!({"value": data()}));
        json!({"default": {"schema": self.schema(0), "example": data(), "examples": {"a": examples}}})
    }

    fn response(&mut self) -> Value {
        if self.choices.below(4) == 1 {
            return place(&self.component("responses"));
        }
        let mut response = Map::from_iter([("description".to_owned(), json!("A"))]);
        let header = match self.version {
            Version::Two => json!({"type": "string", "default": data()}),
            _ => json!({"schema": self.schema(1), "example": data()}),
        };
        let headers = self.choices.names(|_| part(header.clone()));
        response.insert("headers".into(), part(headers));
        if self.version == Version::Two {
            response.insert("schema".into(), self.schema(0));
            response.insert("examples".into(), json!({"default": data()}));
        } else {
            response.insert("content".into(), self.content());
        }
        part(Value::Object(response))
    }

    fn responses(&mut self) -> Value {
        json!({"default": self.response(), "200": self.response(), "x-a": data()})
    }

    fn parameter(&mut self) -> Value {
        if self.choices.below(4) == 1 {
            return place(&self.component("parameters"));
        }
        let schema = self.schema(1);
        part(match self.version {
            Version::Two => json!({"name": "a", "in": "body", "schema": schema}),
            _ => json!({"name": "a", "in": "query", "schema": schema, "example": data()}),
        })
    }

    fn path(&mut self, depth: usize) -> Value {
        let mut operation = json!({
            "responses": part(self.responses()),
            "parameters": [self.parameter()],
            "x-a": data(),
        });
        if self.version != Version::Two {
            operation["requestBody"] = part(json!({"content": self.content()}));
            if depth == 0 && self.choices.below(3) == 1 {
                let item = self.path(1);
                operation["callbacks"] = json!({"default": part(json!({"{$url}": item}))});
            }
        }
        part(json!({"get": operation, "parameters": [self.parameter()]}))
    }

    fn document(&mut self) -> Value {
        let paths = part(json!({"/a": self.path(0), "/a/{b}": self.path(0), "x-a": data()}));
        let schemas = part(json!({"default": self.schema(0), "x-a": self.schema(0)}));
        let mut response = self.response();
        if response.get("@ref").is_some() {
            response = json!({"description": "A"});
        }
        let responses = part(json!({ "default": response }));
        let parameter = part(json!({"name": "a", "in": "query", "type": "string"}));
        let parameters = part(json!({ "default": parameter }));
        let info = json!({"title": "A", "version": "1"});
        match self.version {
            Version::Two => json!({
                "swagger": "2.0", "info": info, "paths": paths, "x-a": data(),
                "definitions": schemas, "responses": responses, "parameters": parameters,
            }),
            version => json!({
                "openapi": if version == Version::Three { "3.0.1" } else { "3.1.0" },
                "info": info, "paths": paths, "x-a": data(),
                "components": part(json!({
                    "schemas": schemas, "responses": responses, "parameters": parameters,
                })),
            }),
        }
    }
}

/// Where the parts of a document go.
struct Split<'c> {
    /// None: they stay where they are.
    choices: Option<&'c mut Choices>,
    files: BTreeMap<String, Value>,
}

/// `to` as a reference in the file `from` writes it.
fn relative(from: &str, to: &str) -> String {
    let folders = from.matches('/').count();
    let path = to.replace('%', "%25").replace(' ', "%20");
    format!("{}{path}", "../".repeat(folders))
}

fn escape(name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    name.replace('%', "%25").replace(' ', "%20")
}

impl Split<'_> {
    fn value(&mut self, value: &Value, file: &str) -> Value {
        let reference = |pointer: &str| match file {
            ROOT => format!("#{pointer}"),
            file => format!("{}#{pointer}", relative(file, ROOT)),
        };
        match value {
            Value::Array(items) => items.iter().map(|item| self.value(item, file)).collect(),
            Value::Object(map) => {
                if let Some(pointer) = map.get("@ref") {
                    json!({"$ref": reference(pointer.as_str().unwrap())})
                } else if let Some(pointer) = map.get("@map") {
                    json!(reference(pointer.as_str().unwrap()))
                } else if let Some(inside) = map.get("@part") {
                    self.part(inside, file)
                } else {
                    let entries = map.iter();
                    entries
                        .map(|(key, value)| (key.clone(), self.value(value, file)))
                        .collect()
                }
            }
            other => other.clone(),
        }
    }

    fn part(&mut self, inside: &Value, file: &str) -> Value {
        let Some(choices) = &mut self.choices else {
            return self.value(inside, file);
        };
        if choices.below(4) != 1 {
            return self.value(inside, file);
        }
        const FILES: [&str; 4] = ["api/a.json", "b%c d.json", "api/x/y/e.json", "f.json"];
        let number = self.files.len();
        let at = choices.below(FILES.len() + 1);
        let Some(path) = FILES.get(at) else {
            // A file of its own.
            let path = format!("own/{number}.json");
            self.files.insert(path.clone(), Value::Null);
            let value = self.part(inside, &path);
            self.files.insert(path.clone(), value);
            return json!({"$ref": relative(file, &path)});
        };
        let all = self.files.entry((*path).to_owned()).or_insert(json!({}));
        let folder = NAMES[choices.below(NAMES.len())];
        let name = format!("{}{}", folder, choices.at);
        all[name.as_str()] = Value::Null;
        let value = self.part(inside, path);
        self.files.get_mut(*path).unwrap()[name.as_str()] = json!({ "a": value });
        let from = if file == *path {
            String::new()
        } else {
            relative(file, path)
        };
        json!({"$ref": format!("{from}#/{}/a", escape(&name))})
    }
}

/// The documents, each reference put in its place but those to schemas that the
/// original names.
fn plain(value: &Value, root: &Value, depth: usize) -> Value {
    assert!(depth < 200, "references do not end");
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| plain(item, root, depth + 1))
            .collect(),
        Value::Object(map) => {
            let pointer = map.get("$ref").and_then(Value::as_str);
            let pointer = pointer.and_then(|text| text.strip_prefix('#'));
            let named = |pointer: &str| {
                let place = pointer.rsplit_once('/');
                place.is_some_and(|(folder, name)| {
                    let folders = ["/definitions", "/components/schemas"];
                    folders.contains(&folder) && ["default", "x-a"].contains(&name)
                })
            };
            match pointer.filter(|pointer| !named(pointer)) {
                Some(pointer) if root.pointer(pointer).is_some() => {
                    plain(root.pointer(pointer).unwrap(), root, depth + 1)
                }
                _ => {
                    let entries = map.iter();
                    entries
                        .map(|(key, value)| (key.clone(), plain(value, root, depth + 1)))
                        .collect()
                }
            }
        }
        other => other.clone(),
    }
}

/// Without the schemas that bundling added.
fn without_added(mut document: Value) -> Value {
    for folder in ["/definitions", "/components/schemas"] {
        if let Some(Value::Object(schemas)) = document.pointer_mut(folder) {
            schemas.retain(|name, _| name == "default" || name == "x-a");
        }
    }
    document
}

fn bundled(files: BTreeMap<String, Value>) -> Result<Value, String> {
    let files = files.into_iter().map(|(path, value)| {
        let path = ArtifactPath::parse(&path).unwrap();
        (path, value.to_string().into_bytes())
    });
    let tree = SourceTree::in_memory(files.collect::<BTreeMap<_, _>>());
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let root = tree.find(ROOT).unwrap();
    let compiled = compile(&tree, root, &limits, &mut findings).unwrap();
    let compiled = compiled.ok_or_else(|| format!("{:#?}", findings.listed()))?;
    serde_json::from_str(&compiled.text).map_err(|error| error.to_string())
}

/// The first place where two documents differ, and what is there.
fn difference(left: &Value, right: &Value, at: &str) -> Option<String> {
    if let (Value::Object(left), Value::Object(right)) = (left, right)
        && left.keys().eq(right.keys())
    {
        let mut both = left.iter().zip(right.values());
        return both
            .find_map(|((key, left), right)| difference(left, right, &format!("{at}/{key}")));
    }
    if let (Value::Array(left), Value::Array(right)) = (left, right)
        && left.len() == right.len()
    {
        let mut both = left.iter().zip(right);
        return both.find_map(|(left, right)| difference(left, right, &format!("{at}/-")));
    }
    (left != right).then(|| format!("{at}: {left} where {right} was"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_that_was_split_is_bundled_to_what_it_was(
        version in prop_oneof![Just(Version::Two), Just(Version::Three), Just(Version::Later)],
        content in proptest::collection::vec(any::<u8>(), 0..300),
        places in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut maker = Maker { choices: Choices { bytes: content, at: 0 }, version };
        let marked = maker.document();
        let mut whole = Split { choices: None, files: BTreeMap::new() };
        let original = whole.value(&marked, ROOT);
        let mut places = Choices { bytes: places, at: 0 };
        let mut split = Split { choices: Some(&mut places), files: BTreeMap::new() };
        let root = split.value(&marked, ROOT);
        let mut files = split.files;
        files.insert(ROOT.to_owned(), root);
        let shown: String = files.iter().map(|(path, value)| format!("{path}: {value}\n")).collect();
        let bundled = bundled(files).map_err(|error| TestCaseError::fail(format!("{error}\n{shown}")))?;
        let bundled = without_added(plain(&bundled, &bundled, 0));
        let original = plain(&original, &original, 0);
        let differs = difference(&bundled, &original, "");
        prop_assert!(differs.is_none(), "{}\n{shown}", differs.unwrap_or_default());
    }
}
