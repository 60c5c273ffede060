//! Shapes of input that cost more than they look: each takes steps in proportion.

use super::super::{Compiled, Documents, compile, compile_with};
use flux_apim_diag::tree::{ArtifactPath, FileId, Limits, SourceTree};
use flux_apim_diag::{Budget, Class, Findings};
use std::collections::BTreeMap;

type Files = Vec<(String, String)>;
/// A name, and what makes the files of a size.
type Shape = (&'static str, fn(usize) -> Files);

fn tree_of(files: &[(String, String)]) -> SourceTree {
    let files = files.iter().map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.clone().into_bytes())
    });
    SourceTree::in_memory(files.collect::<BTreeMap<_, _>>())
}

struct Outcome {
    compiled: Option<Compiled>,
    findings: Vec<String>,
    spent: f64,
    peak: f64,
}

/// Compiles `a.json` of `files`.
fn run(files: &[(String, String)], limits: &Limits) -> Outcome {
    let tree = tree_of(files);
    let file = tree.find("a.json").unwrap();
    let budget = Budget::new(limits);
    let mut findings = Findings::new(&budget, limits);
    let compiled = compile(&tree, file, limits, &mut findings).unwrap();
    assert_eq!(budget.held(), 0, "all is given back");
    Outcome {
        compiled,
        // What the checks say of these documents is another matter.
        findings: findings
            .listed()
            .iter()
            .filter(|f| f.rule.class == Class::Integrity)
            .map(|f| f.message.clone())
            .collect(),
        spent: budget.spent() as f64,
        peak: budget.peak() as f64,
    }
}

fn many(n: usize, entry: impl Fn(usize) -> String) -> String {
    (0..n).map(entry).collect::<Vec<_>>().join(",")
}

/// A root document with `paths`, `schemas` and further members.
fn root(paths: &str, schemas: &str, more: &str) -> (String, String) {
    let text = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"A","version":"1"}},
        "paths":{{"/own":{{"get":{{"responses":{{"200":{{"description":"ok"}}}}}}}}{}{paths}}},
        "components":{{"schemas":{{{schemas}}},"responses":{{"R":{{"$ref":"o.json#/r"}}}}}}{}{more}}}"#,
        if paths.is_empty() { "" } else { "," },
        if more.is_empty() { "" } else { "," },
    );
    ("a.json".to_owned(), text)
}

