//! One span-preserving tree for JSON and YAML.
//!
//! A [`Document`] keeps what `serde_json` and YAML loaders drop: byte spans,
//! key order, exact numbers. Both parsers are total and do not recurse; they
//! refuse duplicate keys and documents beyond the caps. A [`Value`] is the
//! owned, mutable form for the small documents that are edited.

mod allow;
mod builder;
mod document;
mod escape;
mod index;
mod json;
mod node;
mod number;
mod origins;
pub mod rules;
mod value;
mod write;
mod yaml;

pub use allow::{ALLOW, Allow, Name};
pub use document::{Document, Entries, Items, NodeRef, Way};
pub use escape::{json_len, yaml_escape, yaml_len};
pub use node::NodeKind;
pub use origins::Origins;
pub use value::{Data, Entry, Value};
pub use write::{write_escaped, write_node, write_node_while, write_string};

use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Diagnostic, Findings, Meter, Rule, Span};
use rules::not_utf8;

/// The grammar of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2, core schema.
    Yaml,
}

impl Format {
    /// By the file's extension; by the first character when that says nothing.
    pub fn of(name: &str, text: &str) -> Self {
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ if first_byte(text).is_some_and(|byte| matches!(byte, b'{' | b'[')) => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// The first byte of `text` behind a byte order mark and space. A text may be
/// 64 MiB of it: only what is no plain space is looked at as a character.
pub fn first_byte(text: &str) -> Option<u8> {
    let text = text.trim_start_matches('\u{feff}');
    let space = text.bytes().take_while(u8::is_ascii_whitespace).count();
    text[space..].trim_start().bytes().next()
}

/// How a document is parsed.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The rule of a grammar error.
    pub malformed: &'static Rule,
    /// Caps on depth, values and aliases.
    pub limits: &'a Limits,
}

/// The bytes of `file` as text.
///
/// # Errors
/// A finding at the first byte that is not UTF-8.
pub fn utf8(file: FileId, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Box::new(not_utf8::found(file, error.as_bytes(), at))
    })
}

/// Parses `text` as `format`. `None` when a finding says why there is no tree.
pub fn parse(
    file: FileId,
    text: String,
    format: Format,
    options: Options<'_>,
    findings: &mut Findings,
) -> Option<Document> {
    let meter = findings.budget().meter();
    parse_with(file, text, format, options, &meter, findings)
}

/// The same, its steps counted by `meter`.
pub fn parse_with(
    file: FileId,
    text: String,
    format: Format,
    options: Options<'_>,
    meter: &Meter,
    findings: &mut Findings,
) -> Option<Document> {
    match format {
        Format::Json => json::parse(file, text, options, meter, findings),
        Format::Yaml => yaml::parse(file, text, options, meter, findings),
    }
}

/// What both parsers check when a value is added.
struct Caps {
    depth: u64,
    nodes: u64,
}

impl Caps {
    fn new(limits: &Limits) -> Self {
        Self {
            depth: limits.max_depth,
            nodes: limits.max_nodes,
        }
    }

