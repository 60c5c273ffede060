//! Schemas: their keywords by version, and what the value of each is.

use super::{Check, Work, place, references, values};
use crate::rules::{
    array_without_items, doubtful_field_value, foreign_pattern, invalid_field_value,
    invalid_pattern, slow_pattern, some_services_refuse, unknown_field, unknown_schema_keyword,
    wrong_type,
};
use crate::shape::schema::{ALL, ANY, LATER};
use crate::shape::schema::{KEYWORDS, Word, row};
use crate::shape::{Is, Version, v2, v3};
use flux_apim_syntax::{NodeKind, NodeRef};

const TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "array", "object", "null",
];

pub(super) fn schema<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let node = work.node;
    match node.kind() {
        NodeKind::Object => {}
        NodeKind::True | NodeKind::False if check.version == Version::V31 => {
            if check.first("schema", "true") {
                check.say(some_services_refuse::boolean_schema(node.span()));
            }
            return;
        }
        _ => return check.wrong(work, &wrong_type::SCHEMA),
    }
    if let Some(reference) = node.get("$ref") {
        references::of_schema(check, reference);
        // The readers do not look beside a reference; the schema of 2.0 does.
        if check.version != Version::V2 {
            return;
        }
    }
    let start = check.open.len();
    for (key, value) in node.entries() {
        let name = key.as_str().unwrap_or("");
        let known = row(name);
        let bit = check.version.bit();
        let allowed = known.is_some_and(|(versions, _)| versions & bit != 0);
        if !allowed {
            let later = known.is_some_and(|(versions, _)| versions == LATER);
            unknown(check, node, (key, name), later);
            continue;
        }
        let (versions, word) = known.unwrap_or((ALL, ANY));
        if versions == LATER && check.first("keyword", name) {
            check.say(some_services_refuse::keyword(key.span(), name));
        }
        let item = Work {
            node: value,
            key: Some(key),
            is: Is::Any,
            dropped: false,
        };
        value_of(check, item, word);
    }
    check.open[start..].reverse();
    super::components::discriminator(check, node);
    let is_array = node.get("type").and_then(NodeRef::as_str) == Some("array");
    let has_items = node.get("items").is_some() || node.get("$ref").is_some();
    if is_array && !has_items && check.version != Version::V31 {
        check.say(array_without_items::found(place(work.key, node)));
    }
}

/// A keyword of the schema `node` that the version does not have.
fn unknown<'c>(
    check: &mut Check<'_, 'c>,
    node: NodeRef<'c>,
    (key, name): (NodeRef<'c>, &'c str),
    later: bool,
) {
    if name.starts_with("x-") {
        return;
    }
    let bit = check.version.bit();
    let near = check.findings.hint(|| {
        // What is there already was not meant.
        let keywords = KEYWORDS
            .iter()
            .filter(|(keyword, versions, _)| versions & bit != 0 && node.get(keyword).is_none());
        flux_apim_diag::nearest(name, keywords.map(|(keyword, ..)| *keyword))
    });
    if check.version == Version::V2 {
        check.say(unknown_field::found(
            key.span(),
            name,
            "schema",
            near,
            false,
        ));
    } else if check.first("keyword", name) {
        check.say(unknown_schema_keyword::found(key.span(), name, near, later));
    }
}

/// A keyword of a parameter, an item or a header of 2.0.
pub(super) fn keyword<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let name = work.key.and_then(NodeRef::as_str).unwrap_or("");
    if let Some((_, word)) = row(name) {
        value_of(check, work, word);
    }
}

fn value_of<'c>(check: &mut Check<'_, 'c>, work: Work<'c>, word: Word) {
    let two = check.version == Version::V2;
    let kind = work.node.kind();
    match word {
        Word::Is(is) => check.push(work.node, work.key, is),
        Word::Number { positive } => number(check, work, positive),
        Word::Count => count(check, work),
        Word::Exclusive => exclusive(check, work),
        Word::Type => type_of(check, work),
        Word::Items => items(check, work),
        Word::Schemas => {
            if two && kind == NodeKind::Array && work.node.items().next().is_none() {
                check.say(invalid_field_value::empty(
                    place(work.key, work.node),
                    "allOf",
                ));
            }
            check.open.push(Work {
                is: Is::List(&Is::Schema),
                ..work
            });
        }
        Word::Required => {
            if two && kind == NodeKind::Array && work.node.items().next().is_none() {
                check.say(invalid_field_value::empty(
                    place(work.key, work.node),
                    "required",
                ));
            }
            values::texts(check, work);
        }
        Word::Enum => enumeration(check, work),
        Word::Additional => {
            let text = work.node.as_str().filter(|_| !two).unwrap_or("");
            let is_word = matches!(text, "true" | "false" | "True" | "False");
            if !is_word && !matches!(kind, NodeKind::True | NodeKind::False) {
                check.open.push(Work {
                    is: Is::Schema,
                    ..work
                });
            }
        }
        Word::Discriminator => match check.version {
            Version::V2 => check.open.push(Work {
                is: Is::Text,
                ..work
            }),
            _ => check.open.push(Work {
                is: Is::Object(&v3::DISCRIMINATOR),
                ..work
            }),
        },
        Word::Pattern => pattern(check, work),
        Word::Scalar => {
            if matches!(kind, NodeKind::Array | NodeKind::Object) {
                check.wrong(work, &wrong_type::SCALAR);
            }
        }
        Word::Xml => {
            let shape = if two { &v2::XML } else { &v3::XML };
            check.open.push(Work {
                is: Is::Object(shape),
                ..work
            });
        }
        Word::Docs => {
            let shape = if two { v2::DOCS } else { v3::DOCS };
            check.open.push(Work {
                is: Is::Object(shape),
                ..work
            });
        }
    }
}

