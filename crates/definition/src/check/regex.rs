//! What regular expressions cost, and which of them .NET does not know.
//!
//! As in `pattern`, nothing is compiled: one pass over the text.

use std::iter::Peekable;
use std::str::Chars;

/// An alternative of a group, as far as it was read.
#[derive(Default)]
struct Group {
    /// Things to match.
    atoms: usize,
    /// Whether the only one of them repeats without end.
    repeats: bool,
    /// Whether an alternative before was nothing but such a repetition.
    risky: bool,
}

impl Group {
    fn close_alternative(&mut self) {
        self.risky |= self.atoms == 1 && self.repeats;
        (self.atoms, self.repeats) = (0, false);
    }
}

/// Whether `pattern` repeats a group that may be a repetition: `(a+)+`.
pub(super) fn is_slow(pattern: &str) -> bool {
    let mut group = Group::default();
    let mut around = Vec::new();
    // Whether what was read last is a group that repeats inside.
    let mut risky = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' => {
                skip_kind(&mut chars);
                around.push(std::mem::take(&mut group));
            }
            ')' => {
                group.close_alternative();
                risky = group.risky;
                group = around.pop().unwrap_or_default();
                group.atoms += 1;
                group.repeats = risky;
            }
            '|' => group.close_alternative(),
            '^' | '$' => {}
            '*' | '+' | '{' if is_endless(c, &mut chars) => {
                if risky {
                    return true;
                }
                group.repeats = true;
            }
            '?' => {}
            _ => {
                match c {
                    '\\' => drop(chars.next()),
                    '[' => skip_class(&mut chars),
                    _ => {}
                }
                group.atoms += 1;
                group.repeats = false;
                risky = false;
            }
        }
    }
    false
}

/// Whether the quantifier that begins with `first` has no upper bound. A lazy one is the
/// same to what does not match; a possessive one is not.
fn is_endless(first: char, chars: &mut Peekable<Chars<'_>>) -> bool {
    if first == '{' {
        let mut bounds = chars.clone();
        let low = bounds.by_ref().take_while(|c| *c != ',').take(9);
        let low: String = low.collect();
        let is_number = low.bytes().all(|b| b.is_ascii_digit());
        if !is_number || bounds.next() != Some('}') {
            return false;
        }
        *chars = bounds;
    }
    chars.next_if_eq(&'+').is_none()
}

/// `?:`, `?=`, `?<name>` and the like, after `(`.
fn skip_kind(chars: &mut Peekable<Chars<'_>>) {
    if chars.next_if_eq(&'?').is_none() {
        return;
    }
    let is_name = matches!(chars.next(), Some('<' | 'P'));
    if is_name && !matches!(chars.peek(), Some('=' | '!')) {
        while chars.next_if(|c| !matches!(c, '>' | ')')).is_some() {}
        chars.next_if_eq(&'>');
    } else if is_name {
        chars.next();
    }
}

/// The rest of a class.
fn skip_class(chars: &mut Peekable<Chars<'_>>) {
    chars.next_if_eq(&'^');
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            ']' if !first => return,
            '\\' => drop(chars.next()),
            _ => {}
        }
        first = false;
    }
}

/// The first thing in `pattern` that ECMA-262 has and .NET has not.
pub(super) fn foreign(pattern: &str) -> Option<&str> {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &pattern[at..];
        match bytes[at] {
            b'\\' => {
                let inside = rest.strip_prefix("\\u{").or(rest.strip_prefix("\\p{"));
                let end = inside.and_then(|inside| inside.find('}'));
                if let (Some(inside), Some(end)) = (inside, end)
                    && (rest.starts_with("\\u") || inside[..end].contains('='))
                {
                    return Some(&rest[..3 + end + 1]);
                }
                at += 1;
                at += rest[1..].chars().next().map_or(0, char::len_utf8);
            }
            b'[' if rest.starts_with("[]") && !rest[2..].contains(']') => return Some("[]"),
            b'[' if rest.starts_with("[^]") && !rest[3..].contains(']') => return Some("[^]"),
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{foreign, is_slow};

    #[test]
    fn repetitions_of_repetitions() {
        for slow in [
            "(a+)+$",
            "^(a*)*",
            "([a-z]+)*b",
            "(?:x|\\d+)+",
            "((a+))+",
            "(a+)+?",
            "(a+){2,}",
            "(?<n>[^]]*)*",
        ] {
            assert!(is_slow(slow), "{slow}");
        }
        for fast in [
            "a+b+",
            "(a+)",
            "(a+b)+",
            "([a-z]+-)*[a-z]+",
            "(a+)?",
            "(a+){3}",
            "(a{2})+",
            "[(a+)+]",
            "\\(a+\\)+",
            "(a++)+",
            "(ab+)+",
            ")+",
            "((",
        ] {
            assert!(!is_slow(fast), "{fast}");
        }
    }

    #[test]
    fn what_dot_net_does_not_know() {
        for (pattern, what) in [
            ("^\\u{1F6A2}$", Some("\\u{1F6A2}")),
            ("\\p{Script=Greek}", Some("\\p{Script=Greek}")),
            ("a[^]", Some("[^]")),
            ("[]", Some("[]")),
            ("\\p{L}\\u00e4", None),
            ("[]a]", None),
            ("\\\\u{1}", None),
            ("ä\\ä[^a]", None),
        ] {
            assert_eq!(foreign(pattern), what, "{pattern}");
        }
    }
}
