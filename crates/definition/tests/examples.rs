//! The examples on the pages of the rules about OpenAPI: what fails gives the rule and
//! nothing else, what passes gives nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use flux_apim_definition::rules::ALL;
use flux_apim_definition::{WsdlSelector, compile};
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Budget, Class, Diagnostic, Findings, Place, Severity};
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
    let mut found = findings.listed().to_vec();
    // Conventions count where somebody asks for them.
    found.retain(|finding| finding.rule.class != Class::Convention);
    found
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
    // Pages of conventions ask for them in `flux-apim.yaml`: `tests/rules.rs` of the product.
    let of_openapi = ALL
        .iter()
        .filter(|rule| rule.code.0 >= 2010 && rule.class != Class::Convention);
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

#[test]
fn a_finding_in_another_file_stands_at_its_characters_there() {
    let root = "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"\\u00c4\", \"version\": \"1\"}, \"paths\": {\"/\u{e4}\": {\"$ref\": \"../st\u{fc}cke.yaml#/pfad\"}}}";
    let parts = "\u{feff}x-größe: &größe\r\n  description: ⚓\r\n  headers: {x-ä: {schema: {$ref: '#/größe'}}}\r\npfad:\r\n  get:\r\n    responses: {'200': *größe, default: {$ref: '#/nichts-ö'}}\r\ngröße: {type: string, minLength: zwölf}\r\n";
    let found = run(
        &[("a/root.json", root), ("stücke.yaml", parts)],
        "a/root.json",
    );
    let mut at = places(&found, parts);
    at.sort_unstable();
    assert_eq!(at, ["'#/nichts-ö'", "zwölf"], "{found:#?}");
}

/// A name of several words, in any map of components.
#[test]
fn a_name_is_proposed_for_a_component() {
    for (folder, users) in [
        ("securitySchemes", "the name in each `security`"),
        ("examples", "each `$ref` to it"),
    ] {
        let text = format!(
            "openapi: 3.0.1\ninfo: {{title: A, version: '1'}}\npaths:\n  /a: {{get: {{responses: {{'200': {{description: A}}}}}}}}\ncomponents:\n  {folder}:\n    Harbour Office User: {{}}\n"
        );
        let found = run(&[("a.yaml", &text)], "a.yaml");
        let found = found
            .iter()
            .find(|found| found.rule.code.0 == 2037)
            .unwrap();
        let help = format!("call it `Harbour-Office-User`, and change {users}");
        assert_eq!(found.help.as_deref(), Some(help.as_str()));
        assert_eq!(
            places(std::slice::from_ref(found), &text),
            ["Harbour Office User"]
        );
    }
}
