//! Text inside the quotes of JSON and YAML.

/// Bytes of `text` inside a JSON string.
pub fn json_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

/// Bytes of `text` inside a YAML double-quoted string.
pub fn yaml_len(text: &str) -> usize {
    let mut len = text.len();
    each_escape(text, |_, c, escape| len = len + escape.len() - c.len_utf8());
    len
}

/// Appends `text` as the inside of a YAML double-quoted string: JSON's
/// escapes, and escapes for what YAML does not take as printable.
pub fn yaml_escape(out: &mut String, text: &str) {
    let mut from = 0;
    each_escape(text, |at, c, escape| {
        out.push_str(&text[from..at]);
        out.push_str(escape);
        from = at + c.len_utf8();
    });
    out.push_str(&text[from..]);
}

/// Calls `escaped` with every character of `text` that needs an escape, its
/// place and the escape.
fn each_escape(text: &str, mut escaped: impl FnMut(usize, char, &str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Most bytes are plain ASCII: only the others are looked at as characters.
    while let Some(next) = bytes[at..]
        .iter()
        .position(|b| !(0x20..0x7f).contains(b) || matches!(b, b'"' | b'\\'))
    {
        at += next;
        let Some(c) = text[at..].chars().next() else {
            return;
        };
        match c {
            '"' => escaped(at, c, "\\\""),
            '\\' => escaped(at, c, "\\\\"),
            '\n' => escaped(at, c, "\\n"),
            '\r' => escaped(at, c, "\\r"),
            '\t' => escaped(at, c, "\\t"),
            c if is_yaml_printable(c) => {}
            c if u32::from(c) > 0xffff => escaped(at, c, &format!("\\U{:08x}", u32::from(c))),
            c => escaped(at, c, &format!("\\u{:04x}", u32::from(c))),
        }
        at += c.len_utf8();
    }
}

/// YAML 1.2.2, 5.1, without what some readers take for line breaks.
fn is_yaml_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ))
}
