//! SARIF 2.1.0, for code-scanning services.

use super::{Exemption, HOME, Located, LocatedFix, Prerequisite, Range, Report, Rule, Severity};
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The report as one SARIF log. Paths are relative to the source.
pub fn to_sarif<'a>(report: &'a Report, version: &'a str) -> impl Serialize + 'a {
    let mut used: Vec<_> = report.diagnostics.iter().map(|d| d.rule).collect();
    used.sort_by_key(|rule| rule.code);
    used.dedup_by_key(|rule| rule.code);
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": {
                "name": "flux-apim", "version": version, "informationUri": HOME,
                "rules": used.iter().copied().map(descriptor).collect::<Vec<_>>(),
            }}),
            column_kind: "unicodeCodePoints",
            results: Results {
                findings: &report.diagnostics,
                used,
            },
            properties: Properties {
                prerequisites: &report.prerequisites,
            },
        }],
    }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
struct Run<'a> {
    tool: Value,
    #[serde(rename = "columnKind")]
    column_kind: &'static str,
    results: Results<'a>,
    #[serde(skip_serializing_if = "Properties::is_empty")]
    properties: Properties<'a>,
}

/// What SARIF has no place for.
#[derive(Serialize)]
struct Properties<'a> {
    prerequisites: &'a [Prerequisite],
}

impl Properties<'_> {
    fn is_empty(&self) -> bool {
        self.prerequisites.is_empty()
    }
}

/// Written one by one: as JSON values they would take ten times their text.
struct Results<'a> {
    findings: &'a [Located],
    used: Vec<&'static Rule>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.findings.iter().map(|d| result(d, &self.used)))
    }
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code.to_string(),
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.explanation(), "markdown": rule.explanation()},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(finding: &Located, used: &[&Rule]) -> Value {
    let mut text = finding.message.clone();
    if let Some(help) = &finding.help {
        text.push_str(". ");
        text.push_str(help);
    }
    let location = json!({
        "artifactLocation": {"uri": uri(&finding.path)},
        // Services show what is about a whole file at its start.
        "region": match &finding.range {
            Some(range) => region(range),
            None => json!({"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}),
        },
    });
    // A finding about the source as a whole has no place: an empty URI would name one.
    let has_place = !finding.path.is_empty();
    let mut result = json!({
        "ruleId": finding.rule.code.to_string(),
        "ruleIndex": used.iter().position(|rule| rule.code == finding.rule.code),
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [],
    });
    if has_place {
        result["locations"] = json!([{"physicalLocation": location}]);
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([fix_of(fix)]);
    }
    if let Some(lowered) = finding.lowered.as_ref().filter(|_| finding.is_suppressed()) {
        let kind = match lowered.by {
            Exemption::Allowance => "inSource",
            Exemption::Level | Exemption::Baseline => "external",
        };
        let mut suppression = json!({"kind": kind, "status": "accepted"});
        if let Some(reason) = &lowered.reason {
            suppression["justification"] = json!(reason);
        }
        result["suppressions"] = json!([suppression]);
    }
    result
}

/// A fix, with the changes of each file together.
fn fix_of(fix: &LocatedFix) -> Value {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let replacement = json!({
            "deletedRegion": region(&edit.range),
            "insertedContent": {"text": edit.text},
        });
        files.entry(&edit.path).or_default().push(replacement);
    }
    let changes = files.into_iter().map(|(path, replacements)| {
        json!({"artifactLocation": {"uri": uri(path)}, "replacements": replacements})
    });
    json!({
        "description": {"text": fix.title},
        "artifactChanges": changes.collect::<Vec<_>>(),
    })
}

fn region(range: &Range) -> Value {
    json!({
        "startLine": range.start.line, "startColumn": range.start.column,
        "endLine": range.end.line, "endColumn": range.end.column,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// `path` as a URI reference, an absolute one as the URI of a file: everything outside RFC
/// 3986's unreserved characters and `/` is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char);
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
