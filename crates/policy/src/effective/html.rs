//! An effective policy as a page that needs nothing beside it.

use super::lines::{Text, lines};
use super::xml::place;
use super::{Effective, Origin, PartId};
use flux_apim_diag::Meter;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Effective policy</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
td { padding: 0 1rem 0 .5rem; vertical-align: top; }
td:first-child { color: #555; white-space: nowrap; width: 1%; }
pre { margin: 0; white-space: pre-wrap; font: 13px/1.5 ui-monospace, monospace; }
.remark { color: #555; font-style: italic; }
tr.global td:first-child { border-left: 4px solid #767676; }
tr.workspace td:first-child { border-left: 4px solid #8a5a00; }
tr.product td:first-child { border-left: 4px solid #0b6a5b; }
tr.api td:first-child { border-left: 4px solid #0b5cad; }
tr.operation td:first-child { border-left: 4px solid #7a2f9c; }
tr.fragment td:first-child { border-left: 4px dashed #a3262a; }
</style>
</head>
<body>
<h1>Effective policy</h1>
<table>
<thead><tr><th scope=\"col\">From</th><th scope=\"col\">Policy</th></tr></thead>
<tbody>
";

/// Prints `effective` as HTML.
pub fn html(effective: &Effective<'_>, meter: &Meter) -> String {
    let mut out = String::from(HEAD);
    let mut latest = None;
    for line in lines(effective, meter) {
        let is_tag = matches!(line.text, Text::Tag(_));
        let source = effective.origin(line.part).map(|(source, _)| source);
        let class = if is_tag {
            ""
        } else {
            class(effective, line.part)
        };
        out.push_str("<tr class=\"");
        out.push_str(class);
        out.push_str("\"><td>");
        if !is_tag && source != latest {
            escape(&mut out, &place(effective, line.part));
        }
        latest = if is_tag { None } else { source };
        out.push_str("</td><td><pre");
        let text = match &line.text {
            Text::Written(text) => *text,
            Text::Tag(tag) => tag,
            Text::Remark(remark) => {
                out.push_str(" class=\"remark\"");
                remark
            }
        };
        out.push('>');
        for _ in 1..line.depth {
            out.push_str("    ");
        }
        escape(&mut out, text);
        out.push_str("</pre></td></tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</body>\n</html>\n");
    out
}

fn class(effective: &Effective<'_>, part: PartId) -> &'static str {
    match effective.origin(part) {
        Some((source, _)) => match effective.source(source).origin {
            Origin::Scope(scope) => scope.name(),
            Origin::Fragment => "fragment",
        },
        None => "",
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
