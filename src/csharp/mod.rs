//! The little C# that is needed to know where a policy expression ends.

/// An expression that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbalanced {
    /// Byte offset of what was opened last and not closed.
    pub at: usize,
    /// What it is.
    pub what: &'static str,
}

/// What the scanner is inside of.
enum Inside {
    /// A bracket: where it was opened and the byte that closes it.
    Bracket(usize, u8),
    /// An interpolated string: where it starts, its quote, whether verbatim.
    Interpolated(usize, &'static str, bool),
}

/// A double quote as APIM stores it: raw, or as an entity in `xml` format.
const QUOTES: [&str; 4] = ["\"", "&quot;", "&#34;", "&#x22;"];

/// The end of the expression whose `@(` or `@{` is at `open`: the offset
/// behind its closing bracket. Strings, characters, comments and interpolation
/// are skipped, whether quotes are raw or XML entities. Linear in the length.
///
/// # Errors
/// What was still open at the end of `text`.
pub fn expression_end(text: &str, open: usize) -> Result<usize, Unbalanced> {
    let bytes = text.as_bytes();
    let close = match bytes.get(open + 1) {
        Some(b'(') => b')',
        _ => b'}',
    };
    let mut stack = vec![Inside::Bracket(open, close)];
    let mut at = open + 2;
    while at < bytes.len() {
        match stack.last() {
            None => return Ok(at),
            Some(&Inside::Interpolated(_, quote, verbatim)) => {
                at = interpolated(text, at, quote, verbatim, &mut stack);
            }
            Some(&Inside::Bracket(_, close)) => {
                at = code(text, at, close, &mut stack)?;
            }
        }
        if stack.is_empty() {
            return Ok(at);
        }
    }
    Err(match stack.pop() {
        Some(Inside::Bracket(at, b')')) => Unbalanced { at, what: "`(`" },
        Some(Inside::Bracket(at, b']')) => Unbalanced { at, what: "`[`" },
        Some(Inside::Interpolated(at, ..)) => Unbalanced {
            at,
            what: "a string",
        },
        _ => Unbalanced {
            at: open,
            what: "`{`",
        },
    })
}

/// One step inside code; the offset to go on from.
fn code(text: &str, at: usize, close: u8, stack: &mut Vec<Inside>) -> Result<usize, Unbalanced> {
    let bytes = text.as_bytes();
    let rest = &text.as_bytes()[at..];
    let opened = |what| Unbalanced { at, what };
    match rest[0] {
        b if b == close => {
            stack.pop();
        }
        b'(' => stack.push(Inside::Bracket(at, b')')),
        b'[' => stack.push(Inside::Bracket(at, b']')),
        b'{' => stack.push(Inside::Bracket(at, b'}')),
        b'/' if rest.starts_with(b"//") => {
            return Ok(memchr::memchr(b'\n', rest).map_or(bytes.len(), |end| at + end + 1));
        }
        b'/' if rest.starts_with(b"/*") => {
            let end = memchr::memmem::find(&rest[2..], b"*/").ok_or(opened("a comment"))?;
            return Ok(at + 2 + end + 2);
        }
        b'\'' => return character(text, at).ok_or(opened("a character")),
        b'@' | b'$' => {
            let prefix = rest.iter().take_while(|b| matches!(b, b'@' | b'$')).count();
            let Some(quote) = quote_at(text, at + prefix) else {
                return Ok(at + prefix);
            };
            let verbatim = rest[..prefix].contains(&b'@');
            let start = at + prefix + quote.len();
            if rest[..prefix].contains(&b'$') {
                stack.push(Inside::Interpolated(at, quote, verbatim));
                return Ok(start);
            }
            return string(text, start, quote, verbatim).ok_or(opened("a string"));
        }
        b'"' | b'&' => {
            if let Some(quote) = quote_at(text, at) {
                return string(text, at + quote.len(), quote, false).ok_or(opened("a string"));
            }
            if rest.starts_with(b"&apos;") || rest.starts_with(b"&#39;") {
                return Ok(entity_character(text, at));
            }
        }
        _ => {}
    }
    Ok(at + 1)
}

fn quote_at(text: &str, at: usize) -> Option<&'static str> {
    QUOTES
        .into_iter()
        .find(|quote| text.as_bytes()[at..].starts_with(quote.as_bytes()))
}

