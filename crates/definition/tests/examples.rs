//! The examples on the pages of the rules about OpenAPI: what fails gives the rule and
//! nothing else, what passes gives nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use flux_apim_definition::rules::ALL;
use flux_apim_definition::{WsdlSelector, compile};
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Budget, Diagnostic, Findings, Place, Severity};
use std::collections::BTreeMap;

/// The definition below the heading `## NAME` of a page: its path and text.
fn definition(page: &str, name: &str) -> Option<(String, String)> {
    let (_, section) = page.split_once(&format!("## {name}\n"))?;
    let section = section.split("\n## ").next()?;
    let (before, rest) = section.split_once("specification.")?;
    let folder = before.rsplit_once('`')?.1;
    let (extension, rest) = rest.split_once('`')?;
    let text = rest.split("```").nth(1)?.split_once('\n')?.1;
    Some((
        format!("{folder}specification.{extension}"),
        text.to_owned(),
    ))
}

fn run(files: &[(&str, &str)], root: &str) -> Vec<Diagnostic> {
    run_with(files, root, None)
}

/// The findings of the definition `root`, and of the `selector` that its API has.
fn run_with(
    files: &[(&str, &str)],
    root: &str,
    selector: Option<&WsdlSelector>,
) -> Vec<Diagnostic> {
    let files = files.iter().map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.as_bytes().to_vec())
    });
    let tree = SourceTree::in_memory(files.collect::<BTreeMap<_, _>>());
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let file = tree.find(root).unwrap();
    let compiled = compile(&tree, file, &limits, &mut findings).unwrap();
    if let Some(ports) = compiled.and_then(|compiled| compiled.ports) {
        match selector {
            Some(selector) => ports.check(selector, file, &mut findings),
            None => drop(ports.choose(&mut findings)),
        }
    }
    findings.listed().to_vec()
}

/// The selector in the information file of an example.
fn selector(page: &str, name: &str) -> Option<WsdlSelector> {
    let (_, section) = page.split_once(&format!("## {name}\n"))?;
    let (_, json) = section.split("\n## ").next()?.split_once("```json\n")?;
    let json: serde_json::Value = serde_json::from_str(json.split("```").next()?).ok()?;
    let given = json.pointer("/properties/wsdlSelector")?;
    Some(WsdlSelector {
        service: given["wsdlServiceName"].as_str()?.to_owned(),
        endpoint: given["wsdlEndpointName"].as_str()?.to_owned(),
    })
}

