//! What a scalar is.

use super::super::node::NodeKind;
use super::super::number::{self, Number};
use saphyr_parser::Tag;

/// Where the quoted scalar that `text` starts with ends. The parser counts the
/// comment behind it as part of it.
pub(super) fn quoted_end(text: &str) -> Option<usize> {
    let quote = text
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && quote == b'"' {
            bytes.next();
        } else if byte == quote {
            // Two single quotes are one, inside.
            if quote == b'"' || bytes.next_if(|(_, next)| *next == quote).is_none() {
                return Some(at + 1);
            }
        }
    }
    None
}

pub(super) enum Resolved {
    NodeKind(NodeKind),
    Spelled(String),
    NotJson,
}

/// The kind of a scalar by the core schema. A core tag other than `!!str`
/// resolves a quoted scalar too; any other tag leaves a string.
pub(super) fn resolve(value: &str, plain: bool, tag: Option<&Tag>) -> Resolved {
    let by_value = match tag {
        None => plain,
        Some(tag) if tag.is_yaml_core_schema() => {
            matches!(&*tag.suffix, "null" | "bool" | "int" | "float")
        }
        Some(_) => false,
    };
    if !by_value {
        return Resolved::NodeKind(NodeKind::String);
    }
    match value {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::NodeKind(NodeKind::Null),
        "true" | "True" | "TRUE" => Resolved::NodeKind(NodeKind::True),
        "false" | "False" | "FALSE" => Resolved::NodeKind(NodeKind::False),
        _ => match number::parse(value) {
            None => Resolved::NodeKind(NodeKind::String),
            Some(Number::AsIs) => Resolved::NodeKind(NodeKind::Number),
            Some(Number::Spelled(number)) => Resolved::Spelled(number),
            Some(Number::NotJson) => Resolved::NotJson,
        },
    }
}
