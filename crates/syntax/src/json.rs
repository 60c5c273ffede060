//! A strict JSON parser (RFC 8259) that does not recurse.

use super::builder::{Builder, Text};
use super::document::Document;
use super::node::NodeKind;
use super::rules::malformed_document;
use super::{Caps, Options};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Meter, Rule};

pub(super) fn parse(
    file: FileId,
    text: String,
    options: Options<'_>,
    meter: &Meter,
    findings: &mut Findings,
) -> Option<Document> {
    let mut parser = Parser {
        text: &text,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        counted: 0,
        meter,
        builder: Builder::new(file, &text, meter),
        caps: Caps::new(options.limits),
        malformed: options.malformed,
        buffer: String::new(),
    };
    let outcome = parser.document(findings);
    let built = parser.builder.finish();
    match outcome {
        Ok(()) => Some(built.into_document(file, text)),
        Err(finding) => {
            findings.push(*finding);
            None
        }
    }
}

struct Parser<'s> {
    text: &'s str,
    at: usize,
    /// Up to where the text counts as work that was done.
    counted: usize,
    meter: &'s Meter,
    builder: Builder<'s>,
    caps: Caps,
    malformed: &'static Rule,
    buffer: String,
}

type Step<T = ()> = Result<T, Box<Diagnostic>>;

/// Bytes that are one step.
const STEP: usize = 64;