/// The value of a number; of a text that is one where the readers take it.
fn read_number(version: Version, node: NodeRef<'_>) -> Option<f64> {
    let text = match version {
        Version::V2 => node.as_number(),
        _ => node.as_scalar(),
    };
    text?.trim().parse().ok()
}

fn number<'c>(check: &mut Check<'_, 'c>, work: Work<'c>, positive: bool) {
    if check.version != Version::V2 && work.node.kind() == NodeKind::Null {
        return;
    }
    let Some(value) = read_number(check.version, work.node) else {
        return check.wrong(work, &wrong_type::NUMBER);
    };
    if positive && value <= 0.0 {
        let (span, name) = (work.node.span(), name_of(work));
        check.say(match check.version {
            Version::V2 => invalid_field_value::too_small(span, name),
            _ => doubtful_field_value::too_small(span, name),
        });
    }
}

fn count<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    if check.version != Version::V2 && work.node.kind() == NodeKind::Null {
        return;
    }
    match read_number(check.version, work.node) {
        Some(value) if value.fract() != 0.0 => check.wrong(work, &wrong_type::WHOLE),
        Some(value) if value < 0.0 => {
            let (span, name) = (work.node.span(), name_of(work));
            check.say(match check.version {
                Version::V2 => invalid_field_value::too_small(span, name),
                _ => doubtful_field_value::too_small(span, name),
            });
        }
        Some(_) => {}
        None => check.wrong(work, &wrong_type::WHOLE),
    }
}

fn exclusive<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let span = work.node.span();
    let name = name_of(work);
    match (check.version, work.node.kind()) {
        (Version::V31, NodeKind::True | NodeKind::False) => {
            check.say(doubtful_field_value::exclusive(span, name));
        }
        (Version::V31, NodeKind::Number) => {
            if check.first("exclusive", name) {
                check.say(some_services_refuse::exclusive(span, name));
            }
        }
        _ => values::boolean(check, work),
    }
}

fn name_of<'c>(work: Work<'c>) -> &'c str {
    work.key.and_then(NodeRef::as_str).unwrap_or("")
}

fn type_of<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let node = work.node;
    if node.kind() == NodeKind::Array && check.version != Version::V30 {
        let wrong = node
            .items()
            .find(|item| !is_type(check.version, item.as_str().unwrap_or("null")));
        if let Some(item) = wrong {
            return unknown_type(check, item, TYPES);
        }
        if check.first("type", "list") {
            check.say(some_services_refuse::type_list(
                node.span(),
                check.version == Version::V2,
            ));
        }
        return;
    }
    if check.version == Version::V2 && node.kind() != NodeKind::String
        || matches!(node.kind(), NodeKind::Array | NodeKind::Object)
    {
        return check.wrong(work, &wrong_type::TEXT);
    }
    let Some(text) = node.as_scalar() else {
        return;
    };
    if !is_type(check.version, text) {
        unknown_type(check, node, TYPES);
    }
}

/// `file` is one in a response of 2.0, and APIM writes an empty one.
fn is_type(version: Version, text: &str) -> bool {
    TYPES.contains(&text)
        || text == "file" && version == Version::V2
        || text.is_empty() && version != Version::V2
}

fn unknown_type<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, words: &[&'static str]) {
    let text = node.as_scalar().unwrap_or(node.kind().as_str());
    check.say(match check.version {
        Version::V2 => invalid_field_value::word(node.span(), "type", text, words),
        _ => doubtful_field_value::word(node.span(), "type", text, words),
    });
}

fn items<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    if check.version == Version::V2 && work.node.kind() == NodeKind::Array {
        check.say(some_services_refuse::items_list(place(work.key, work.node)));
        return check.open.push(Work {
            is: Is::List(&Is::Schema),
            ..work
        });
    }
    check.open.push(Work {
        is: Is::Schema,
        ..work
    });
}

fn enumeration<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    if work.node.kind() != NodeKind::Array {
        return check.wrong(work, &wrong_type::LIST);
    }
    let at = place(work.key, work.node);
    match check.version {
        Version::V2 if work.node.items().next().is_none() => {
            check.say(invalid_field_value::empty(at, "enum"));
        }
        Version::V2 => values::unique(check, work.node, "enum"),
        _ if work.node.items().next().is_none() => {
            check.say(doubtful_field_value::empty_enum(at));
        }
        _ => {}
    }
}

fn pattern<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    values::text(check, work);
    let Some(text) = work.node.as_str() else {
        return;
    };
    check.spend(text.len() / 16, work.node);
    if let Err(what) = super::pattern::check(text) {
        return check.say(invalid_pattern::found(work.node.span(), text, what));
    }
    if super::regex::is_slow(text) {
        check.say(slow_pattern::found(work.node.span(), text));
    }
    if let Some(what) = super::regex::foreign(text) {
        check.say(foreign_pattern::found(work.node.span(), text, what));
    }
}
