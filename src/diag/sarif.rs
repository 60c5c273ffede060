//! SARIF 2.1.0, for code-scanning services.

use super::{Report, Severity, rules};
use serde_json::{Value, json};

/// The report as one SARIF log. Paths are relative to the source.
pub fn to_sarif(report: &Report, version: &str) -> Value {
    let mut used: Vec<_> = report.diagnostics.iter().map(|d| d.rule).collect();
    used.sort_by_key(|rule| rule.code);
    used.dedup_by_key(|rule| rule.code);
    let descriptors: Vec<Value> = used
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code.to_string(),
                "name": rule.name,
                "shortDescription": {"text": rule.summary},
                "help": {"text": rule.explanation, "markdown": rule.explanation},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = report
        .diagnostics
        .iter()
        .map(|d| {
            let mut text = d.message.clone();
            if let Some(help) = &d.help {
                text.push_str(". ");
                text.push_str(help);
            }
            let mut location = json!({"artifactLocation": {"uri": uri(&d.path)}});
            if let Some(range) = &d.range {
                location["region"] = json!({
                    "startLine": range.start.line, "startColumn": range.start.column,
                    "endLine": range.end.line, "endColumn": range.end.column,
                });
            }
            json!({
                "ruleId": d.rule.code.to_string(),
                "ruleIndex": used.iter().position(|r| r.code == d.rule.code),
                "level": level(d.severity),
                "message": {"text": text},
                "locations": [{"physicalLocation": location}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "flux-apim", "version": version,
                "informationUri": rules::HOME, "rules": descriptors,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// `path` as a relative URI reference: everything outside RFC 3986's
/// unreserved characters and `/` is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
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
