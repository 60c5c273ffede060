//! Numbers, characters and strings: where they end, and what they stand for.

use super::{Kind, Lexer, Number};
use crate::problem::{Code, Problem};
use crate::span::{Span, offset};

impl Lexer<'_> {
    /// One escape sequence; `at` is at its backslash.
    pub(super) fn escape(&mut self) {
        let start = self.at;
        let hex = |from: usize, most: usize| {
            let digits = self.bytes.iter().skip(from).take(most);
            digits.take_while(|b| b.is_ascii_hexdigit()).count()
        };
        let (length, good) = match self.peek(1) {
            b'\'' | b'"' | b'\\' | b'0' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' => {
                (2, true)
            }
            b'x' => {
                let digits = hex(start + 2, 4);
                (2 + digits, digits > 0)
            }
            b'u' => {
                let digits = hex(start + 2, 4);
                (2 + digits, digits == 4)
            }
            b'U' => {
                let digits = hex(start + 2, 8);
                let value = self.text.get(start + 2..start + 2 + digits);
                let value = value.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                (
                    2 + digits,
                    digits == 8 && value.is_some_and(|v| v <= 0x10_FFFF),
                )
            }
            _ => (1, false),
        };
        self.at = start + length;
        if good {
            return;
        }
        if length == 1 {
            // The character behind it, unless it ends the line.
            let next = self
                .text
                .get(self.at..)
                .and_then(|rest| rest.chars().next());
            if let Some(c) = next.filter(|_| self.line_break(self.at) == 0) {
                self.at += c.len_utf8();
            }
        }
        let sequence = self.text.get(start..self.at).unwrap_or("\\").to_owned();
        let span = Span::new(offset(start), offset(self.at));
        let problem = if sequence == "\\e" {
            Problem::new(
                Code::LanguageVersion,
                span,
                "`\\e` needs C# 13; policy expressions are C# 7",
            )
            .help("write `\\u001b`")
        } else {
            Problem::new(
                Code::BadEscape,
                span,
                format!("`{sequence}` is no escape sequence"),
            )
            .help("write `\\\\` for a backslash, or start the string with `@\"`")
        };
        self.note(problem);
    }

    pub(super) fn string(&mut self, start: usize) {
        if self.rest().starts_with(b"\"\"\"") {
            // A raw string of a later version, or an empty string and a stray quote.
            let rest = &self.bytes[start + 3..];
            if memchr::memmem::find(rest, b"\"\"\"").is_some() {
                self.raw(start);
                return;
            }
        }
        self.at = start + 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    if self.rest().starts_with(b"u8") {
                        self.later(start, self.at + 2, "a UTF-8 string", 11);
                        self.at += 2;
                    }
                    self.push(Kind::Text, start);
                    return;
                }
                b'\\' => self.escape(),
                _ if self.line_break(self.at) > 0 => break,
                _ => self.at += 1,
            }
        }
        let end = self.at;
        self.report(
            Code::NewlineInLiteral,
            start,
            end,
            "this string ends with its line; close it with `\"`, or start it with `@\"`",
        );
        self.push(Kind::Text, start);
    }

    fn later(&mut self, start: usize, end: usize, what: &str, version: u8) {
        let message = format!("{what} needs C# {version}; policy expressions are C# 7");
        self.report(Code::LanguageVersion, start, end, message);
    }

    /// A raw string: refused, and read over as a whole.
    pub(super) fn raw(&mut self, start: usize) {
        let dollars = self.rest().iter().take_while(|b| **b == b'$').count();
        let quotes = self
            .rest()
            .iter()
            .skip(dollars)
            .take_while(|b| **b == b'"')
            .count();
        let body = start + dollars + quotes;
        if quotes < 3 {
            self.at = start + dollars;
            self.report(
                Code::BadCharacter,
                start,
                self.at,
                "`$` stands before a string, once",
            );
            self.push(Kind::Unknown, start);
            return;
        }
        let fence = "\"".repeat(quotes.min(64));
        let end = memchr::memmem::find(&self.bytes[body..], fence.as_bytes());
        self.at = end.map_or(self.bytes.len(), |end| body + end + fence.len());
        self.later(start, self.at, "a raw string", 11);
        self.push(Kind::Text, start);
    }

    pub(super) fn verbatim(&mut self, start: usize) {
        self.at = start + 2;
        loop {
            let Some(length) = memchr::memchr(b'"', self.rest()) else {
                self.at = self.bytes.len();
                self.report(
                    Code::OpenString,
                    start,
                    start + 2,
                    "this verbatim string has no end; close it with `\"`",
                );
                break;
            };
            self.at += length + 1;
            if self.peek(0) != b'"' {
                break;
            }
            self.at += 1;
        }
        self.push(Kind::Text, start);
    }

    pub(super) fn character(&mut self) {
        let start = self.at;
        self.at += 1;
        let mut count = 0;
        while self.at < self.bytes.len() && self.line_break(self.at) == 0 {
            match self.peek(0) {
                b'\'' => break,
                b'\\' => self.escape(),
                _ => {
                    let c = self
                        .text
                        .get(self.at..)
                        .and_then(|rest| rest.chars().next());
                    self.at += c.map_or(1, char::len_utf8);
                    // Outside the basic plane a character is two of .NET's.
                    count += usize::from(c.is_some_and(|c| c > '\u{ffff}'));
                }
            }
            count += 1;
        }
        if self.peek(0) != b'\'' || self.at >= self.bytes.len() {
            // No closing quote on this line: take one character and go on.
            self.at = start + 1;
            let c = self
                .text
                .get(self.at..)
                .and_then(|rest| rest.chars().next());
            if let Some(c) = c.filter(|_| self.line_break(self.at) == 0) {
                self.at += c.len_utf8();
            }
            self.note(
                Problem::new(
                    Code::LongCharacter,
                    Span::new(offset(start), offset(self.at)),
                    "this `'` has no partner on its line",
                )
                .help("put texts in double quotes"),
            );
            self.push(Kind::Character, start);
            return;
        }
        self.at += 1;
        let end = self.at;
        if count == 0 {
            let message = "there is no character between these quotes";
            self.report(Code::EmptyCharacter, start, end, message);
        } else if count > 1 {
            let text = self.text.get(start + 1..end - 1).unwrap_or("");
            let shown: String = text.chars().take(40).collect();
            self.note(
                Problem::new(
                    Code::LongCharacter,
                    Span::new(offset(start), offset(end)),
                    format!("single quotes hold one character, and `{shown}` is a text"),
                )
                .help("put it in double quotes; inside an attribute they are written `&quot;`"),
            );
        }
        self.push(Kind::Character, start);
    }

    pub(super) fn number(&mut self) {
        let start = self.at;
        let prefix = matches!(
            (self.peek(0), self.peek(1)),
            (b'0', b'x' | b'X' | b'b' | b'B')
        );
        let hex = prefix && matches!(self.peek(1), b'x' | b'X');
        let mut real = false;
        if prefix {
            self.at += 2;
            while self.peek(0) == b'_'
                || if hex {
                    self.peek(0).is_ascii_hexdigit()
                } else {
                    matches!(self.peek(0), b'0' | b'1')
                }
            {
                self.at += 1;
            }
            if self.at == start + 2 {
                let message = "digits are missing in this number";
                self.report(Code::BadNumber, start, self.at, message);
            }
        } else {
            self.digits();
            if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
                real = true;
                self.at += 1;
                self.digits();
            }
            if matches!(self.peek(0), b'e' | b'E') {
                let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
                if self.peek(1 + sign).is_ascii_digit() {
                    real = true;
                    self.at += 1 + sign;
                    self.digits();
                }
            }
        }
        let digits = self.at;
        if self.bytes.get(digits - 1) == Some(&b'_') {
            let message = "`_` stands between digits, not behind them";
            self.report(Code::BadNumber, start, digits, message);
        }
        let kind = self.suffix(real, prefix);
        self.check_number(start, digits, kind);
        self.push(Kind::Number(kind), start);
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() || self.peek(0) == b'_' {
            self.at += 1;
        }
    }

    fn suffix(&mut self, real: bool, prefix: bool) -> Number {
        let first = self.peek(0).to_ascii_lowercase();
        let second = self.peek(1).to_ascii_lowercase();
        let (kind, length) = match (first, second) {
            (b'u', b'l') | (b'l', b'u') if !real => (Number::UnsignedLong, 2),
            (b'u', _) if !real => (Number::Unsigned, 1),
            (b'l', _) if !real => (Number::Long, 1),
            (b'f', _) if !prefix => (Number::Float, 1),
            (b'd', _) if !prefix => (Number::Double, 1),
            (b'm', _) if !prefix => (Number::Decimal, 1),
            _ if real => (Number::Double, 0),
            _ => (Number::Int, 0),
        };
        self.at += length;
        kind
    }

    fn check_number(&mut self, start: usize, digits: usize, kind: Number) {
        let text = self.text.get(start..digits).unwrap_or("");
        let end = self.at;
        match kind {
            Number::Float | Number::Double | Number::Decimal => {
                let value = number_value(text).1;
                let largest = match kind {
                    Number::Float => f64::from(f32::MAX),
                    Number::Decimal => 7.922_816_251_426_434e28,
                    _ => f64::MAX,
                };
                if !value.is_finite() || value > largest {
                    let message = format!("{text} is larger than its type can hold");
                    self.report(Code::RealRange, start, end, message);
                }
            }
            _ => {
                if number_value(text).0.is_none() {
                    let message = format!("{text} is larger than any type of whole numbers holds");
                    self.report(Code::NumberRange, start, end, message);
                }
            }
        }
    }
}

