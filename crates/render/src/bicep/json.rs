//! Whether `string(loadJsonContent())` gives the JSON that a file holds. It reads numbers
//! into numbers of .NET and writes them in its own way, and of two keys that are alike it
//! keeps one.

use super::limits::{MAX_DEPTH, MAX_TEXT, exceeds};
use std::borrow::Cow;
use std::collections::HashSet;

/// What a document becomes in the compiled template, which is indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    lines: usize,
    bytes: usize,
}

impl Shape {
    /// Bytes when it stands `depth` levels below the top.
    pub(super) fn size(self, depth: usize) -> usize {
        self.bytes + self.lines * 2 * depth
    }
}

/// The shape of `text`; `None` when it is no JSON, or would be changed.
pub(super) fn shape(text: &str) -> Option<Shape> {
    let mut scanner = Scanner {
        text,
        at: 0,
        lines: 0,
        bytes: 0,
    };
    scanner.value(0)?;
    scanner.blanks();
    (scanner.at == text.len()).then_some(Shape {
        lines: scanner.lines,
        bytes: scanner.bytes,
    })
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    lines: usize,
    bytes: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn line(&mut self, depth: usize) {
        self.lines += 1;
        self.bytes += 1 + 2 * depth;
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                let words = ["true", "false", "null"];
                let word = words.into_iter().find(|word| rest.starts_with(word))?;
                self.at += word.len();
                self.bytes += word.len();
                Some(())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.bytes += 2;
        if self.eat(b'}') {
            return Some(());
        }
        let mut keys = HashSet::new();
        loop {
            self.line(depth + 1);
            self.blanks();
            let key = self.string()?;
            // Names of template objects are found without case.
            if !keys.insert(key.to_lowercase()) || !self.eat(b':') {
                return None;
            }
            self.bytes += 3;
            self.value(depth + 1)?;
            if self.eat(b'}') {
                self.line(depth);
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.bytes += 2;
        if self.eat(b']') {
            return Some(());
        }
        loop {
            self.line(depth + 1);
            self.value(depth + 1)?;
            self.bytes += 1;
            if self.eat(b']') {
                self.line(depth);
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    /// The text of a string.
    fn string(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at)?;
        self.bytes += quoted.len();
        let text: Cow<'t, str> = match escaped {
            false => quoted[1..quoted.len() - 1].into(),
            // Half of a surrogate pair is no text.
            true => serde_json::from_str::<String>(quoted).ok()?.into(),
        };
        (!exceeds(&text, MAX_TEXT)).then_some(text)
    }

    /// A number that is written as it is read.
    fn number(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
        let number = &rest[..end.unwrap_or(rest.len())];
        self.at += number.len();
        self.bytes += number.len();
        stays(number).then_some(())
    }
}

/// Whether .NET writes the number `digits` as it stands: integers of 64 bits, and
/// fractions that need neither an exponent nor more digits than a number has.
pub(super) fn stays(digits: &str) -> bool {
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    match plain.split_once('.') {
        None => digits.parse::<i64>().is_ok() && digits != "-0",
        Some((whole, fraction)) => {
            let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let significant = format!("{whole}{fraction}");
            let significant = significant.trim_start_matches('0');
            all(whole)
                && all(fraction)
                && !fraction.ends_with('0')
                && significant.len() <= 15
                && (whole != "0" || !fraction.starts_with("0000"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_change() {
        for number in [
            "0",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "0.5",
            "-12.25",
        ] {
            assert!(shape(number).is_some(), "{number}");
        }
        let changed = [
            "1.0",
            "-0",
            "-0.0",
            "1e3",
            "1E-7",
            "0.00001",
            "9223372036854775808",
            "12345678901234567890",
            "0.1234567890123456789",
            "0.10",
            "1.",
            "-",
            "+1",
        ];
        for number in changed {
            assert!(shape(&format!("[{number}]")).is_none(), "{number}");
        }
    }

    #[test]
    fn keys_and_texts_that_would_change() {
        assert!(shape(r#"{"a": 1, "b": {"a": "[x]"}}"#).is_some());
        for text in [
            r#"{"a": 1, "a": 2}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"{"a": 1, "A": 2}"#,
            r#"["\ud800"]"#,
            "{} {}",
            "[1,]",
            "{\"a\" 1}",
            "\"",
            "",
            "[\"\\",
        ] {
            assert!(shape(text).is_none(), "{text}");
        }
        let long = |units: usize| format!("[\"{}\"]", "x".repeat(units));
        assert!(shape(&long(MAX_TEXT)).is_some());
        assert!(shape(&long(MAX_TEXT + 1)).is_none());
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(shape(&nested(MAX_DEPTH)).is_some());
        assert!(shape(&nested(MAX_DEPTH + 1)).is_none());
    }

    /// The size is that of the same document with line breaks, two blanks a level.
    #[test]
    fn the_size_is_that_of_indented_json() {
        let text = r#"{"a":[1,{"b":"c"},[]],"d":{},"e":{"f":true}}"#;
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let size = shape(text).expect("it stays").size(0);
        assert!(
            size >= pretty.len() && size <= pretty.len() + 8,
            "{size} {}",
            pretty.len()
        );
        assert_eq!(
            shape(text).expect("it stays").size(3),
            size + 6 * pretty.matches('\n').count()
        );
    }
}
