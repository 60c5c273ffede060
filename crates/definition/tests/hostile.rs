//! Input that costs more than it looks: a finding each, and steps in proportion.
#![allow(clippy::unwrap_used, reason = "test code")]

use flux_apim_definition::compile;
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Budget, Findings, Severity};
use std::collections::BTreeMap;

struct Run {
    codes: Vec<u16>,
    infos: Vec<u16>,
    steps: f64,
    peak: f64,
}

fn run(files: &[(&str, &str)], limits: &Limits) -> Run {
    let tree = files.iter().map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.as_bytes().to_vec())
    });
    let tree = SourceTree::in_memory(tree.collect::<BTreeMap<_, _>>());
    let budget = Budget::new(limits);
    let mut findings = Findings::new(&budget, limits);
    let root = tree.find(files[0].0).unwrap();
    compile(&tree, root, limits, &mut findings).unwrap();
    let all = findings.listed().iter().map(|found| found.rule);
    let (infos, others): (Vec<_>, Vec<_>) = all.partition(|rule| rule.severity == Severity::Info);
    Run {
        codes: others.iter().map(|rule| rule.code.0).collect(),
        infos: infos.iter().map(|rule| rule.code.0).collect(),
        steps: budget.spent() as f64,
        peak: budget.peak() as f64,
    }
}

fn many(n: usize, entry: impl Fn(usize) -> String) -> String {
    (0..n).map(entry).collect::<Vec<_>>().join(",")
}

const ANSWER: &str = r#""responses":{"200":{"description":"A"}}"#;

/// A document of `version` with `paths` and `schemas`, and an operation of its own.
fn document(version: &str, paths: &str, schemas: &str) -> String {
    let comma = if paths.is_empty() { "" } else { "," };
    format!(
        r#"{{"openapi":"{version}","info":{{"title":"A","version":"1"}},"paths":{{"/own":{{"get":{{{ANSWER}}}}}{comma}{paths}}},"components":{{"schemas":{{{schemas}}}}}}}"#
    )
}

