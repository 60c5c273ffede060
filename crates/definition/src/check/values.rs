//! Values without parts: texts, booleans, words.

use super::{Check, Work, place};
use crate::rules::{doubtful_field_value, invalid_field_value, repeated_item, wrong_type};
use crate::shape::{Limit, Version};
use flux_apim_syntax::{NodeKind, NodeRef};
use std::collections::HashMap;

fn is_scalar(node: NodeRef<'_>) -> bool {
    !matches!(node.kind(), NodeKind::Array | NodeKind::Object)
}

/// The readers of 3.x take every scalar for a text; the schema of 2.0 does not.
pub(super) fn text<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let fits = match check.version {
        Version::V2 => work.node.kind() == NodeKind::String,
        _ => is_scalar(work.node),
    };
    if !fits {
        check.wrong(work, &wrong_type::TEXT);
    }
}

pub(super) fn boolean<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    let three = check.version != Version::V2;
    let fits = match work.node.kind() {
        NodeKind::True | NodeKind::False => true,
        // They read the word; nothing behind a key is left out.
        NodeKind::String if three => {
            let text = work.node.as_str().unwrap_or("").trim();
            text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
        }
        NodeKind::Null => three,
        _ => false,
    };
    if !fits {
        check.wrong(work, &wrong_type::BOOLEAN);
    }
}

pub(super) fn limited<'c>(check: &mut Check<'_, 'c>, work: Work<'c>, limit: &'static Limit) {
    let name = work.key.and_then(NodeRef::as_str).unwrap_or("");
    let span = work.node.span();
    match limit {
        Limit::Words(words) => one_of(check, work.node, name, words),
        Limit::ListOf(words) => {
            if work.node.kind() != NodeKind::Array {
                return check.wrong(work, &wrong_type::LIST);
            }
            unique(check, work.node, name);
            for item in work.node.items() {
                one_of(check, item, name, words);
            }
        }
        Limit::BeginsWith(start) => match work.node.as_str() {
            None => check.wrong(work, &wrong_type::TEXT),
            Some(text) if !text.starts_with(start) => {
                check.say(invalid_field_value::start(span, name, text, start));
            }
            Some(_) => {}
        },
        Limit::Host => match work.node.as_str() {
            None => check.wrong(work, &wrong_type::TEXT),
            Some(text) if !is_host(text) => check.say(invalid_field_value::host(span, text)),
            Some(_) => {}
        },
    }
}

/// A name or address and perhaps a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text
        .split_once(':')
        .map_or((text, None), |(name, port)| (name, Some(port)));
    let is_digit = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    !name.is_empty() && !name.contains(['{', '}', '/', ' ', ':', '\\']) && port.is_none_or(is_digit)
}

fn one_of<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, name: &str, words: &[&'static str]) {
    let text = node.as_str();
    if text.is_none_or(|text| !words.contains(&text)) {
        let shown = text.unwrap_or(node.kind().as_str());
        check.say(invalid_field_value::word(
            super::short(node),
            name,
            shown,
            words,
        ));
    }
}

pub(super) fn word<'c>(check: &mut Check<'_, 'c>, work: Work<'c>, words: &'static [&'static str]) {
    if !is_scalar(work.node) {
        return check.wrong(work, &wrong_type::TEXT);
    }
    let name = work.key.and_then(NodeRef::as_str).unwrap_or("");
    let text = work.node.as_scalar().unwrap_or("");
    if !words.contains(&text) {
        check.say(doubtful_field_value::word(
            work.node.span(),
            name,
            text,
            words,
        ));
    }
}

pub(super) fn texts<'c>(check: &mut Check<'_, 'c>, work: Work<'c>) {
    if work.node.kind() != NodeKind::Array {
        return check.wrong(work, &wrong_type::TEXTS);
    }
    for item in work.node.items() {
        let work = Work { node: item, ..work };
        text(check, work);
    }
    if check.version == Version::V2 {
        let name = work.key.and_then(NodeRef::as_str).unwrap_or("");
        unique(check, work.node, name);
    }
}

/// The official schema of 2.0 wants each item once.
pub(super) fn unique<'c>(check: &mut Check<'_, 'c>, list: NodeRef<'c>, name: &str) {
    let mut seen = HashMap::new();
    for item in list.items() {
        check.spend(1 + (item.end_index() - item.index()) as usize, item);
        let mut text = String::new();
        flux_apim_syntax::write_node(&mut text, item);
        let span = place(None, item);
        if let Some(first) = seen.get(&text) {
            check.say(repeated_item::found(span, name, *first));
        } else {
            seen.insert(text, span);
        }
    }
}