/// What the digits of a number stand for: as a whole number, and as a real one.
pub(crate) fn number_value(text: &str) -> (Option<u64>, f64) {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let lower = plain.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        let hex = hex.trim_end_matches(['u', 'l']);
        return (
            u64::from_str_radix(hex, 16)
                .ok()
                .or_else(|| hex.is_empty().then_some(0)),
            0.0,
        );
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        let binary = binary.trim_end_matches(['u', 'l']);
        return (
            u64::from_str_radix(binary, 2)
                .ok()
                .or_else(|| binary.is_empty().then_some(0)),
            0.0,
        );
    }
    let number = lower.trim_end_matches(['u', 'l', 'f', 'd', 'm']);
    (number.parse().ok(), number.parse().unwrap_or(f64::NAN))
}

/// A `\u` or `\U` escape at the start of `text`: the character and its length.
pub(super) fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let length = match text.as_bytes().get(1)? {
        b'u' => 6,
        b'U' => 10,
        _ => return None,
    };
    let code = u32::from_str_radix(text.get(2..length)?, 16).ok()?;
    Some((char::from_u32(code)?, length))
}

/// The text that a string literal, or a piece of an interpolated one, stands
/// for. Half a surrogate pair becomes the replacement character.
pub(crate) fn string_value(literal: &str) -> String {
    if let Some(verbatim) = literal.strip_prefix("@\"") {
        let body = verbatim.strip_suffix('"').unwrap_or(verbatim);
        return body.replace("\"\"", "\"");
    }
    let body = literal.strip_prefix('"').unwrap_or(literal);
    unescape(body.strip_suffix('"').unwrap_or(body))
}

/// The character that a character literal stands for.
pub(crate) fn character_value(literal: &str) -> Option<char> {
    let body = literal.strip_prefix('\'').unwrap_or(literal);
    unescape(body.strip_suffix('\'').unwrap_or(body))
        .chars()
        .next()
}

fn unescape(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            break;
        };
        let hex = |most: usize| {
            let digits = rest
                .bytes()
                .skip(1)
                .take(most)
                .take_while(u8::is_ascii_hexdigit);
            let end = 1 + digits.count();
            let code = u32::from_str_radix(rest.get(1..end).unwrap_or(""), 16).unwrap_or(0);
            (char::from_u32(code).unwrap_or('\u{fffd}'), end)
        };
        let (value, length) = match c {
            '0' => ('\0', 1),
            'a' => ('\u{7}', 1),
            'b' => ('\u{8}', 1),
            'f' => ('\u{c}', 1),
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            'v' => ('\u{b}', 1),
            'x' | 'u' => hex(4),
            'U' => hex(8),
            other => (other, other.len_utf8()),
        };
        out.push(value);
        rest = rest.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out
}
