//! WSDL, WADL, OData, GraphQL and gRPC: what makes an import fail, at its place.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code, which reads what the environment names"
)]

use flux_apim_definition::{Compiled, WsdlSelector, compile};
use flux_apim_diag::tree::{ArtifactPath, FileId, Limits, SourceTree};
use flux_apim_diag::{Budget, Diagnostic, Findings, Place, Severity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Run {
    compiled: Option<Compiled>,
    found: Vec<Diagnostic>,
    steps: u64,
}

fn run(name: &str, text: &str) -> Run {
    let path = ArtifactPath::parse(name).unwrap();
    let tree = SourceTree::in_memory(BTreeMap::from([(path, text.as_bytes().to_vec())]));
    let limits = Limits::default();
    let budget = Budget::new(&limits);
    let mut findings = Findings::new(&budget, &limits);
    let compiled = compile(&tree, FileId(0), &limits, &mut findings).unwrap();
    Run {
        compiled,
        found: findings.listed().to_vec(),
        steps: budget.spent(),
    }
}

/// Code and text at the place of each finding.
fn shown<'t>(found: &[Diagnostic], text: &'t str) -> Vec<(u16, &'t str)> {
    let at = |finding: &Diagnostic| match finding.place {
        Place::Span(span) => &text[span.start as usize..span.end as usize],
        _ => "",
    };
    found.iter().map(|f| (f.rule.code.0, at(f))).collect()
}

/// A WSDL document with `types` and `ports`.
fn wsdl(types: &str, ports: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:q" targetNamespace="urn:q">
  <wsdl:types><xs:schema targetNamespace="urn:q">{types}</xs:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="p" element="tns:Go"/></wsdl:message>
  <wsdl:portType name="Quay"><wsdl:operation name="Go"><wsdl:input message="tns:In"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="QuaySoap" type="tns:Quay"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></wsdl:binding>
  <wsdl:service name="QuayService">{ports}</wsdl:service>
</wsdl:definitions>"#
    )
}

const GO: &str = r#"<xs:element name="Go" type="xs:string"/>"#;

fn port(name: &str, address: &str) -> String {
    format!(
        r#"<wsdl:port name="{name}" binding="tns:QuaySoap"><soap:address location="{address}"/></wsdl:port>"#
    )
}

fn findings_of() -> Findings {
    let limits = Limits::default();
    Findings::new(&Budget::new(&limits), &limits)
}

#[test]
fn the_port_with_an_https_address_is_taken_and_said() {
    let (plain, secure) = (
        port("A", "http://q.example"),
        port("B", "HTTPS://q.example"),
    );
    let other = port("C", "http://r.example");
    for (ports, taken, said) in [
        (plain.clone(), "A", None),
        (format!("{plain}{secure}"), "B", Some("https")),
        (format!("{plain}{other}"), "A", Some("this one is http")),
    ] {
        let text = wsdl(GO, &ports);
        let outcome = run("a.wsdl", &text);
        assert_eq!(outcome.found.len(), 0, "{:?}", outcome.found);
        let compiled = outcome.compiled.unwrap();
        assert_eq!(compiled.selector.unwrap().endpoint, taken);
        let mut findings = findings_of();
        let chosen = compiled.ports.unwrap().choose(&mut findings);
        assert_eq!(chosen.endpoint, taken);
        let found = findings.listed();
        assert_eq!(found.len(), usize::from(said.is_some()));
        if let Some(said) = said {
            assert_eq!(shown(found, &text), [(2046, "QuayService")]);
            assert_eq!(found[0].rule.severity, Severity::Info);
            assert!(found[0].message.contains(said), "{}", found[0].message);
        }
    }
}

#[test]
fn a_selector_names_a_port_of_the_document() {
    let text = wsdl(GO, &port("QuayPort", "http://q.example"));
    let ports = run("a.wsdl", &text).compiled.unwrap().ports.unwrap();
    for (service, endpoint, help) in [
        ("QuayService", "QuayPort", None),
        ("QuayService", "QuayProt", Some("did you mean `QuayPort`?")),
        (
            "Other",
            "QuayPort",
            Some("`QuayService` with the port `QuayPort`"),
        ),
    ] {
        let given = WsdlSelector {
            service: service.into(),
            endpoint: endpoint.into(),
        };
        let mut findings = findings_of();
        ports.check(&given, FileId(0), &mut findings);
        let found = findings.listed();
        assert_eq!(found.len(), usize::from(help.is_some()));
        if let Some(help) = help {
            assert_eq!(found[0].rule.code.0, 2047);
            assert!(found[0].help.as_ref().unwrap().contains(help));
        }
    }
}