/// Another document, with what each test needs and a response.
fn other(members: &str) -> (String, String) {
    let text = format!(r#"{{"r":{{"description":"r"}},{members}}}"#);
    ("o.json".to_owned(), text)
}

fn get(inside: &str) -> String {
    format!(r#"{{"get":{{{inside},"responses":{{"200":{{"description":""}}}}}}}}"#)
}

fn shapes() -> Vec<Shape> {
    vec![
        ("references into one object", |n| {
            let schemas = many(n, |i| {
                format!(
                    r##""k{i}":{{"allOf":[{{"$ref":"#/components/schemas/k{}"}}]}}"##,
                    n - 1 - i
                )
            });
            vec![root("", &schemas, ""), other(r#""x":1"#)]
        }),
        ("references into one array", |n| {
            let schemas = many(n, |i| {
                format!(r##""k{i}":{{"allOf":[{{"$ref":"#/x-l/{i}"}}]}}"##)
            });
            let list = many(n, |_| r#"{"type":"string"}"#.to_owned());
            vec![
                root("", &schemas, &format!(r#""x-l":[{list}]"#)),
                other(r#""x":1"#),
            ]
        }),
        ("references back into the root", |n| {
            let schemas = many(n, |i| format!(r#""k{i}":{{"type":"string"}}"#));
            let back = many(n, |i| {
                format!(r##""p{i}":{{"$ref":"a.json#/components/schemas/k{i}"}}"##)
            });
            let schemas = format!(r#"{schemas},"S":{{"$ref":"o.json#/S"}}"#);
            vec![
                root("", &schemas, ""),
                other(&format!(r#""S":{{"properties":{{{back}}}}}"#)),
            ]
        }),
        ("schemas of one name", |n| {
            let schemas = many(n, |i| {
                format!(r##""k{i}":{{"allOf":[{{"$ref":"o.json#/d/k{i}/S"}}]}}"##)
            });
            let others = many(n, |i| format!(r#""k{i}":{{"S":{{"type":"string"}}}}"#));
            vec![
                root("", &schemas, ""),
                other(&format!(r#""d":{{{others}}}"#)),
            ]
        }),
        ("between two documents", |n| {
            let ours = many(n, |i| {
                format!(r##""k{i}":{{"allOf":[{{"$ref":"o.json#/d/k{i}"}}]}}"##)
            });
            let theirs = many(n, |i| {
                format!(
                    r##""k{i}":{{"not":{{"$ref":"a.json#/components/schemas/k{i}"}},"items":{{"$ref":"#/d/k{}"}}}}"##,
                    (i + 1) % n
                )
            });
            vec![root("", &ours, ""), other(&format!(r#""d":{{{theirs}}}"#))]
        }),
        ("discriminators", |n| {
            let mapping = many(n, |i| format!(r##""m{i}":"o.json#/d/k{i}""##));
            let schemas = format!(
                r#""S":{{"discriminator":{{"propertyName":"p","mapping":{{{mapping}}}}}}}"#
            );
            let others = many(n, |i| format!(r#""k{i}":{{"type":"string"}}"#));
            vec![
                root("", &schemas, ""),
                other(&format!(r#""d":{{{others}}}"#)),
            ]
        }),
        ("siblings of one reference", |n| {
            let own = many(n, |i| format!(r#""x-{i}":1"#));
            let theirs = many(n, |i| format!(r#""x-{}":1"#, i + n / 2));
            let paths = format!(r#""/p":{{"$ref":"o.json#/p",{own}}}"#);
            vec![root(&paths, "", ""), other(&format!(r#""p":{{{theirs}}}"#))]
        }),
        ("siblings that are left out again and again", |n| {
            let paths = many(n, |i| format!(r##""/p{i}":{{"$ref":"o.json#/p"}}"##));
            let siblings = many(n, |i| format!(r#""x-{i}":1"#));
            let theirs =
                format!(r##""p":{{"$ref":"#/q",{siblings}}},"q":{{"$ref":"#/s"}},"s":{{}}"##);
            vec![root(&paths, "", ""), other(&theirs)]
        }),
        ("a chain of references to references", |n| {
            let paths = many(n, |i| {
                format!(r##""/p{i}":{{"$ref":"o.json#/c/{}"}}"##, i % n)
            });
            let chain = many(n, |i| format!(r##"{{"$ref":"#/c/{}"}}"##, i + 1));
            vec![
                root(&paths, "", ""),
                other(&format!(r#""c":[{chain},{}]"#, get(r#""x-a":1"#))),
            ]
        }),
        ("a chain over files", |n| {
            let mut files = vec![
                root(
                    r#""/p":{"$ref":"f0.json#/p"}"#,
                    r#""S":{"$ref":"f0.json#/S"}"#,
                    "",
                ),
                other(r#""x":1"#),
            ];
            files.extend((0..n / 8).map(|i| {
                let text = format!(
                    r##"{{"p":{{"$ref":"f{0}.json#/p"}},"S":{{"items":{{"$ref":"f{0}.json#/S"}}}}}}"##,
                    i + 1
                );
                (format!("f{i}.json"), text)
            }));
            let last = format!(r#"{{"p":{},"S":{{}}}}"#, get(r#""x-a":1"#));
            files.push((format!("f{}.json", n / 8), last));
            files
        }),
        ("each token of a pointer through a reference", |n| {
            let way = "/x".repeat(8);
            let chain = many(n, |i| match i {
                0 => r##""0":{"$ref":"#/n"}"##.to_owned(),
                i => format!(r##""{i}":{{"$ref":"#/d/{}{way}"}}"##, i - 1),
            });
            let paths = format!(
                r##""/p":{{"parameters":[{{"$ref":"#/d/{}{way}/y"}}]}}"##,
                n - 1
            );
            let circle = r##"{"x":{"$ref":"#/n"},"y":{"x":{"$ref":"#/n"},"y":1}}"##;
            let more = format!(r#""n":{circle},"d":{{{chain}}}"#);
            vec![root(&paths, "", &more), other(r#""x":1"#)]
        }),
        ("one path item for all paths", |n| {
            let paths = many(n, |i| format!(r##""/p{i}":{{"$ref":"#/x-i"}}"##));
            let item = many(n, |i| format!(r#""x-{i}":1"#));
            let more = format!(r#""x-i":{{{item},"get":{{}}}}"#);
            vec![root(&paths, "", &more), other(r#""x":1"#)]
        }),
        ("operations of one name", |n| {
            let paths = many(n, |i| {
                format!(r#""/p{i}":{}"#, get(r#""operationId":"same""#))
            });
            vec![root(&paths, "", ""), other(r#""x":1"#)]
        }),
        ("operations of one name once it is cut", |n| {
            let id = "a".repeat(76);
            let paths = many(n, |i| {
                format!(r#""/p{i}":{}"#, get(&format!(r#""operationId":"{id}{i}""#)))
            });
            vec![root(&paths, "", ""), other(r#""x":1"#)]
        }),
        ("a long pointer", |n| {
            let way = "/x".repeat(n);
            let paths = format!(r##""/p":{{"$ref":"#/x-n{way}"}}"##);
            vec![
                root(&paths, "", r##""x-n":{"$ref":"#/x-n"}"##),
                other(r#""x":1"#),
            ]
        }),
        ("one document", |n| {
            let paths = many(n, |i| format!(r#""/p{i}":{}"#, get(r#""x-a":1"#)));
            let (path, text) = root(&paths, "", "");
            vec![(path, text.replace("o.json#/r", "#/paths"))]
        }),
        ("references that lead nowhere", |n| {
            let schemas = many(n, |i| format!(r##""k{i}":{{"$ref":"#/x/{i}"}}"##));
            vec![root("", &schemas, ""), other(r#""x":1"#)]
        }),
    ]
}

#[test]
fn every_shape_is_linear() {
    for (name, shape) in shapes() {
        let limits = Limits::default();
        let run = |n: usize| run(&shape(n), &limits);
        let (once, twice) = (run(1000), run(2000));
        assert!(
            twice.spent < once.spent * 2.3,
            "{name}: {} then {} steps",
            once.spent,
            twice.spent
        );
        assert!(
            twice.peak < once.peak * 2.3,
            "{name}: {} then {} bytes",
            once.peak,
            twice.peak
        );
    }
}

/// What has no end in the source has one here.
#[test]
fn what_references_expand_to_has_one_cap() {
    let level = |i: usize| {
        let inside = many(10, |j| format!(r##""{j}":{{"$ref":"#/l{}"}}"##, i + 1));
        format!(r#""l{i}":{{{inside}}}"#)
    };
    let levels = many(6, level);
    let others = format!(r#"{levels},"l6":{{"description":"{}"}}"#, "x".repeat(40));
    let sections = many(16, |i| {
        format!(r##""x-s{i}":{{"a":{{"$ref":"o.json#/l0"}}}}"##)
    });
    // Data is no reference: sections that are none.
    let sections = sections.replace("x-s", "s");
    let files = [root("", "", &sections), other(&others)];
    for cap in [1 << 20, 8 << 20] {
        let limits = Limits {
            max_bundled_bytes: cap,
            ..Limits::default()
        };
        let outcome = run(&files, &limits);
        assert!(outcome.compiled.is_none());
        let message = "the bundled definition grows beyond the cap of --max-bundled-bytes";
        assert_eq!(outcome.findings, [message]);
        assert!(outcome.peak < 2.0 * cap as f64, "{}", outcome.peak);
        assert!(outcome.spent < 2.0 * cap as f64, "{}", outcome.spent);
    }
}

/// The tables of the issue's kind of bomb: each token of a pointer starts a
/// resolution of its own, and it ends.
#[test]
fn circles_end() {
    let paths = r##""/p":{"$ref":"o.json#/a"}"##;
    let circle = r##""a":{"$ref":"#/b"},"b":{"$ref":"#/c"},"c":{"$ref":"#/a"}"##;
    let outcome = run(&[root(paths, "", ""), other(circle)], &Limits::default());
    let message = "the reference leads back to itself through other files";
    assert_eq!(outcome.findings, [message]);
    let inner = r##""a":{"get":{"callbacks":{"x":{"y":{"$ref":"#/a"}}}}}"##;
    let outcome = run(&[root(paths, "", ""), other(inner)], &Limits::default());
    assert_eq!(outcome.findings, [message]);
}

/// A chain of references over more files than nested values are allowed.
#[test]
fn a_chain_of_any_length_is_followed() {
    let (_, chain) = shapes()
        .into_iter()
        .find(|(name, _)| *name == "a chain over files")
        .unwrap();
    let outcome = run(&chain(8 * 700), &Limits::default());
    assert_eq!(outcome.findings, [""; 0]);
    let compiled = outcome.compiled.unwrap();
    assert_eq!(compiled.operations.len(), 2);
    assert_eq!(compiled.used.len(), 702);
}

/// Many definitions that share one document.
fn sharing(definitions: usize, schema: &str) -> SourceTree {
    let mut files = vec![("shared.json".to_owned(), schema.to_owned())];
    files.extend((0..definitions).map(|i| {
        let (_, text) = root("", r#""S":{"$ref":"shared.json#/S"}"#, "");
        (
            format!("d{i}.json"),
            text.replace("o.json#/r", "shared.json#/r"),
        )
    }));
    tree_of(&files)
}

fn compile_all(tree: &SourceTree, limits: &Limits) -> (Budget, usize, Vec<String>) {
    let budget = Budget::default();
    let documents = Documents::new(tree, limits);
    let mut findings = Findings::new(&budget, limits);
    let mut made = 0;
    for (file, path) in tree.files() {
        if path.as_str().starts_with('d') {
            let meter = budget.meter();
            let compiled = compile_with(&documents, file, &meter, &mut findings).unwrap();
            made += usize::from(compiled.is_some());
        }
    }
    documents.into_findings(&mut findings);
    let listed = findings.listed().iter();
    let bundling = listed.filter(|f| f.rule.class == Class::Integrity);
    let messages = bundling.map(|f| f.message.clone());
    (budget, made, messages.collect())
}

#[test]
fn a_document_that_many_share_is_parsed_once() {
    let limits = Limits::default();
    let list = many(50_000, |i| i.to_string());
    let schema = format!(r#"{{"r":{{"description":""}},"S":{{"type":"string"}},"x":[{list}]}}"#);
    let spent = |definitions| {
        let (budget, made, findings) = compile_all(&sharing(definitions, &schema), &limits);
        assert_eq!((made, findings.len()), (definitions, 0), "{findings:?}");
        assert_eq!(budget.held(), 0);
        budget.spent()
    };
    let (once, often) = (spent(1), spent(101));
    assert!(once > 50_000 && often < 2 * once, "{once} then {often}");
}

#[test]
fn what_is_wrong_with_it_is_said_once() {
    let limits = Limits::default();
    for schema in [r#"{"S":1,"S":2,"r":{}}"#, "{"] {
        let (_, made, findings) = compile_all(&sharing(5, schema), &limits);
        assert_eq!((made, findings.len()), (0, 1), "{findings:?}");
    }
}

/// Documents of one definition each do not pile up.
#[test]
fn documents_that_nobody_shares_are_given_up() {
    let limits = Limits::default();
    let list = many(600_000, |i| (i % 10).to_string());
    let mut files = Files::new();
    for i in 0..20 {
        let (_, text) = root("", &format!(r#""S":{{"$ref":"s{i}.json#/S"}}"#), "");
        let own = format!("s{i}.json#/r");
        files.push((format!("d{i}.json"), text.replace("o.json#/r", &own)));
        let schema = format!(r#"{{"r":{{"description":""}},"S":{{}},"x":[{list}]}}"#);
        files.push((format!("s{i}.json"), schema));
    }
    let tree = tree_of(&files);
    let (budget, made, _) = compile_all(&tree, &limits);
    assert_eq!(made, 20);
    let size = tree.size(FileId(20)) as f64;
    let all = 20.0 * 9.0 * size;
    let most = (super::super::documents::UNSHARED as f64) + 12.0 * size;
    assert!(all > 2.0 * most, "{all} {most}");
    assert!((budget.peak() as f64) < most, "{} {most}", budget.peak());
}

fn text_of(files: &[(String, String)]) -> serde_json::Value {
    let compiled = run(files, &Limits::default()).compiled.unwrap();
    serde_json::from_str(&compiled.text).unwrap()
}

/// Azure knows neither the file's own name nor that of a schema.
#[test]
fn references_into_the_document_are_places_in_it() {
    let schemas = r##""A":{"$id":"https://a.example/a","$anchor":"in","items":{"$ref":"a.json#/components/schemas/B"}},
        "B":{"properties":{"a":{"$ref":"https://a.example/a"},"b":{"$ref":"o.json#in"},"c":{"$ref":"o.json#/d"}}}"##;
    let others = r##""d":{"$id":"d","$defs":{"x":{"$anchor":"deep"}},"not":{"$ref":"#deep"},"if":{"$ref":"e"}},
        "e":{"$id":"e","type":"string"},"f":{"$anchor":"in"}"##;
    let value = text_of(&[root("", schemas, ""), other(others)]);
    let all = &value["components"]["schemas"];
    assert_eq!(all["A"]["items"]["$ref"], "#/components/schemas/B");
    assert_eq!(
        all["B"]["properties"]["a"]["$ref"],
        "#/components/schemas/A"
    );
    let place = |reference: &serde_json::Value| {
        let pointer = reference["$ref"].as_str().unwrap().strip_prefix('#');
        value.pointer(pointer.unwrap()).unwrap()
    };
    assert_eq!(place(&all["B"]["properties"]["b"])["$anchor"], "in");
    let d = place(&all["B"]["properties"]["c"]);
    assert_eq!(place(&d["not"])["$anchor"], "deep");
    assert_eq!(place(&d["if"])["$id"], "e");
}

#[test]
fn references_into_paths_are_followed() {
    let paths = r##""/a":{"get":{"$ref":"o.json#/paths/~1x~1%7By%7D/get"}},"/b":{"$ref":"o.json#/paths/~1x~1%7By%7D"}"##;
    let others = format!(r#""paths":{{"/x/{{y}}":{}}}"#, get(r#""operationId":"x""#));
    let value = text_of(&[root(paths, "", ""), other(&others)]);
    for path in ["/a", "/b"] {
        assert_eq!(value["paths"][path]["get"]["operationId"], "x");
    }
}
