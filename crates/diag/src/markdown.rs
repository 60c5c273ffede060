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
    let summary = report.summary();
    let mut out = format!(
        "**flux-apim**: {} errors, {} warnings, {} info\n",
        summary.error, summary.warning, summary.info
    );
    if summary.suppressed > 0 {
        let _ = writeln!(out, "\n{} suppressed by exceptions", summary.suppressed);
    }
    needs(report, &mut out);
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
        let _ = writeln!(
            out,
            "\n{left_out} more are left out; `--format json` has all."
        );
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\r', '\n'], " ")
        .replace('<', "&lt;")
}

/// Characters that the list of what the service must have may take.
const MAX_NEEDS: usize = 8_192;

/// What the service must have, cut with the number of what was left out.
fn needs(report: &Report, out: &mut String) {
    if report.prerequisites.is_empty() {
        return;
    }
    out.push_str("\nThe service must have, and this does not bring:\n\n");
    let (mut length, mut left_out) = (0, 0);
    for need in &report.prerequisites {
        let row = format!("- {} `{}`\n", cell(&need.kind), cell(&need.name));
        length += row.chars().count();
        if length > MAX_NEEDS {
            left_out += 1;
            continue;
        }
        out.push_str(&row);
    }
    if left_out > 0 {
        let _ = writeln!(out, "- and {left_out} more");
    }
}