#[test]
fn types_that_contain_themselves_are_found_with_their_chain() {
    let one = r#"<xs:element name="Go" type="tns:Plan"/><xs:complexType name="Plan"><xs:sequence><xs:element name="step" type="tns:Plan" minOccurs="0"/></xs:sequence></xs:complexType>"#;
    let ports = port("A", "https://q.example");
    let text = wsdl(one, &ports);
    let found = run("a.wsdl", &text).found;
    assert_eq!(shown(&found, &text), [(2048, "Plan")]);
    assert!(found[0].message.contains("element `step`: Plan > Plan"));
    // Over several types, in anonymous ones, by extension and by groups.
    let several = r#"<xs:element name="Go"><xs:complexType><xs:sequence><xs:element ref="tns:A"/></xs:sequence></xs:complexType></xs:element>
        <xs:element name="A"><xs:complexType><xs:complexContent><xs:extension base="tns:B"/></xs:complexContent></xs:complexType></xs:element>
        <xs:complexType name="B"><xs:group ref="tns:C"/></xs:complexType>
        <xs:group name="C"><xs:choice><xs:element name="go" type="tns:D"/></xs:choice></xs:group>
        <xs:complexType name="D"><xs:sequence><xs:element ref="tns:Go"/></xs:sequence></xs:complexType>"#;
    let text = wsdl(several, &ports);
    let found = run("a.wsdl", &text).found;
    assert_eq!(shown(&found, &text), [(2048, "Go")]);
    assert!(found[0].message.ends_with("Go > A > B > C > D > Go"));
    assert_eq!(found[0].related.len(), 5);
    // The same type twice is no circle.
    let twice = r#"<xs:element name="Go"><xs:complexType><xs:sequence><xs:element name="a" type="tns:B"/><xs:element name="b" type="tns:B"/></xs:sequence></xs:complexType></xs:element><xs:complexType name="B"/>"#;
    assert!(run("a.wsdl", &wsdl(twice, &ports)).found.is_empty());
}

#[test]
fn findings_stand_at_their_characters_in_xml() {
    let types = r#"<xs:element name="Go" type="tns:Größe"/>"#;
    let text = wsdl(types, &port("Ä", "https://q.example"));
    for text in [format!("\u{feff}{text}"), text.replace('\n', "\r\n")] {
        let found = run("a.wsdl", &text).found;
        assert_eq!(shown(&found, &text), [(2049, "tns:Größe")], "{found:?}");
    }
}

