//! Where the characters of a string stand in the document that wrote it.
//!
//! A JSON string or a YAML scalar is not what it means: escapes, doubled quotes, folded
//! lines and indentation are between the two. What was read is laid beside what was
//! written, character by character; where they do not fit, nothing is claimed.

/// Bytes of a value, and where they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// Offsets in the value from which on, up to the next, bytes stand in the source
    /// one for one; with the offset in the source.
    runs: Vec<(u32, u32)>,
    /// Ends of the value and of the source.
    end: (u32, u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Double,
    Single,
    /// A plain scalar, or the lines of a block, from the first character on.
    Plain,
}

impl Origins {
    /// The origins of `value` in `source`, which is the scalar as written, quotes
    /// included. None when it is not written there. Linear.
    pub fn new(source: &str, value: &str) -> Option<Self> {
        let (style, start) = match source.as_bytes().first() {
            Some(b'"') => (Style::Double, 1),
            Some(b'\'') => (Style::Single, 1),
            _ => (Style::Plain, 0),
        };
        let mut aligner = Aligner {
            source,
            at: start,
            style,
        };
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut expected = None;
        for (offset, c) in value.char_indices() {
            let at = aligner.character(c, &value[offset..])?;
            if expected != Some(at) {
                runs.push((count(offset)?, count(at)?));
            }
            // A character that is written as itself goes on the run.
            let itself = source[at..].starts_with(c) && aligner.at == at + c.len_utf8();
            expected = itself.then_some(aligner.at);
        }
        let end = (count(value.len())?, count(aligner.at)?);
        Some(Self { runs, end })
    }

    /// The source of the bytes `start..end` of the value.
    pub fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.at(start);
        if end <= start {
            return (from, from);
        }
        // The last byte may be the first of several in the source.
        let last = self.at(end - 1);
        let next = self.at(end);
        (from, if next > last { next } else { last + 1 })
    }

    fn at(&self, offset: usize) -> usize {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        if offset >= self.end.0 {
            return self.end.1 as usize;
        }
        let behind = self.runs.partition_point(|(start, _)| *start <= offset);
        let Some((start, source)) = behind.checked_sub(1).map(|run| self.runs[run]) else {
            return 0;
        };
        let limit = self.runs.get(behind).map_or(self.end.1, |next| next.1);
        (source + (offset - start)).min(limit) as usize
    }
}

fn count(n: usize) -> Option<u32> {
    u32::try_from(n).ok()
}

struct Aligner<'s> {
    source: &'s str,
    at: usize,
    style: Style,
}

impl Aligner<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    /// Skips the indentation of a line that `value` goes on with: what it has more
    /// blanks than that.
    fn indentation(&mut self, value: &str) {
        let blanks = |text: &str| text.bytes().take_while(|byte| *byte == b' ').count();
        self.at += blanks(self.rest()).saturating_sub(blanks(value));
    }

    /// Where `c`, which `value` starts with, is written; goes behind it.
    fn character(&mut self, c: char, value: &str) -> Option<usize> {
        let behind = &value[c.len_utf8()..];
        loop {
            let start = self.at;
            let rest = self.rest();
            let first = rest.chars().next();
            if self.style == Style::Double && first == Some('\\') {
                match escape(&rest[1..])? {
                    (Some(written), len) => {
                        self.at += 1 + len;
                        return (written == c).then_some(start);
                    }
                    (None, len) => {
                        self.at += 1 + len;
                        self.blank();
                        continue;
                    }
                }
            }
            if self.style == Style::Single && c == '\'' {
                self.at += rest.starts_with("''").then_some(2)?;
                return Some(start);
            }
            if c == '\n' && rest.starts_with("\r\n") {
                self.at += 2;
                self.indentation(behind);
                return Some(start);
            }
            let first = first?;
            if first == c {
                self.at += c.len_utf8();
                if c == '\n' {
                    self.indentation(behind);
                }
                return Some(start);
            }
            match (c, first) {
                // A line break that is read as a blank.
                (' ', '\n' | '\r') => {
                    self.line_break(behind);
                    return Some(start);
                }
                // Blanks that are not part of the value: around line breaks.
                (_, '\n' | '\r') => self.line_break(value),
                (_, ' ' | '\t') => self.at += 1,
                _ => return None,
            }
        }
    }

    fn line_break(&mut self, value: &str) {
        self.at += if self.rest().starts_with("\r\n") {
            2
        } else {
            1
        };
        match self.style {
            Style::Plain => self.indentation(value),
            Style::Double | Style::Single => self.blank(),
        }
    }

    fn blank(&mut self) {
        let rest = self.rest().bytes();
        self.at += rest.take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    }
}