fn chain(n: usize) -> String {
    let links = many(n, |i| {
        format!(r##""s{i}":{{"$ref":"#/components/schemas/s{}"}}"##, i + 1)
    });
    format!(r#"{links},"s{n}":{{"type":"string"}}"#)
}

#[test]
fn each_has_one_finding() {
    let pattern = |pattern: &str| {
        let pattern = pattern.replace('\\', "\\\\");
        document(
            "3.0.1",
            "",
            &format!(r#""A":{{"type":"string","pattern":"{pattern}"}}"#),
        )
    };
    let bomb: String = (1..20)
        .map(|i| {
            let before = i - 1;
            let aliases = many(10, |_| format!("*a{before}"));
            format!("x-{i}: &a{i} [{aliases}]\n")
        })
        .collect();
    let bomb = format!("openapi: 3.0.1\nx-0: &a0 [1]\n{bomb}");
    let same = many(1000, |_| {
        r##"{"$ref":"#/components/schemas/none"}"##.to_owned()
    });
    for (what, text, codes) in [
        (
            "nested",
            format!("{{\"a\":{}", "[".repeat(100_000)),
            vec![1006],
        ),
        ("nested objects", "{\"a\":".repeat(100_000), vec![1006]),
        ("aliases", bomb, vec![1006]),
        (
            "one text",
            document(
                "3.0.1",
                "",
                &format!(r#""A":{{"title":"{}"}}"#, "x".repeat(5 << 20)),
            ),
            vec![1006],
        ),
        ("a chain", document("3.0.1", "", &chain(10_000)), vec![2067]),
        ("a long pattern", pattern(&"(".repeat(50_000)), vec![2042]),
        (
            "what leads nowhere",
            document("3.0.1", "", &format!(r#""A":{{"allOf":[{same}]}}"#)),
            vec![2004],
        ),
        (
            "what needs itself",
            document("3.0.1", "", r##""A":{"$ref":"#/components/schemas/A"}"##),
            vec![2041],
        ),
    ] {
        let limits = Limits {
            max_bundled_bytes: 2 << 20,
            ..Limits::default()
        };
        let name = if text.starts_with('{') {
            "a.json"
        } else {
            "a.yaml"
        };
        let outcome = run(&[(name, &text)], &limits);
        assert_eq!(outcome.codes, codes, "{what}");
        let size = text.len() as f64;
        assert!(
            outcome.steps < size + 2e6,
            "{what}: {} steps",
            outcome.steps
        );
        assert!(
            outcome.peak < 16.0 * size + 4e6,
            "{what}: {} bytes",
            outcome.peak
        );
    }
    for (text, code) in [
        ("(a+)+$", 2065),
        ("^\\u{1F600}$", 2066),
        ("\\p{Script=Greek}", 2066),
    ] {
        let outcome = run(&[("a.json", &pattern(text))], &Limits::default());
        assert_eq!(
            (outcome.codes, outcome.infos),
            (vec![], vec![code]),
            "{text}"
        );
    }
}

#[test]
fn fifty_thousand_operations_are_no_trouble() {
    let paths = many(50_000, |i| {
        format!(r#""/a{i}":{{"get":{{"operationId":"get{i}",{ANSWER}}}}}"#)
    });
    let text = document("3.0.1", &paths, "");
    let outcome = run(&[("a.json", &text)], &Limits::default());
    assert_eq!(outcome.codes, [0_u16; 0]);
    assert!(outcome.steps < 2.0 * text.len() as f64, "{}", outcome.steps);
}

/// A root document and another one, of a size.
type Shape = (&'static str, fn(usize) -> (String, String));

fn shapes() -> Vec<Shape> {
    vec![
        ("paths", |n| {
            let paths = many(n, |i| format!(r#""/a{i}":{{"get":{{{ANSWER}}}}}"#));
            (document("3.0.1", &paths, ""), String::new())
        }),
        ("parameters of one path", |n| {
            let path = many(n, |i| format!("{{p{i}}}")).replace(',', "/");
            let list = many(n, |i| {
                format!(r#"{{"name":"p{i}","in":"path","required":true,"schema":{{}}}}"#)
            });
            let paths = format!(r#""/{path}":{{"get":{{"parameters":[{list}],{ANSWER}}}}}"#);
            (document("3.0.1", &paths, ""), String::new())
        }),
        ("undeclared parameters", |n| {
            let path = many(n, |i| format!("{{p{i}}}")).replace(',', "/");
            let paths = format!(r#""/{path}":{{"get":{{{ANSWER}}},"post":{{{ANSWER}}}}}"#);
            (document("3.0.1", &paths, ""), String::new())
        }),
        ("a chain of references", |n| {
            (document("3.0.1", "", &chain(n)), String::new())
        }),
        ("a circle of parts", |n| {
            let schemas = many(n, |i| {
                let next = (i + 1) % n;
                format!(r##""s{i}":{{"allOf":[{{"$ref":"#/components/schemas/s{next}"}}]}}"##)
            });
            (document("3.0.1", "", &schemas), String::new())
        }),
        ("circles of properties", |n| {
            let schemas = many(n, |i| {
                let inside = many(8, |j| {
                    let next = (i * 7 + j) % n;
                    format!(r##""p{j}":{{"$ref":"#/components/schemas/s{next}"}}"##)
                });
                format!(r#""s{i}":{{"properties":{{{inside}}}}}"#)
            });
            (document("3.0.1", "", &schemas), String::new())
        }),
        ("discriminators of one union", |n| {
            let one = many(n, |i| {
                format!(r##"{{"$ref":"#/components/schemas/s{i}"}}"##)
            });
            let all = many(n, |i| {
                format!(
                    r##""s{i}":{{"type":"object","allOf":[{{"$ref":"#/components/schemas/U"}}],"discriminator":{{"propertyName":"k"}}}}"##
                )
            });
            let schemas = format!(r#""U":{{"oneOf":[{one}]}},{all}"#);
            (document("3.0.1", "", &schemas), String::new())
        }),
        ("nested schemas", |n| {
            let n = n.min(100);
            let open = r#"{"type":"array","items":"#.repeat(n);
            let schema = format!(r#""s":{open}{{}}{}"#, "}".repeat(n));
            (document("3.0.1", "", &schema), String::new())
        }),
        ("places in places", |n| {
            let deep = 100;
            let inside = format!("{}{{}}{}", r#"{"items":"#.repeat(deep), "}".repeat(deep));
            let list = many(n, |i| {
                let way = "/items".repeat(i % deep);
                format!(r##"{{"$ref":"#/components/schemas/A{way}"}}"##)
            });
            let schemas = format!(r#""A":{inside},"B":{{"allOf":[{list}]}}"#);
            (document("3.1.0", "", &schemas), String::new())
        }),
        ("names of schemas", |n| {
            let schemas = many(n, |i| {
                format!(
                    r##""s{i}":{{"$id":"https://a.example/s{i}","$anchor":"a{i}","not":{{"$ref":"s{}"}},"items":{{"$ref":"#a{i}"}}}}"##,
                    (i + 1) % n
                )
            });
            (document("3.1.0", "", &schemas), String::new())
        }),
        ("names in names", |n| {
            let open = many(200, |i| format!(r#"{{"$id":"i{i}","items":"#)).replace(",{", "{");
            let inside = many(n, |i| format!(r##"{{"$ref":"i{}#/none"}}"##, i % 200));
            let schema = format!(r#""s":{open}{{"allOf":[{inside}]}}{}"#, "}".repeat(200));
            (document("3.1.0", "", &schema), String::new())
        }),
        ("a whole map in another file", |n| {
            let schemas = many(n, |i| {
                let next = (i + 1) % n;
                format!(r##""s{i}":{{"items":{{"$ref":"#/s{next}"}}}}"##)
            });
            let root = document("3.0.1", "", r#""$ref":"b.json""#);
            (root, format!("{{{schemas}}}"))
        }),
        ("maps that lead to maps", |n| {
            let maps = many(n, |i| {
                format!(
                    r##""m{i}":{{"$ref":"#/m{}","p{i}":{{"type":"string"}}}}"##,
                    i + 1
                )
            });
            let root = document("3.0.1", "", r#""$ref":"b.json#/m0""#);
            (root, format!(r#"{{{maps},"m{n}":{{"a":{{}}}}}}"#))
        }),
        ("callbacks in other files", |n| {
            let paths = many(n, |i| {
                format!(
                    r#""/a{i}":{{"post":{{"callbacks":{{"c":{{"$ref":"b.json#/c"}}}},{ANSWER}}}}}"#
                )
            });
            let callback = format!(r#"{{"c":{{"$url":{{"post":{{{ANSWER}}}}}}}}}"#);
            (document("3.0.1", &paths, ""), callback)
        }),
        ("paths in paths", |n| {
            let paths = many(n, |i| {
                format!(r##""/a{i}":{{"$ref":"#/paths/~1a{}"}}"##, i + 1)
            });
            let paths = format!(r#"{paths},"/a{n}":{{"get":{{{ANSWER}}}}}"#);
            (document("3.0.1", &paths, ""), String::new())
        }),
        ("names that are wrong", |n| {
            let schemas = many(n, |i| format!(r#""s {i}":{{"pattern":"(a+)+{i}"}}"#));
            (document("3.0.1", "", &schemas), String::new())
        }),
        ("a long pattern", |n| {
            let pattern = "(a|b+){2,}[^c]*".repeat(n);
            let schema = format!(r#""A":{{"pattern":"{pattern}"}}"#);
            (document("3.0.1", "", &schema), String::new())
        }),
    ]
}

#[test]
fn doubling_a_document_at_most_doubles_the_steps() {
    let limits = Limits::default();
    for (name, shape) in shapes() {
        let run = |(root, other): (String, String)| {
            let files = [("a.json", root.as_str()), ("b.json", other.as_str())];
            let used = if other.is_empty() { 1 } else { 2 };
            (root.len() + other.len(), run(&files[..used], &limits))
        };
        let (once, twice) = (run(shape(400)), run(shape(800)));
        let grown = twice.0 as f64 / once.0 as f64;
        let ratio = twice.1.steps / once.1.steps;
        assert!(ratio < grown * 1.15 + 0.1, "{name}: {ratio} for {grown}");
        let ratio = twice.1.peak / once.1.peak;
        assert!(
            ratio < grown * 1.3 + 0.1,
            "{name}: {ratio} of memory for {grown}"
        );
    }
}