#[test]
fn names_lead_somewhere_and_nothing_is_imported() {
    let ports = port("A", "https://q.example");
    for (types, code, at) in [
        (r#"<xs:element name="Go" type="string"/>"#, 2049, "string"),
        (
            r#"<xs:element name="Go"><xs:complexType><xs:attribute name="a" type="tns:T"/></xs:complexType></xs:element>"#,
            2049,
            "tns:T",
        ),
        (
            r#"<xs:include schemaLocation="a.xsd"/><xs:element name="Go"/>"#,
            2050,
            "a.xsd",
        ),
        (
            r#"<xs:import namespace="urn:r" schemaLocation="r.xsd"/><xs:element name="Go" type="r:T" xmlns:r="urn:r"/>"#,
            2050,
            "r.xsd",
        ),
    ] {
        let text = wsdl(types, &ports);
        assert_eq!(shown(&run("a.wsdl", &text).found, &text), [(code, at)]);
    }
    // Of a schema that stands beside it.
    let two = r#"<xs:import namespace="urn:r"/><xs:element name="Go" type="r:T" xmlns:r="urn:r"/></xs:schema><xs:schema targetNamespace="urn:r"><xs:simpleType name="T"><xs:restriction base="xs:string"/></xs:simpleType>"#;
    assert!(run("a.wsdl", &wsdl(two, &ports)).found.is_empty());
    let text = wsdl(GO, &ports).replace("type=\"tns:Quay\"", "type=\"tns:Quai\"");
    let found = run("a.wsdl", &text).found;
    assert_eq!(shown(&found, &text), [(2049, "tns:Quai")]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `Quay`?"));
}

/// What takes more than its size.
#[test]
fn hostile_documents_are_bounded() {
    fn many(n: usize, entry: impl Fn(usize) -> String) -> String {
        (0..n).map(entry).collect()
    }
    type Shape = (&'static str, fn(usize) -> String);
    let shapes: [Shape; 4] = [
        ("a circle of types", |n| {
            let types = many(n, |i| {
                format!(
                    r#"<xs:complexType name="T{i}"><xs:sequence><xs:element name="e" type="tns:T{}"/></xs:sequence></xs:complexType>"#,
                    (i + 1) % n
                )
            });
            wsdl(&format!("{GO}{types}"), &port("A", "https://q.example"))
        }),
        ("types of each other", |n| {
            let types = many(n, |i| {
                let uses = many(8, |j| {
                    format!(
                        r#"<xs:element name="e{j}" type="tns:T{}"/>"#,
                        (i * 7 + j) % n
                    )
                });
                format!(
                    r#"<xs:complexType name="T{i}"><xs:sequence>{uses}</xs:sequence></xs:complexType>"#
                )
            });
            wsdl(&format!("{GO}{types}"), &port("A", "https://q.example"))
        }),
        ("ports", |n| {
            let ports = many(n, |i| port(&format!("P{i}"), "http://q.example"));
            wsdl(GO, &ports)
        }),
        ("names of nothing", |n| {
            let types = many(n, |i| {
                format!(r#"<xs:element name="E{i}" type="tns:X{i}"/>"#)
            });
            wsdl(&format!("{GO}{types}"), &port("A", "https://q.example"))
        }),
    ];
    for (name, shape) in shapes {
        let (once, twice) = (shape(500), shape(1000));
        let grown = twice.len() as f64 / once.len() as f64;
        let steps = |text: &str| run("a.wsdl", text).steps as f64;
        let ratio = steps(&twice) / steps(&once);
        assert!(ratio < grown * 1.15 + 0.1, "{name}: {ratio} for {grown}");
    }
    let deep = format!("<definitions>{}", "<a>".repeat(100_000));
    let found = run("a.wsdl", &deep).found;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule.code.0, 1006);
}

/// The definitions below `folder` that are no OpenAPI.
fn definitions(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ends = ["wsdl", "wadl", "edmx", "graphql", "proto"];
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            definitions(&path, out);
        } else if extension.is_some_and(|extension| ends.contains(&extension)) {
            out.push(path);
        }
    }
}

/// `FLUX_APIM_CORPUS` has such definitions, and so may the folders have that
/// `FLUX_APIM_DEFINITIONS` names.
#[test]
fn what_others_publish_has_no_error() {
    let mut files = Vec::new();
    for variable in ["FLUX_APIM_CORPUS", "FLUX_APIM_DEFINITIONS"] {
        let Some(folders) = std::env::var_os(variable) else {
            println!("{variable} is not set");
            continue;
        };
        for folder in std::env::split_paths(&folders) {
            definitions(&folder, &mut files);
        }
    }
    files.sort();
    let mut wrong = 0;
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let found = run(name, &text).found;
        let errors = found.iter().filter(|f| f.rule.severity == Severity::Error);
        for error in errors {
            wrong += 1;
            println!("{}: {} {}", file.display(), error.rule.code, error.message);
        }
    }
    println!("{} definitions", files.len());
    assert_eq!(wrong, 0, "errors in published definitions");
}

#[test]
fn graphql_is_read_as_the_specification_has_it() {
    let good = r#"
"""A schema with \""" all of it."""
schema @a(b: [1, -2.5e3, {c: null, d: "}"}, $e]) { query: Root }
directive @a("one" b: [[Int!]!]! = [[1]], c: In) repeatable on | FIELD_DEFINITION | OBJECT
type Root implements & Node & Named @a { "x" ships(first: Int = 10 @a, where: In): [Ship!]! type: String }
interface Node { id: ID! } interface Named implements Node { id: ID!, name: Date }
extend type Root { more: Any }
union Any = | Root | Ship
enum Size { SMALL LARGE @a }
scalar Date @specifiedBy(url: "https://a.example")
input In { not: In, size: Size! = SMALL }
type Ship implements Node, Named { id: ID! }
type Empty implements Node
# The end.
"#;
    let good = good.replace(", $e", "");
    assert!(run("a.graphql", &good).found.is_empty());
    for (text, code, at) in [
        ("type Query { a: [Int }", 2053, "}"),
        ("type Query { a Int }", 2053, "Int"),
        ("type Query { }", 2053, "}"),
        ("type Query { a: Int } \"open", 2053, "\""),
        ("type Query { a: Int } query { a }", 2053, "query"),
        ("type Query { a: Int }\r\ntype Größe { a: Int }", 2053, "ö"),
        ("type Query { a: Int } type Query { b: Int }", 2053, "Query"),
        ("type Query { a: Date }", 2055, "Date"),
        ("type Query { a(b: Dtae): Int } scalar Date", 2055, "Dtae"),
        ("type Qeury { a: Int }", 2054, ""),
        ("schema { mutation: M } type M { a: Int }", 2054, "schema"),
        (
            "type Query { a(b: A): Int } input A { b: B! } input B { a: A! }",
            2056,
            "A",
        ),
    ] {
        for text in [text.to_owned(), format!("\u{feff}{text}")] {
            let found = run("a.graphql", &text).found;
            assert_eq!(shown(&found, &text), [(code, at)], "{text}");
        }
    }
}