/// The character that an escape means (none for an escaped line break), and its length
/// behind the backslash.
fn escape(text: &str) -> Option<(Option<char>, usize)> {
    let hex = |from: usize, len: usize| {
        let digits = text.get(from..from + len)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let kind = text.chars().next()?;
    let c = match kind {
        'n' => '\n',
        't' | '\t' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        'a' => '\u{7}',
        'v' => '\u{b}',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return Some((char::from_u32(hex(1, 2)?), 3)),
        'U' => return Some((char::from_u32(hex(1, 8)?), 9)),
        'u' => {
            let high = hex(1, 4)?;
            if !(0xd800..0xdc00).contains(&high) {
                return Some((Some(char::from_u32(high)?), 5));
            }
            let low = text.get(5..7).filter(|next| *next == "\\u");
            let low = low.and_then(|_| hex(7, 4))?;
            let pair = 0x1_0000 + ((high - 0xd800) << 10) + (low.checked_sub(0xdc00)? & 0x3ff);
            return Some((Some(char::from_u32(pair)?), 11));
        }
        '\r' if text.starts_with("\r\n") => return Some((None, 2)),
        '\n' | '\r' => return Some((None, 1)),
        '"' | '\\' | '/' | ' ' | '\'' => kind,
        _ => return None,
    };
    Some((Some(c), kind.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Format, Options, parse};
    use flux_apim_diag::Findings;
    use flux_apim_diag::tree::{FileId, Limits};
    use proptest::prelude::*;

    /// What stands at `part` of the value, in a document.
    fn written(format: Format, text: &str, part: &str) -> Option<String> {
        let limits = Limits::default();
        let mut findings = Findings::from(Vec::new());
        let options = Options {
            malformed: &crate::rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let document: Document = parse(FileId(0), text.to_owned(), format, options, &mut findings)?;
        let value = crate::Value::from(document.root().get("v")?);
        let span = value.span?;
        let source = &text[span.start as usize..span.end as usize];
        let value = value.as_str()?.to_owned();
        let origins = Origins::new(source, &value)?;
        let start = value.find(part)?;
        let (from, to) = origins.range(start, start + part.len());
        Some(source[from..to].to_owned())
    }

    #[test]
    fn a_part_of_a_value_is_found_where_it_is_written() {
        for (format, text, part, found) in [
            (Format::Json, r#"{"v": "a \"b\"\n\u00e9 c"}"#, "c", "c"),
            (Format::Json, r#"{"v": "a \"b\" c"}"#, "\"b\"", r#"\"b\""#),
            (Format::Json, r#"{"v": "\ud83d\ude00 x"}"#, "x", "x"),
            (
                Format::Json,
                r#"{"v": "\u003cpolicies\u003e<inboud"}"#,
                "inboud",
                "inboud",
            ),
            (Format::Yaml, "v: 'it''s <x>'\n", "<x>", "<x>"),
            (Format::Yaml, "v: 'it''s <x>'\n", "t's", "t''s"),
            (Format::Yaml, "v: plain <x>\n", "<x>", "<x>"),
            (
                Format::Yaml,
                "v: |\n  a\n    <x>\n\n  b\n",
                "  <x>",
                "  <x>",
            ),
            (Format::Yaml, "v: |\n  a\n    <x>\n\n  b\n", "b", "b"),
            (Format::Yaml, "v: |\r\n  a\r\n  <x>\r\n", "<x>", "<x>"),
            (Format::Yaml, "v: >-\n  a\n  <x>\n\n  b\n", "<x>", "<x>"),
            (Format::Yaml, "v: >-\n  a\n  <x>\n\n  b\n", "b", "b"),
            (Format::Yaml, "v: \"a\n  b \\\n  <x>\"\n", "<x>", "<x>"),
            (Format::Yaml, "v: \"\\x41\\t<x>\"\n", "<x>", "<x>"),
        ] {
            assert_eq!(
                written(format, text, part).as_deref(),
                Some(found),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_written_there_has_no_origin() {
        assert_eq!(Origins::new("\"abc\"", "abd"), None);
        assert_eq!(Origins::new("*alias", "value"), None);
        assert_eq!(Origins::new("\"\\q\"", "q"), None);
    }

    proptest! {
        #[test]
        fn any_json_string_is_found(value in "\\PC{0,20}[\\n\"\\\\\u{1f600}]{0,4}\\PC{0,20}") {
            let source = serde_json::to_string(&value).expect("a string");
            let origins = Origins::new(&source, &value).expect("it is written there");
            for (at, c) in value.char_indices() {
                let (from, to) = origins.range(at, at + c.len_utf8());
                let part = format!("\"{}\"", &source[from..to]);
                let read: String = serde_json::from_str(&part).expect("a part of a string");
                prop_assert_eq!(read, c.to_string());
            }
        }

        #[test]
        fn is_total(source in "[\"'|>a-c\\\\\\n u0-9]{0,30}", value in "[\"'a-c\\\\\\n ]{0,30}") {
            let _ = Origins::new(&source, &value).map(|origins| origins.range(0, value.len()));
        }
    }
}
