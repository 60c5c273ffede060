//! Findings as CI systems take them: GitHub, GitLab, Azure DevOps, and JUnit's XML.

use crate::diag::{Located, Prerequisite, Report, Severity};
use crate::tree::Digest;
use serde_json::json;
use std::fmt::Write as _;

/// Workflow commands of GitHub Actions.
pub(super) fn github(report: &Report) -> String {
    let escape = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for finding in report.in_force() {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut properties = format!(
            "title={}",
            property(&format!("{} {}", finding.rule.code, finding.rule.name))
        );
        if !finding.path.is_empty() {
            let _ = write!(properties, ",file={}", property(&finding.path));
        }
        if let Some(range) = finding.range {
            let _ = write!(
                properties,
                ",line={},col={},endLine={}",
                range.start.line, range.start.column, range.end.line
            );
        }
        let help = finding
            .help
            .as_deref()
            .map_or(String::new(), |help| format!("\n{help}"));
        let _ = writeln!(
            out,
            "::{level} {properties}::{}",
            escape(&format!("{}{help}", finding.message))
        );
    }
    // One notice: a forge shows few annotations of a run.
    if !report.prerequisites.is_empty() {
        let _ = writeln!(out, "::notice title={}::{}", property(MUST_HAVE), {
            escape(&needed(&report.prerequisites))
        });
    }
    out
}

/// What the lists of what the service must have are called.
const MUST_HAVE: &str = "the service must have, and this does not bring";

/// What the service must have, a line each.
fn needed(needs: &[Prerequisite]) -> String {
    let lines = needs
        .iter()
        .map(|need| format!("{}: {}", need.kind, need.name));
    lines.collect::<Vec<_>>().join("\n")
}

/// GitLab's Code Quality report: a JSON array. The fingerprint of a finding stays when
/// lines before it change.
pub(super) fn gitlab(report: &Report) -> String {
    let mut seen = std::collections::BTreeMap::new();
    let findings = report.in_force().map(|finding| {
        let text = format!("{} {} {}", finding.rule.code, finding.path, finding.message);
        let again = seen.entry(text.clone()).or_insert(0_u64);
        *again += 1;
        let line = finding.range.map_or(1, |range| range.start.line);
        json!({
            "description": described(finding),
            "check_name": format!("{} {}", finding.rule.code, finding.rule.name),
            "fingerprint": Digest::of(format!("{text} {again}").as_bytes()).to_string(),
            "severity": match finding.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Info => "info",
            },
            "location": {"path": finding.path, "lines": {"begin": line}},
        })
    });
    // Of what the service must have, an entry each: the report has nothing but entries, and
    // each needs a file.
    let needs = report.prerequisites.iter().map(|need| {
        let text = format!("{MUST_HAVE}: {} {}", need.kind, need.name);
        json!({
            "description": text,
            "check_name": "prerequisite",
            "fingerprint": Digest::of(text.as_bytes()).to_string(),
            "severity": "info",
            "location": {
                "path": need.by.first().map_or("", String::as_str),
                "lines": {"begin": 1},
            },
        })
    });
    format!("{}\n", serde_json::Value::from_iter(findings.chain(needs)))
}

/// Logging commands of Azure Pipelines, which knows errors and warnings.
pub(super) fn azure(report: &Report) -> String {
    let escape = |text: &str| {
        let text = text.replace('%', "%AZP25");
        text.replace(';', "%3B")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
            .replace(']', "%5D")
    };
    let mut out = String::new();
    for finding in report.in_force() {
        let kind = match finding.severity {
            Severity::Error => "error",
            Severity::Warning | Severity::Info => "warning",
        };
        let mut properties = format!("type={kind};code={}", finding.rule.code);
        if !finding.path.is_empty() {
            let _ = write!(properties, ";sourcepath={}", escape(&finding.path));
        }
        if let Some(range) = finding.range {
            let start = range.start;
            let _ = write!(
                properties,
                ";linenumber={};columnnumber={}",
                start.line, start.column
            );
        }
        let text = described(finding).replace('%', "%AZP25");
        let text = text.replace('\r', "%0D").replace('\n', "%0A");
        let _ = writeln!(out, "##vso[task.logissue {properties}]{text}");
    }
    // Pipelines know no information: lines of the log that are shown as a group.
    if !report.prerequisites.is_empty() {
        let _ = writeln!(out, "##[group]{MUST_HAVE}");
        for line in needed(&report.prerequisites).lines() {
            let _ = writeln!(out, "{}", line.replace("##", "# #"));
        }
        out.push_str("##[endgroup]\n");
    }
    out
}

/// JUnit's XML: a test for each finding, failed where it is an error, and one that passes
/// where nothing was found.
pub(super) fn junit(report: &Report) -> String {
    let summary = report.summary();
    let total = report.in_force().count().max(1);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites><testsuite name=\"flux-apim\" tests=\"{total}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
        report
            .in_force()
            .filter(|f| f.severity == Severity::Error)
            .count()
    );
    for finding in report.in_force() {
        let at = finding.range.map_or(String::new(), |range| {
            format!(":{}:{}", range.start.line, range.start.column)
        });
        let text = format!("{}{at}: {}", finding.path, described(finding));
        let name = format!("{} {}{at}", finding.rule.code, finding.path);
        let _ = write!(
            out,
            "<testcase name=\"{}\" classname=\"{}\"",
            xml(&name),
            xml(finding.rule.name)
        );
        let _ = match finding.severity {
            Severity::Error => writeln!(
                out,
                "><failure message=\"{}\" type=\"{}\">{}</failure></testcase>",
                xml(&finding.message),
                finding.rule.code,
                xml(&text)
            ),
            _ => writeln!(out, "><system-out>{}</system-out></testcase>", xml(&text)),
        };
    }
    if summary.error + summary.warning + summary.info == 0 {
        out.push_str("<testcase name=\"no findings\" classname=\"flux-apim\" />\n");
    }
    if !report.prerequisites.is_empty() {
        let text = format!("{MUST_HAVE}:\n{}", needed(&report.prerequisites));
        let _ = writeln!(out, "<system-out>{}</system-out>", xml(&text));
    }
    out.push_str("</testsuite></testsuites>\n");
    out
}

/// What is wrong and what to do.
fn described(finding: &Located) -> String {
    match &finding.help {
        Some(help) => format!("{}. {help}", finding.message),
        None => finding.message.clone(),
    }
}

/// `text` inside of XML: what XML 1.0 has no place for is shown as a question mark.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