impl Parser<'_> {
    /// Counts the text up to the cursor.
    #[inline]
    fn count(&mut self) {
        if self.at >= self.counted + 64 * STEP {
            let steps = (self.at - self.counted) / STEP;
            let place = self.builder.span(self.at, self.at);
            self.meter.spend(steps as u64, place);
            self.counted = self.at;
        }
    }

    fn document(&mut self, findings: &mut Findings) -> Step {
        self.skip_space();
        self.value()?;
        while let Some((_, kind)) = self.builder.innermost() {
            self.skip_space();
            let close = if kind == NodeKind::Object { b'}' } else { b']' };
            let first = !self.after_value();
            match self.peek() {
                Some(b) if b == close => {
                    if self.text.as_bytes()[..self.at]
                        .trim_ascii_end()
                        .ends_with(b",")
                    {
                        return Err(self.unexpected("a value after the `,`"));
                    }
                    self.at += 1;
                    self.builder.close(self.at, findings);
                    continue;
                }
                Some(b',') if !first => {
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(close) {
                        return Err(self.unexpected("a value after the `,`"));
                    }
                }
                _ if first => {}
                _ => {
                    return Err(self.unexpected(if kind == NodeKind::Object {
                        "`,` or `}`"
                    } else {
                        "`,` or `]`"
                    }));
                }
            }
            if kind == NodeKind::Object {
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected("a key in double quotes"));
                }
                self.string()?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected("`:` after the key"));
                }
                self.at += 1;
                self.skip_space();
            }
            self.value()?;
        }
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.unexpected("the end of the document"));
        }
        Ok(())
    }

    /// Whether the innermost array or object already has something inside.
    fn after_value(&self) -> bool {
        self.builder
            .innermost()
            .is_some_and(|(index, _)| index as usize + 1 < self.builder.len())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.count();
    }

    fn value(&mut self) -> Step {
        let start = self.at;
        self.meter.spend(1, self.builder.span(start, start));
        match self.peek() {
            Some(b'{') => self.open(NodeKind::Object),
            Some(b'[') => self.open(NodeKind::Array),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, kind) in [
                    ("true", NodeKind::True),
                    ("false", NodeKind::False),
                    ("null", NodeKind::Null),
                ] {
                    if self.text.as_bytes()[start..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return self.leaf(kind, start, Text::Bare);
                    }
                }
                Err(self.unexpected("a value"))
            }
        }
    }

    fn open(&mut self, kind: NodeKind) -> Step {
        self.builder.open(kind, self.at);
        self.at += 1;
        let span = self.builder.span(self.at - 1, self.at);
        self.caps
            .check(self.builder.depth(), self.builder.len(), span)
    }

    fn leaf(&mut self, kind: NodeKind, start: usize, text: Text<'_>) -> Step {
        self.builder.leaf(kind, start, self.at, text);
        let span = self.builder.span(start, self.at);
        self.caps.check(0, self.builder.len(), span)
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.peek(), Some(b'0'..=b'9')) {
                    return Err(self.unexpected("no digit after a leading zero"));
                }
            }
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected("a digit after the `.`"));
            }
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected("a digit in the exponent"));
            }
            self.digits();
        }
        self.leaf(NodeKind::Number, start, Text::Bare)
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    /// A string, the cursor on its opening quote.
    fn string(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        let mut run = self.at;
        let mut escaped = false;
        self.buffer.clear();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = start;
                return Err(self.error(start, start + 1, "the string has no closing quote"));
            };
            if let Some(control) = rest[..stop].iter().position(|&b| b < 0x20) {
                let at = self.at + control;
                return Err(self.error(
                    at,
                    at + 1,
                    "a control character (a line break?) must be escaped in a string",
                ));
            }
            self.at += stop;
            if rest[stop] == b'"' {
                break;
            }
            escaped = true;
            self.count();
            self.buffer.push_str(&self.text[run..self.at]);
            self.escape()?;
            run = self.at;
        }
        let to = self.at;
        self.at += 1;
        if !escaped {
            return self.leaf(NodeKind::String, start, Text::Quoted);
        }
        self.buffer.push_str(&self.text[run..to]);
        let text = Text::Other(&self.buffer);
        self.builder.leaf(NodeKind::String, start, self.at, text);
        let span = self.builder.span(start, self.at);
        self.caps.check(0, self.builder.len(), span)
    }

    /// An escape, the cursor on its backslash; adds what it means to `buffer`.
    fn escape(&mut self) -> Step {
        let start = self.at;
        let Some(&letter) = self.text.as_bytes().get(start + 1) else {
            return Err(self.error(start, start + 1, "the string has no closing quote"));
        };
        self.at += 2;
        let meant = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape(start)?,
            _ => {
                let end = start
                    + 1
                    + self.text[start + 1..]
                        .chars()
                        .next()
                        .map_or(1, char::len_utf8);
                return Err(self.error(start, end, "there is no such escape in JSON"));
            }
        };
        self.buffer.push(meant);
        Ok(())
    }

    fn unicode_escape(&mut self, start: usize) -> Step<char> {
        let high = self.hex4(start)?;
        let code = match high {
            0xd800..=0xdbff => {
                let low = if self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    self.hex4(start)?
                } else {
                    0
                };
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.half_pair(start));
                }
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.half_pair(start))
    }

    fn half_pair(&self, start: usize) -> Box<Diagnostic> {
        self.error(
            start,
            self.at,
            "the escape is half of a surrogate pair, which is no character",
        )
    }

    fn hex4(&mut self, start: usize) -> Step<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, &digit| {
                Some(code * 16 + char::from(digit).to_digit(16)?)
            })
        });
        match code {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.error(start, self.at, "`\\u` needs four hexadecimal digits")),
        }
    }

    fn error(&self, start: usize, end: usize, message: &str) -> Box<Diagnostic> {
        let place = self.builder.span(start, end);
        Box::new(malformed_document::json(self.malformed, place, message))
    }

    fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let (end, found) = match self.text[self.at..].chars().next() {
            Some(c) => (
                self.at + c.len_utf8(),
                format!("found `{}`", c.escape_default()),
            ),
            None => (self.at, "the document ends".to_owned()),
        };
        self.error(self.at, end, &format!("expected {expected}, but {found}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Options, parse};
    use crate::rules;
    use flux_apim_diag::tree::{FileId, Limits};
    use flux_apim_diag::{Budget, Findings};

    /// A name, and what makes the text of a size.
    type Shape = (&'static str, Box<dyn Fn(usize) -> String>);

    /// Steps and the most bytes held.
    fn cost(text: &str) -> (f64, f64) {
        let limits = Limits::default();
        let options = Options {
            malformed: &rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let budget = Budget::default();
        let mut findings = Findings::new(&budget, &limits);
        let text = text.to_owned();
        drop(parse(FileId(0), text, Format::Json, options, &mut findings));
        assert_eq!(budget.held(), 0);
        (budget.spent() as f64, budget.peak() as f64)
    }

    /// Twice the text takes at most 2.3 times the steps and the memory.
    #[test]
    fn every_shape_is_linear() {
        let keys = |n: usize| (0..n).map(|n| format!("\"{}\":0,", n * 7919 % 65536));
        let shapes: Vec<Shape> = vec![
            ("numbers", Box::new(|n| format!("[{}0]", "1,".repeat(n)))),
            (
                "keys",
                Box::new(move |n| format!("{{{}\"\":0}}", keys(n).collect::<String>())),
            ),
            (
                "keys twice",
                Box::new(|n| format!("{{{}\"\":0}}", "\"a\":1,".repeat(n))),
            ),
            (
                "escapes",
                Box::new(|n| format!("\"{}\"", "\\n".repeat(16 * n))),
            ),
            (
                "a string",
                Box::new(|n| format!("\"{}\"", "n".repeat(64 * n))),
            ),
            ("spaces", Box::new(|n| format!("[{}]", " ".repeat(64 * n)))),
            (
                "objects",
                Box::new(|n| format!("[{}0]", "{\"a\":{}},".repeat(n))),
            ),
        ];
        for (name, shape) in shapes {
            let (once, twice) = (cost(&shape(8000)), cost(&shape(16_000)));
            assert!(
                twice.0 < once.0 * 2.3,
                "{name}: {} then {} steps",
                once.0,
                twice.0
            );
            assert!(
                twice.1 < once.1 * 2.3,
                "{name}: {} then {} bytes",
                once.1,
                twice.1
            );
            assert!(once.0 > 3000.0, "{name}: {} steps", once.0);
        }
    }

    /// The most that a byte of JSON takes is the byte, and half a value of 16.
    #[test]
    fn a_value_takes_sixteen_bytes() {
        let text = format!("[{}0]", "1,".repeat(100_000));
        let (_, peak) = cost(&text);
        assert!(peak / (text.len() as f64) < 9.1, "{peak}");
    }
}
