//! An effective policy as a policy document, with comments that say where its parts come
//! from.

use super::lines::{Text, lines};
use super::{Effective, PartId};
use flux_apim_diag::Meter;

/// Prints `effective` as XML.
pub fn xml(effective: &Effective<'_>, meter: &Meter) -> String {
    let mut out = String::from("<policies>\n");
    let mut latest = None;
    for line in lines(effective, meter) {
        let source = effective.origin(line.part).map(|(source, _)| source);
        let is_tag = matches!(line.text, Text::Tag(_));
        if source.is_some() && source != latest && !is_tag {
            indent(&mut out, line.depth);
            comment(&mut out, &place(effective, line.part));
            latest = source;
        }
        if is_tag {
            // Behind an end it is said again where one is.
            latest = None;
        }
        indent(&mut out, line.depth);
        match &line.text {
            Text::Written(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Text::Tag(tag) => {
                out.push_str(tag);
                out.push('\n');
            }
            Text::Remark(remark) => comment(&mut out, remark),
        }
    }
    out.push_str("</policies>\n");
    out
}

/// Where a node comes from: `api orders, apis/orders/policy.xml:4`.
pub(super) fn place(effective: &Effective<'_>, part: PartId) -> String {
    let Some((source, _)) = effective.origin(part) else {
        return String::new();
    };
    let source = effective.source(source);
    let line = effective.line(part).unwrap_or(1);
    format!("{}, {}:{line}", source.label(), source.path)
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("    ");
    }
}

/// A comment. Two hyphens would end it.
fn comment(out: &mut String, text: &str) {
    out.push_str("<!-- ");
    out.push_str(&text.replace("--", "- -"));
    out.push_str(" -->\n");
}
