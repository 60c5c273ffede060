//! Elements and attributes, as the table of elements has them.

use super::{Described, around};
use crate::catalogue::{CATALOGUE, Entry, Known, Role, Type, Words};
use crate::document::{Attribute, Document, Element};
use std::fmt::Write;

pub(super) fn element(document: &Document<'_>, element: &Element<'_>) -> Option<Described> {
    let entry = entry(document, element)?;
    let what = match entry.role {
        Role::Policy => "a policy",
        Role::Frame => "a part of every policy document",
        Role::Helper => "a part of a policy",
        Role::Resolver => "the data source of a resolver",
    };
    let mut text = format!("**`<{}>`**, {what}\n", entry.name());
    if let Some(instead) = entry.retired {
        let _ = write!(text, "\nRetired: use {instead}.\n");
    }
    let mut list = |what: &str, words: Option<Words>| {
        let words: Vec<_> = words.into_iter().flat_map(Words::iter).collect();
        if !words.is_empty() {
            let _ = write!(text, "\n- {what}: {}", words.join(", "));
        }
    };
    list("sections", entry.sections);
    list("scopes", entry.scopes);
    list("gateways", entry.gateways);
    for known in &entry.attributes {
        let _ = write!(text, "\n- `{}`: {}", known.name, value(known));
    }
    let children: Vec<_> = entry.children.iter().map(|child| child.name).collect();
    if !children.is_empty() {
        let shown: Vec<_> = children.iter().map(|name| format!("`<{name}>`")).collect();
        let _ = write!(text, "\n- inside: {}", shown.join(", "));
    }
    if entry.mixed {
        text.push_str("\n- any policy may stand inside");
    }
    text.push('\n');
    let span = element.span;
    Some(Described::of(span, text))
}

pub(super) fn attribute(
    document: &Document<'_>,
    element: &Element<'_>,
    attribute: &Attribute<'_>,
) -> Option<Described> {
    let entry = entry(document, element)?;
    let known = entry.attribute(attribute.name)?;
    let text = format!(
        "**`{}`** of `<{}>`: {}\n",
        known.name,
        entry.name(),
        value(known)
    );
    let span = attribute.full_span;
    Some(Described::of(span, text))
}

/// What the value of an attribute may be.
fn value(known: &Known) -> String {
    let mut text = match known.ty {
        Type::Text => "text".to_owned(),
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Whole { min, max } => format!("a whole number{}", range(min, max)),
        Type::Number { min, max } => format!("a number{}", range(min, max)),
        Type::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        Type::Time => "a time".to_owned(),
    };
    if known.required {
        text.push_str("; required");
    }
    match known.expression {
        Some(true) => text.push_str("; may be an expression"),
        Some(false) => text.push_str("; no expression"),
        None => {}
    }
    text
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of {min} or more"),
        (None, Some(max)) => format!(" of {max} or less"),
        (None, None) => String::new(),
    }
}

/// The row of `element`, by what is around it.
fn entry(document: &Document<'_>, element: &Element<'_>) -> Option<&'static Entry> {
    let way = around(document, element);
    let (root, inside) = way.split_first()?;
    let mut entry = CATALOGUE
        .top(root.name)
        .and_then(|row| CATALOGUE.rows.get(row));
    for element in inside {
        let row = match entry {
            Some(parent) => match parent.child(element.name) {
                Some((_, child)) => child.row,
                None if parent.foreign_content => return None,
                None => CATALOGUE.policy(element.name),
            },
            // Around it something is wrong; a policy is known by its name all the same.
            None => CATALOGUE.policy(element.name),
        };
        entry = row.and_then(|row| CATALOGUE.rows.get(row));
    }
    entry
}
