//! Where an expression ends in the document that holds it.

use crate::meter::Meter;

/// An expression that does not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbalanced {
    /// Byte offset of what was opened last and not closed.
    pub at: usize,
    /// What it is.
    pub what: &'static str,
    /// Where the brackets are that have no end, ascending.
    pub brackets: Vec<usize>,
    /// The meter stopped the search.
    pub stopped: bool,
}

/// What the scanner is inside of.
#[derive(Debug, Clone, Copy)]
struct Inside {
    at: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A bracket, and the byte that closes it.
    Bracket(u8),
    /// An interpolated string: its quote (of [`QUOTES`]), whether verbatim.
    Interpolated(u8, bool),
}

/// A double quote as a policy holds it: raw, or as an XML entity.
const QUOTES: [&str; 4] = ["\"", "&quot;", "&#34;", "&#x22;"];

/// The end of the expression whose `@(` or `@{` is at `open`: the offset behind
/// its closing bracket.
///
/// Strings, characters, comments and interpolation are skipped, whether quotes
/// are raw or XML entities, so that this works on a policy's own text. Linear in
/// the length, which is charged to `meter`.
///
/// # Errors
/// What was still open at the end of `text`.
pub fn end_of_expression(text: &str, open: usize, meter: &dyn Meter) -> Result<usize, Unbalanced> {
    /// Bytes that are one step, and bytes between two of them.
    const STEP: usize = 16;
    const BATCH: usize = 64 * STEP;
    let bytes = text.as_bytes();
    let close = match bytes.get(open + 1) {
        Some(b'(') => b')',
        _ => b'}',
    };
    let mut stack = Vec::new();
    push(&mut stack, open, Kind::Bracket(close));
    let mut at = open.saturating_add(2);
    let mut counted = open;
    let mut failed = None;
    while at < bytes.len() {
        if at.saturating_sub(counted) >= BATCH {
            if !meter.charge(((at - counted) / STEP) as u64) {
                let what = "the search";
                return Err(Unbalanced {
                    at,
                    what,
                    brackets: Vec::new(),
                    stopped: true,
                });
            }
            counted = at;
        }
        match stack.last().map(|inside: &Inside| inside.kind) {
            None => break,
            Some(Kind::Interpolated(quote, verbatim)) => {
                let quote = QUOTES[usize::from(quote)];
                at = interpolated(text, at, quote, verbatim, &mut stack);
            }
            Some(Kind::Bracket(close)) => match code(text, at, close, &mut stack) {
                Ok(next) => at = next,
                Err(what) => {
                    failed = Some((at, what));
                    break;
                }
            },
        }
        if stack.is_empty() {
            break;
        }
    }
    let Some(last) = stack.last() else {
        return Ok(at);
    };
    let (at, what) = failed.unwrap_or_else(|| {
        let what = match last.kind {
            Kind::Bracket(b')') => "`(`",
            Kind::Bracket(b']') => "`[`",
            Kind::Bracket(_) => return (open, "`{`"),
            Kind::Interpolated(..) => "a string",
        };
        (last.at as usize, what)
    });
    let brackets = stack.iter().skip(1);
    let brackets = brackets.filter(|inside| matches!(inside.kind, Kind::Bracket(_)));
    let brackets = brackets.map(|inside| inside.at as usize).collect();
    Err(Unbalanced {
        at,
        what,
        brackets,
        stopped: false,
    })
}

fn push(stack: &mut Vec<Inside>, at: usize, kind: Kind) {
    stack.push(Inside {
        at: crate::span::offset(at),
        kind,
    });
}

/// One step inside code: the offset to go on from, or what has no end there.
fn code(text: &str, at: usize, close: u8, stack: &mut Vec<Inside>) -> Result<usize, &'static str> {
    let bytes = text.as_bytes();
    let rest = &text.as_bytes()[at..];
    match rest[0] {
        b if b == close => {
            stack.pop();
        }
        b'(' => push(stack, at, Kind::Bracket(b')')),
        b'[' => push(stack, at, Kind::Bracket(b']')),
        b'{' => push(stack, at, Kind::Bracket(b'}')),
        b'/' if rest.starts_with(b"//") => {
            return Ok(memchr::memchr(b'\n', rest).map_or(bytes.len(), |end| at + end + 1));
        }
        b'/' if rest.starts_with(b"/*") => {
            let end = memchr::memmem::find(&rest[2..], b"*/").ok_or("a comment")?;
            return Ok(at + 2 + end + 2);
        }
        b'\'' => return character(text, at).ok_or("a character"),
        b'@' | b'$' => {
            let prefix = rest.iter().take_while(|b| matches!(b, b'@' | b'$')).count();
            let Some((n, quote)) = quote_at(text, at + prefix) else {
                return Ok(at + prefix);
            };
            let verbatim = rest[..prefix].contains(&b'@');
            let start = at + prefix + quote.len();
            if rest[..prefix].contains(&b'$') {
                push(stack, at, Kind::Interpolated(n, verbatim));
                return Ok(start);
            }
            return string(text, start, quote, verbatim).ok_or("a string");
        }
        b'"' | b'&' => {
            if let Some((_, quote)) = quote_at(text, at) {
                return string(text, at + quote.len(), quote, false).ok_or("a string");
            }
            if rest.starts_with(b"&apos;") || rest.starts_with(b"&#39;") {
                return Ok(entity_character(text, at));
            }
        }
        _ => {}
    }
    Ok(at + 1)
}

/// The quote at `at`, and which of [`QUOTES`] it is.
fn quote_at(text: &str, at: usize) -> Option<(u8, &'static str)> {
    let rest = text.as_bytes().get(at..)?;
    let mut quotes = (0..).zip(QUOTES);
    quotes.find(|(_, quote)| rest.starts_with(quote.as_bytes()))
}

fn quote_len(text: &str, at: usize) -> Option<usize> {
    quote_at(text, at).map(|(_, quote)| quote.len())
}

/// The end of a string whose text starts at `at`.
fn string(text: &str, mut at: usize, quote: &str, verbatim: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = quote.as_bytes()[0];
    loop {
        let rest = &bytes[at.min(bytes.len())..];
        at += if verbatim {
            memchr::memchr(first, rest)?
        } else {
            memchr::memchr2(first, b'\\', rest)?
        };
        if bytes[at] == b'\\' && !verbatim {
            at += 1;
            // An escaped quote may be an entity too.
            at += quote_len(text, at).unwrap_or(1);
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
        return at + 1 + quote_len(text, at + 1).unwrap_or(1);
    }
    if rest[0] == b'{' {
        push(stack, at, Kind::Bracket(b'}'));
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
    let bytes = text.as_bytes();
    let entity: &[u8] = if bytes[at..].starts_with(b"&apos;") {
        b"&apos;"
    } else {
        b"&#39;"
    };
    let start = at + entity.len();
    let rest = &bytes[start..];
    let window = &rest[..rest.len().min(16)];
    match memchr::memmem::find(window, entity) {
        Some(end) => start + end + entity.len(),
        None => start,
    }
}
