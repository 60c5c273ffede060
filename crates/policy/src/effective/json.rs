//! An effective policy as JSON.

use super::{Effective, Event, Inclusion, Origin, Part, PartId};
use crate::Section;
use crate::document::Element;
use flux_apim_diag::Meter;

/// Prints `effective` as JSON: its sources, and each section as a list of parts. A part is
/// an element with its attributes and what is in it, a `base` or a `fragment`; `source` is
/// the number of its source, `line` where it stands there.
pub fn json(effective: &Effective<'_>, meter: &Meter) -> String {
    let mut out = String::from("{\"version\":1,\"sources\":[");
    for (index, source) in effective.sources().iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let kind = match source.origin {
            Origin::Scope(scope) => scope.name(),
            Origin::Fragment => "fragment",
        };
        out.push_str("{\"kind\":");
        string(&mut out, kind);
        out.push_str(",\"name\":");
        string(&mut out, source.name);
        out.push_str(",\"path\":");
        string(&mut out, source.path);
        out.push('}');
    }
    out.push_str("],\"sections\":{");
    for (index, section) in Section::ALL.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(&mut out, section.name());
        out.push(':');
        self::section(effective, section, &mut out, meter);
    }
    out.push_str("}}\n");
    out
}

fn section(effective: &Effective<'_>, section: Section, out: &mut String, meter: &Meter) {
    let root = effective.section(section);
    let mut whole = None;
    out.push('[');
    for event in effective.walk(root) {
        meter.spend(1, flux_apim_diag::Place::Source);
        match event {
            Event::Leave(id) if id == root => {}
            Event::Leave(id) if whole == Some(id) => {
                whole = None;
                out.push('}');
            }
            _ if whole.is_some() => {}
            Event::Enter(id) if id == root => {}
            Event::Enter(id) => {
                let before = out.len();
                if !out.ends_with('[') {
                    out.push(',');
                }
                match enter(effective, id, out) {
                    Entered::Nothing => out.truncate(before),
                    Entered::Whole => whole = Some(id),
                    Entered::Parts => out.push_str(",\"parts\":["),
                }
            }
            Event::Leave(id) => {
                if effective.element(id).is_some() {
                    out.push_str("]}");
                }
            }
        }
    }
    out.push(']');
}

/// What was printed of a node.
enum Entered {
    /// It is no element.
    Nothing,
    /// All of it.
    Whole,
    /// What is in it has parts of its own.
    Parts,
}

fn enter(effective: &Effective<'_>, id: PartId, out: &mut String) -> Entered {
    let (Some((source, node)), Some(element)) = (effective.origin(id), effective.element(id))
    else {
        return Entered::Nothing;
    };
    let document = effective.source(source).document;
    match effective.part(id) {
        Part::Base(scope) => {
            out.push_str("{\"base\":");
            match scope {
                Some(scope) => string(out, scope.name()),
                None => out.push_str("null"),
            }
        }
        Part::Fragment(inclusion) => {
            out.push_str("{\"fragment\":");
            let name = document.attribute(element, "fragment-id");
            string(out, name.map_or("", |name| name.value));
            out.push_str(",\"state\":");
            string(
                out,
                match inclusion {
                    Inclusion::Included => "included",
                    Inclusion::Missing => "missing",
                    Inclusion::Cycle => "cycle",
                    Inclusion::TooDeep => "too-deep",
                },
            );
        }
        Part::Section(_) | Part::Written => {
            out.push_str("{\"element\":");
            string(out, element.name);
            attributes(effective, id, element, out);
        }
    }
    out.push_str(&format!(",\"source\":{},\"line\":", source.0));
    out.push_str(&effective.line(id).unwrap_or(1).to_string());
    if effective.part(id) != Part::Written {
        return Entered::Parts;
    }
    if !effective.is_foreign(id) && effective.has_elements(id) {
        return Entered::Parts;
    }
    let end = element.closing.map(|closing| closing.start as usize);
    let end = end.unwrap_or(document.span(node).end as usize);
    let text = document.text().get(element.opening.end as usize..end);
    let text = text.unwrap_or("");
    if !text.trim().is_empty() {
        out.push_str(",\"text\":");
        string(out, text);
    }
    Entered::Whole
}

fn attributes(effective: &Effective<'_>, id: PartId, element: &Element<'_>, out: &mut String) {
    let Some((source, _)) = effective.origin(id) else {
        return;
    };
    let attributes = effective.source(source).document.attributes(element);
    if attributes.is_empty() {
        return;
    }
    out.push_str(",\"attributes\":{");
    for (index, attribute) in attributes.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(out, attribute.name);
        out.push(':');
        string(out, attribute.value);
    }
    out.push('}');
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
