//! JSON values as YAML for people: block style, quotes only where needed.

use serde_json::Value;
use std::fmt::Write;

/// `value` as one YAML document.
pub fn document(value: &Value) -> String {
    let mut out = String::from("---\n");
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                scalar(out, key);
                out.push(':');
                after_colon(out, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(out, indent);
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => block(out, item, indent + 2),
                    Value::Array(list) if !list.is_empty() => flow(out, item),
                    _ => flow(out, item),
                }
            }
        }
        other => flow(out, other),
    }
}

fn after_colon(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(out, value, indent);
        }
        other => {
            out.push(' ');
            flow(out, other);
        }
    }
}

fn flow(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => scalar(out, text),
        other => {
            let _ = write!(out, "{other}");
        }
    }
    out.push('\n');
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Plain where YAML reads the same text back, else in double quotes, as JSON.
fn scalar(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        let _ = write!(out, "{}", Value::from(text));
    }
}

fn is_plain(text: &str) -> bool {
    let reserved = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "~",
    ];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let inner = |c: char| c.is_ascii_alphanumeric() || " _-./,;()'+=%$*?^<>|@&!`".contains(c);
    starts
        && !text.ends_with(' ')
        && text.chars().all(|c| inner(c) || c == ':')
        && !text.contains(": ")
        && !text.ends_with(':')
        && !reserved.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::syntax::{Format, Options, Value, parse};
    use crate::tree::{FileId, Limits};
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({
            "plain": "a b", "colon": "a: b", "empty": "", "yes": "Yes", "number": "12", "n": 12,
            "list": ["x", {"a": 1, "b": [1, [2, 3], {}]}, [], "# no comment", "- x"],
            "nested": {"map": {}, "text": "line\nline", "quote": "it's \"so\""},
            "x-y": null, "/path": true, "true": false,
        });
        let text = document(&value);
        let limits = Limits::default();
        let options = Options {
            limits: &limits,
            malformed: &crate::syntax::rules::MALFORMED_DOCUMENT,
        };
        let mut findings = Vec::new().into();
        let read = parse(
            FileId(0),
            text.clone(),
            Format::Yaml,
            options,
            &mut findings,
        );
        assert!(findings.is_empty(), "{text}");
        let mut json = String::new();
        Value::from(read.unwrap().root()).write_canonical(&mut json);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, value, "{text}");
    }
}