#[test]
fn pages_tell_the_truth() {
    let of_openapi = ALL.iter().filter(|rule| rule.code.0 >= 2010);
    let mut wrong = Vec::new();
    for rule in of_openapi {
        for (name, expected) in [("Fails", vec![rule.code]), ("Passes", Vec::new())] {
            let (path, text) = definition(rule.page, name).unwrap();
            let given = selector(rule.page, name);
            let found = run_with(&[(&path, &text)], &path, given.as_ref());
            // What an import changes is said beside what it refuses.
            let said = found.iter().map(|finding| finding.rule);
            let said =
                said.filter(|other| other.severity > Severity::Info || other.code == rule.code);
            let codes: Vec<_> = said.map(|rule| rule.code).collect();
            if codes != expected {
                wrong.push(format!("{} {name}: {found:#?}", rule.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The texts at the places of `found`, in the file `text`.
fn places<'t>(found: &[Diagnostic], text: &'t str) -> Vec<&'t str> {
    let spans = found.iter().filter_map(|finding| match finding.place {
        Place::Span(span) => Some(span),
        _ => None,
    });
    spans
        .map(|span| &text[span.start as usize..span.end as usize])
        .collect()
}

#[test]
fn what_another_file_has_is_checked_there_and_as_what_it_is() {
    let root = "openapi: 3.0.1\ninfo: {title: A, version: '1'}\npaths:\n  /a:\n    $ref: items.yaml#/a\n  /b/{id}:\n    get:\n      parameters: [{$ref: items.yaml#/id}]\n      responses: {'200': {description: B, content: {application/json: {schema: {$ref: items.yaml#/schema}}}}}\n";
    let items = "a: {get: {sumary: Ä, responses: {'200': {description: A}}}}\nid: {name: id, in: path, required: true, schema: {type: string}}\nschema: {type: object, properties: {x: {$ref: '#/x'}}}\nx: {minLength: ten}\nother: {sumary: not met}\n";
    let found = run(
        &[("a/root.yaml", root), ("a/items.yaml", items)],
        "a/root.yaml",
    );
    let codes: Vec<_> = found.iter().map(|finding| finding.rule.code.0).collect();
    let mut at = places(&found, items);
    at.sort_unstable();
    assert_eq!(at, ["sumary", "ten"], "{found:#?}");
    assert_eq!(codes.len(), 2);
}

#[test]
fn a_finding_stands_at_its_characters_whatever_the_encoding_and_line_ends() {
    let text = "\u{feff}openapi: 3.0.1\r\ninfo: {title: Größe ⚓, version: '1'}\r\nx-base: &base {description: Größe}\r\npaths:\r\n  /größe:\r\n    get: {responses: {'200': *base, oké: *base}}\r\n";
    let found = run(&[("a.yaml", text)], "a.yaml");
    assert_eq!(places(&found, text), ["oké"], "{found:#?}");
}

#[test]
fn the_answer_to_3_2_names_the_version() {
    let text = "openapi: 3.2.0\ninfo: {title: A, version: '1'}\npaths: {}\n";
    let found = run(&[("a.yaml", text)], "a.yaml");
    assert_eq!(found.len(), 1);
    let help = found[0].help.as_deref().unwrap();
    assert!(help.contains("3.1.0"), "{help}");
}

/// Shapes that grow in width, depth and in their references: each takes steps in
/// proportion to its size.
#[test]
fn doubling_a_document_at_most_doubles_the_steps() {
    type Shape = (&'static str, fn(usize) -> String);
    fn many(n: usize, entry: impl Fn(usize) -> String) -> String {
        (0..n).map(entry).collect::<Vec<_>>().join(",")
    }
    fn document(paths: &str, schemas: &str) -> String {
        format!(
            r#"{{"openapi":"3.0.1","info":{{"title":"A","version":"1"}},"paths":{{{paths}}},"components":{{"schemas":{{{schemas}}}}}}}"#
        )
    }
    const ANSWER: &str = r#""responses":{"200":{"description":"A"}}"#;
    let shapes: [Shape; 7] = [
        ("paths", |n| {
            document(
                &many(n, |i| format!(r#""/a{i}":{{"get":{{{ANSWER}}}}}"#)),
                "",
            )
        }),
        ("parameters of one path", |n| {
            let path = many(n, |i| format!("{{p{i}}}")).replace(',', "/");
            let list = many(n, |i| {
                format!(r#"{{"name":"p{i}","in":"path","required":true,"schema":{{}}}}"#)
            });
            document(
                &format!(r#""/{path}":{{"get":{{"parameters":[{list}],{ANSWER}}}}}"#),
                "",
            )
        }),
        ("undeclared parameters", |n| {
            let path = many(n, |i| format!("{{p{i}}}")).replace(',', "/");
            document(
                &format!(r#""/{path}":{{"get":{{{ANSWER}}},"post":{{{ANSWER}}}}}"#),
                "",
            )
        }),
        ("a chain of references", |n| {
            document(
                "",
                &many(n, |i| {
                    format!(r##""s{i}":{{"$ref":"#/components/schemas/s{}"}}"##, i + 1)
                }),
            )
        }),
        ("a circle of parts", |n| {
            document(
                "",
                &many(n, |i| {
                    format!(
                        r##""s{i}":{{"allOf":[{{"$ref":"#/components/schemas/s{}"}}]}}"##,
                        (i + 1) % n
                    )
                }),
            )
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
            document("", &format!(r#""U":{{"oneOf":[{one}]}},{all}"#))
        }),
        ("nested schemas", |n| {
            let n = n.min(100);
            document(
                "",
                &format!(
                    r#""s":{}{{}}{}"#,
                    r#"{"type":"array","items":"#.repeat(n),
                    "}".repeat(n)
                ),
            )
        }),
    ];
    let steps = |text: &str| {
        let path = ArtifactPath::parse("a.json").unwrap();
        let tree = SourceTree::in_memory(BTreeMap::from([(path, text.as_bytes().to_vec())]));
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let mut findings = Findings::new(&budget, &limits);
        compile(&tree, tree.find("a.json").unwrap(), &limits, &mut findings).unwrap();
        budget.spent() as f64
    };
    for (name, shape) in shapes {
        let (once, twice) = (shape(300), shape(600));
        let grown = twice.len() as f64 / once.len() as f64;
        let ratio = steps(&twice) / steps(&once);
        assert!(ratio < grown * 1.15 + 0.1, "{name}: {ratio} for {grown}");
    }
}

#[test]
fn what_is_hostile_gives_findings_and_ends() {
    let deep = format!("{{\"openapi\":\"3.0.1\",\"x\":{}", "[".repeat(100_000));
    let pattern = format!(
        "openapi: 3.0.1\ninfo: {{title: A, version: '1'}}\npaths: {{}}\ncomponents: {{schemas: {{A: {{type: string, pattern: '{}(a+)+$'}}}}}}\n",
        "(".repeat(50_000)
    );
    let chain: String = (0..10_000)
        .map(|i| format!("    s{i}: {{$ref: '#/components/schemas/s{}'}}\n", i + 1))
        .collect();
    let chain = format!(
        "openapi: 3.0.1\ninfo: {{title: A, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas:\n{chain}"
    );
    for (name, text) in [
        ("deep.json", deep),
        ("pattern.yaml", pattern),
        ("chain.yaml", chain),
    ] {
        assert!(!run(&[(name, &text)], name).is_empty(), "{name}");
    }
}