    fn check(&self, depth: usize, nodes: usize, span: Span) -> Result<(), Box<Diagnostic>> {
        if depth as u64 > self.depth {
            let what = format!("the document is nested {depth} levels deep");
            return Err(Box::new(document_limit::over(
                span,
                &what,
                self.depth,
                "max-depth",
            )));
        }
        if nodes as u64 > self.nodes {
            let what = format!("the document has more than {} values", self.nodes);
            return Err(Box::new(document_limit::over(
                span,
                &what,
                self.nodes,
                "max-nodes",
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flux_apim_diag::Place;
    use proptest::prelude::*;

    fn read(text: &str, format: Format) -> (Option<Document>, Vec<Diagnostic>) {
        let limits = Limits::default();
        let options = Options {
            malformed: &rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), text.to_owned(), format, options, &mut findings);
        (document, findings.listed().to_vec())
    }

    fn parsed(text: &str, format: Format) -> (Option<String>, Vec<Diagnostic>) {
        let (document, findings) = read(text, format);
        let json = document.map(|document| {
            let mut out = String::new();
            write_node(&mut out, document.root());
            out
        });
        (json, findings)
    }

    fn json(text: &str, format: Format) -> String {
        let (json, findings) = parsed(text, format);
        assert!(findings.is_empty(), "{findings:#?}");
        json.unwrap()
    }

    #[test]
    fn yaml_is_the_core_schema() {
        for (yaml, expected) in [
            ("a: yes\nb: no\nc: on", r#"{"a":"yes","b":"no","c":"on"}"#),
            (
                "200: ok\ntrue: x\nnull: y",
                r#"{"200":"ok","true":"x","null":"y"}"#,
            ),
            (
                "- 014\n- 1_000\n- 2024-01-01\n- .5",
                r#"[14,"1_000","2024-01-01",0.5]"#,
            ),
            ("a: -9223372036854776000", r#"{"a":-9223372036854776000}"#),
            ("a: !!str 1\nb: '1'\nc: ~", r#"{"a":"1","b":"1","c":null}"#),
            ("\u{feff}a: b\r\nc: d\r\n", r#"{"a":"b","c":"d"}"#),
            (
                "x: &a {b: 1, c: 2}\ny: {<<: *a, c: 3}",
                r#"{"x":{"b":1,"c":2},"y":{"b":1,"c":3}}"#,
            ),
            ("a: &k key\n*k : v", r#"{"a":"key","key":"v"}"#),
            ("a: |\n  x\n  y\n", r#"{"a":"x\ny\n"}"#),
            ("a: {\n  b: 1\n}", r#"{"a":{"b":1}}"#),
            ("o:\n  a: {\n  b: 'x\n y'\n}", r#"{"o":{"a":{"b":"x y"}}}"#),
            ("", "null"),
        ] {
            assert_eq!(json(yaml, Format::Yaml), expected, "{yaml:?}");
        }
    }

    #[test]
    fn findings_stand_where_they_are() {
        for (text, format, code, at) in [
            ("{\"a\": 1,}", Format::Json, 1004, "}"),
            ("{\"a\": 1 \"b\"", Format::Json, 1004, "\""),
            ("{\"a\": 01}", Format::Json, 1004, "1"),
            ("[\"\\ud800\"]", Format::Json, 1004, "\\ud800"),
            ("[1] x", Format::Json, 1004, "x"),
            ("{\"a\": 1, \"a\": 2}", Format::Json, 1005, "\"a\""),
            ("a: 1\nb: 2\na: 3", Format::Yaml, 1005, "a"),
            ("a: .inf", Format::Yaml, 1004, ".inf"),
            ("\"a\": 1\n\"a\" : 2 # x", Format::Yaml, 1005, "\"a\""),
            ("a: &x [*x]", Format::Yaml, 1004, "*x"),
        ] {
            let (_, findings) = parsed(text, format);
            assert_eq!(findings[0].rule.code.0, code, "{text}");
            let Place::Span(span) = findings[0].place else {
                panic!("{text}")
            };
            assert_eq!(&text[span.start as usize..span.end as usize], at, "{text}");
        }
        for text in ["{", "[", "\"", "{\"a\"", "nul", "-", ""] {
            let (document, findings) = parsed(text, Format::Json);
            assert!(document.is_none() && !findings.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_comment_is_no_part_of_a_scalar() {
        for scalar in ["\"a\\\" # b\"", "'it''s # b'", "plain", "''", "\"\""] {
            let (document, _) = read(&format!("k: {scalar}   # \"comment'\nl: 1"), Format::Yaml);
            let document = document.unwrap();
            let span = document.root().get("k").unwrap().span();
            let text = format!("k: {scalar}");
            assert_eq!(&text[span.start as usize..], scalar, "{span:?}");
            assert_eq!(span.end as usize, text.len(), "{scalar}");
        }
    }

    #[test]
    fn what_a_document_says_to_us_is_taken_out() {
        let json = r#"{"a": [1, {"x-flux-apim-allow": {"n": "r"}}], "x-flux-apim-allow": {"m": "s", "k": "t"}, "b": {"c": 2, "x-flux-apim-allow": [1, {"d": 3}], "e": [4]}}"#;
        let yaml = "a: &a\n  x-flux-apim-allow: &b {n: r}\n  c: &c 1\nd: *a\ne: *b\nf: *c\n";
        for (text, format, left, allows) in [
            (
                json,
                Format::Json,
                r#"{"a":[1,{}],"b":{"c":2,"e":[4]}}"#,
                "{n:r} {m:s,k:t}! none",
            ),
            (
                yaml,
                Format::Yaml,
                r#"{"a":{"c":1},"d":{"c":1},"e":{"n":"r"},"f":1}"#,
                "{n:r} {n:r}",
            ),
            (
                r#"{"s": "x-flux-apim-allow", "t": ["x-flux-apim-allow"]}"#,
                Format::Json,
                r#"{"s":"x-flux-apim-allow","t":["x-flux-apim-allow"]}"#,
                "",
            ),
        ] {
            let (document, findings) = read(text, format);
            assert!(findings.is_empty(), "{findings:#?}");
            let document = document.unwrap();
            let mut out = String::new();
            write_node(&mut out, document.root());
            assert_eq!(out, left);
            let shown = document.allows().iter().map(|allow| {
                let names = allow.names.as_ref().map(|names| {
                    let names = names.iter().map(|n| format!("{}:{}", n.name, n.text));
                    format!("{{{}}}", names.collect::<Vec<_>>().join(","))
                });
                let object = &text[allow.object.start as usize..allow.object.end as usize];
                assert!(object.contains(ALLOW), "{object}");
                let root = if allow.is_root { "!" } else { "" };
                names.unwrap_or_else(|| "none".to_owned()) + root
            });
            let mut shown: Vec<_> = shown.collect();
            let mut allows: Vec<_> = allows.split_whitespace().collect();
            shown.sort();
            allows.sort_unstable();
            assert_eq!(shown, allows);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let laughs = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            let inner = vec![format!("*a{}", n - 1); 10].join(", ");
            text + &format!("a{n}: &a{n} [{inner}]\n")
        });
        let blocks: String = (0..20_000)
            .map(|n| format!("{}a:\n", " ".repeat(n % 3000)))
            .collect();
        for (text, format) in [
            ("[".repeat(100_000), Format::Json),
            ("[".repeat(100_000), Format::Yaml),
            ("{a: ".repeat(20_000), Format::Yaml),
            (laughs, Format::Yaml),
            (blocks, Format::Yaml),
        ] {
            let (document, findings) = parsed(&text, format);
            assert!(document.is_none() && !findings.is_empty());
        }
    }

    proptest! {
        #[test]
        fn parsers_are_total(text in "[\\PC\\n{}\\[\\]\"':,&*!|>#-]{0,80}") {
            for format in [Format::Json, Format::Yaml] {
                let (_, findings) = parsed(&text, format);
                for finding in findings {
                    if let Place::Span(span) = finding.place {
                        prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
                    }
                }
            }
        }

        #[test]
        fn json_comes_back(strings in proptest::collection::vec(any::<String>(), 0..6), number in any::<f64>()) {
            let value = serde_json::json!({"s": strings, "n": number, "o": {"e": {}, "l": [null, true]}});
            let text = serde_json::to_string_pretty(&value).unwrap();
            let back: serde_json::Value = serde_json::from_str(&json(&text, Format::Json)).unwrap();
            prop_assert_eq!(&back, &value);
            // JSON without tabs and DEL is YAML.
            if !text.contains(|c: char| c.is_control() && c != '\n' || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')) {
                let yaml: serde_json::Value = serde_json::from_str(&json(&text, Format::Yaml)).unwrap();
                prop_assert_eq!(yaml, value);
            }
        }
    }
}