/// The end of a string whose text starts at `at`.
fn string(text: &str, mut at: usize, quote: &str, verbatim: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if !verbatim && bytes[at] == b'\\' {
            at += 1;
            // An escaped quote may be an entity too.
            at += quote_at(text, at.min(bytes.len())).map_or(1, str::len);
        } else if bytes[at..].starts_with(quote.as_bytes()) {
            at += quote.len();
            if verbatim && bytes[at..].starts_with(quote.as_bytes()) {
                at += quote.len();
            } else {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// One step inside an interpolated string.
fn interpolated(
    text: &str,
    at: usize,
    quote: &'static str,
    verbatim: bool,
    stack: &mut Vec<Inside>,
) -> usize {
    let rest = &text.as_bytes()[at..];
    if rest.starts_with(b"{{") || rest.starts_with(b"}}") {
        return at + 2;
    }
    if !verbatim && rest[0] == b'\\' {
        return at + 1 + quote_at(text, (at + 1).min(text.len())).map_or(1, str::len);
    }
    if rest[0] == b'{' {
        stack.push(Inside::Bracket(at, b'}'));
        return at + 1;
    }
    if rest.starts_with(quote.as_bytes()) {
        let after = at + quote.len();
        if verbatim && text.as_bytes()[after..].starts_with(quote.as_bytes()) {
            return after + quote.len();
        }
        stack.pop();
        return after;
    }
    at + 1
}

/// The end of the character literal at `at`.
fn character(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = at + 1;
    if bytes.get(end) == Some(&b'\\') {
        end += 2;
    }
    // '\u0041' and entities such as '&quot;' are longer than one character.
    let limit = (end + 12).min(bytes.len());
    memchr::memchr(b'\'', bytes.get(end..limit)?).map(|found| end + found + 1)
}

/// The same with entities for the quotes; only a quote when it closes.
fn entity_character(text: &str, at: usize) -> usize {
    let entity = if text[at..].starts_with("&apos;") {
        "&apos;"
    } else {
        "&#39;"
    };
    let start = at + entity.len();
    let rest = &text.as_bytes()[start..];
    let window = &rest[..rest.len().min(16)];
    match memchr::memmem::find(window, entity.as_bytes()) {
        Some(end) => start + end + entity.len(),
        None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends() {
        for expression in [
            "@(1)",
            "@(a(b)[c]{d})",
            r#"@(")" + ')' + '\'' + "\")")"#,
            r#"@(@"\" + ")")"#,
            r#"@(@"a"")b")"#,
            r#"@($"{x(")")} {{ ) }} {y}")"#,
            r#"@{ // ) "
 /* } */ return "}"; }"#,
            "@(a &quot;)&quot; + &quot;\\&quot;)&quot;)",
            "@(context.Variables.GetValueOrDefault<string>(\"x\") == \"y\" && true)",
        ] {
            let text = format!("{expression} rest )}}\"");
            assert_eq!(
                expression_end(&text, 0),
                Ok(expression.len()),
                "{expression}"
            );
        }
    }

    #[test]
    fn unbalanced() {
        assert_eq!(expression_end("@(a", 0).unwrap_err().what, "`(`");
        assert_eq!(
            expression_end("@(\"a)", 0).unwrap_err(),
            Unbalanced {
                at: 2,
                what: "a string"
            }
        );
        assert_eq!(expression_end("@{ /* }", 0).unwrap_err().what, "a comment");
    }

    proptest! {
        #[test]
        fn is_total(text in "[@(){}\\[\\]\"'$&;a\\\\/*\n é]{0,40}") {
            let text = format!("@({text}");
            if let Ok(end) = expression_end(&text, 0) {
                prop_assert!(text.is_char_boundary(end));
            }
        }
    }
}
