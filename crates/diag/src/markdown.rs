//! Findings as Markdown, for pull requests.

use super::Report;
use std::fmt::Write as _;

/// Characters that a comment on GitHub may have.
const MAX: usize = 65_536;
/// What is kept for the line that says what was left out.
const REST: usize = 100;

/// A table for a pull request, cut where a comment would be refused, with what was left
/// out in numbers.
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
    let (mut length, mut left_out) = (out.chars().count(), 0_u64);
    for finding in report.in_force() {
        if left_out > 0 {
            left_out += finding.count;
            continue;
        }
        let at = finding.range.map_or(String::new(), |r| {
            format!(":{}:{}", r.start.line, r.start.column)
        });
        let help = finding
            .help
            .as_deref()
            .map_or(String::new(), |help| format!(" _{}_", cell(help)));
        let row = format!(
            "| {} | [{}]({}) | {}{at} | {}{help} |\n",
            finding.severity,
            finding.rule.code,
            finding.rule.url(),
            cell(&finding.path),
            cell(&finding.message)
        );
        let more = row.chars().count();
        if length + more + REST > MAX {
            left_out = finding.count;
            continue;
        }
        length += more;
        out.push_str(&row);
    }
    if left_out > 0 {
        let _ = writeln!(out, "\n{left_out} more are left out; `--format json` has all.");
    }
    out
}
