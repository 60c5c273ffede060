//! Findings as Markdown, for pull requests.

use super::Report;
use std::fmt::Write as _;

/// A table for a pull request.
pub fn to_markdown(report: &Report) -> String {
    let cell = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('|', "\\|")
            .replace(['\r', '\n'], " ")
            .replace('<', "&lt;")
    };
    let summary = report.summary();
    let mut out = format!(
        "**flux-apim**: {} errors, {} warnings, {} info\n",
        summary.error, summary.warning, summary.info
    );
    if summary.suppressed > 0 {
        let _ = writeln!(out, "\n{} suppressed by exceptions", summary.suppressed);
    }
    if report.in_force().next().is_none() {
        return out;
    }
    out.push_str("\n| | Code | Where | What |\n|---|---|---|---|\n");
    for finding in report.in_force() {
        let at = finding.range.map_or(String::new(), |r| {
            format!(":{}:{}", r.start.line, r.start.column)
        });
        let help = finding
            .help
            .as_deref()
            .map_or(String::new(), |help| format!(" _{}_", cell(help)));
        let _ = writeln!(
            out,
            "| {} | [{}]({}) | {}{at} | {}{help} |",
            finding.severity,
            finding.rule.code,
            finding.rule.url(),
            cell(&finding.path),
            cell(&finding.message)
        );
    }
    out
}
