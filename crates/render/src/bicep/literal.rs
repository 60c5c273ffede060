//! Bicep's literals.

use std::fmt::Write;

/// `key` as the name of a property.
pub(super) fn object_key(key: &str) -> String {
    let mut chars = key.chars();
    let identifier = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    // The words of values are no names, unlike those of statements.
    if identifier && !matches!(key, "null" | "true" | "false") {
        key.to_owned()
    } else {
        string(key)
    }
}

/// `text` as a Bicep string literal that interpolates nothing.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    escape(&mut out, text);
    out.push('\'');
    out
}

/// Appends `text` as the inside of a string literal.
pub(super) fn escape(out: &mut String, text: &str) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        assert_eq!(string("it's ${x} $y \\ \n"), r"'it\'s \${x} $y \\ \n'");
        assert_eq!(string("\u{0}"), r"'\u{0}'");
    }

    #[test]
    fn keys() {
        for word in ["null", "true", "false"] {
            assert_eq!(object_key(word), format!("'{word}'"));
        }
        for word in ["for", "if", "resource", "in", "this", "Null", "nullable"] {
            assert_eq!(object_key(word), word);
        }
        assert_eq!(object_key("a-b"), "'a-b'");
    }
}