#[test]
fn proto_files_are_read_as_the_language_has_them() {
    let good = r#"
syntax = "proto3"; // a comment
package a.b; /* another
one */
import public "google/protobuf/timestamp.proto";
option (x.y).z = { a: 1, b: [ { c: "}" 'd' } ] };
service Fleet {
  option deprecated = true;
  rpc Get (stream Key) returns (stream .a.b.Ship) { option (google.api.http) = { get: "/v1" }; }
  rpc Put (b.Ship.Part) returns (google.protobuf.Empty);
}
message Key { reserved 1, 3 to max; reserved "a"; string message = 2 [deprecated = true, (x) = { a: 1 }]; }
message Ship {
  message Part { Ship ship = 1; Size size = 2; }
  enum Size { option allow_alias = true; SMALL = 0; LARGE = -1 [deprecated = true]; reserved 5; }
  oneof one { Part part = 1; string other = 2; }
  map<string, Part> parts = 0x3;
  optional google.protobuf.Timestamp at = 4;
  repeated group Old = 5 { int32 a = 1; };
  extensions 100 to 199;
  Old old = 6;
}
extend Ship { optional int32 more = 126; }
"#;
    let found = run("a.proto", good).found;
    assert!(found.is_empty(), "{found:?}");
    let with =
        |more: &str| format!("service S {{ rpc A (M) returns (M); }} message M {{ {more} }}");
    for (text, code, at) in [
        (with("string a 1;"), 2057, "1"),
        (with("string a = 1"), 2057, "}"),
        (with("string a = b;"), 2057, "b"),
        (with("Größe a = 1;"), 2057, "ö"),
        (with("/* open"), 2057, "/"),
        (with("M.N a = 1;"), 2059, "M.N"),
        (with("map<string, strnig> a = 1;"), 2059, "strnig"),
        (
            format!("import \"b.proto\"; {}", with("B b = 1;")),
            2060,
            "\"b.proto\"",
        ),
        ("message M { }".to_owned(), 2058, ""),
    ] {
        let found = run("a.proto", &text).found;
        assert_eq!(shown(&found, &text), [(code, at)], "{text}");
    }
}

#[test]
fn hostile_schemas_are_bounded() {
    let n = 200_000;
    let open = |sign: &str| sign.repeat(n);
    for (name, text) in [
        ("a.graphql", format!("type Query {{ a: {}", open("["))),
        (
            "a.graphql",
            format!("type Query {{ a: Int @b(c: {}", open("[")),
        ),
        (
            "a.graphql",
            format!("type Query {{ a: Int @b(c: {}", open("{a:")),
        ),
        (
            "a.graphql",
            format!("type Query {{ a: Int }} \"{}", open("a")),
        ),
        (
            "a.graphql",
            format!("type Query {{ a: Int }} \"\"\"{}", open("\\\"\"\"")),
        ),
        ("a.proto", open("message M {")),
        ("a.proto", format!("option a = {}", open("{"))),
        ("a.proto", format!("message M {{ {} a = 1; }}", open("a."))),
    ] {
        let found = run(name, &text).found;
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
    fn many(n: usize, entry: impl Fn(usize) -> String) -> String {
        (0..n).map(entry).collect()
    }
    type Shape = (&'static str, fn(usize) -> String);
    let shapes: [Shape; 4] = [
        ("a.graphql", |n| {
            let inputs = many(n, |i| format!("input I{i} {{ a: I{}! }} ", (i + 1) % n));
            format!("type Query {{ a: Int }} {inputs}")
        }),
        ("a.graphql", |n| {
            let fields = many(n, |i| format!("f{i}: T{i} "));
            format!("type Query {{ {fields} }}")
        }),
        ("a.proto", |n| {
            let messages = many(n, |i| {
                format!("message M{i} {{ M{} a = 1; }} ", (i + 1) % n)
            });
            format!("service S {{ }} {messages}")
        }),
        ("a.proto", |n| {
            let fields = many(n, |i| format!("a.b.N f{i} = {i}; "));
            format!("package a.b.c; service S {{ }} message M {{ {fields} }}")
        }),
    ];
    for (name, shape) in shapes {
        let (once, twice) = (shape(1000), shape(2000));
        let grown = twice.len() as f64 / once.len() as f64;
        let ratio = run(name, &twice).steps as f64 / run(name, &once).steps as f64;
        assert!(ratio < grown * 1.15 + 0.1, "{name}: {ratio} for {grown}");
    }
}
