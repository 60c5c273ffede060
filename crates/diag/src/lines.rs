//! Lines and columns of byte offsets.

use super::LONGEST_CREDENTIAL;
use super::credential::credentials;

/// A point in a file. Lines and columns are 1-based, columns count Unicode
/// scalar values, offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// 1-based line.
    pub line: u32,
    /// 1-based column in Unicode scalar values.
    pub column: u32,
    /// Byte offset in the file.
    pub offset: u32,
}

/// From the first point to one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Range {
    /// First point.
    pub start: Position,
    /// One past the last point.
    pub end: Position,
}

/// The line on which a finding starts, shortened around it.
#[derive(Debug, Clone)]
pub struct Snippet {
    /// Text of the line, or a part of it.
    pub text: String,
    /// Bytes of `text` that the finding marks.
    pub mark: std::ops::Range<usize>,
}

/// Where the lines of a file start, and how many scalar values lie before. A question
/// takes the same time at the end of a long line as at its start.
#[derive(Debug)]
pub struct LineIndex {
    text: Vec<u8>,
    starts: Vec<u32>,
    /// Scalar values before every [`BLOCK`]th byte.
    scalars: Vec<u32>,
}

const BLOCK: usize = 256;

impl LineIndex {
    /// Of the bytes of a file.
    pub fn new(text: Vec<u8>) -> Self {
        let newlines =
            memchr::memchr_iter(b'\n', &text).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let starts = std::iter::once(0).chain(newlines).collect();
        let mut before = 0;
        let scalars = text.chunks(BLOCK).map(|block| {
            let at = before;
            before += count(block);
            at
        });
        let scalars = scalars.collect();
        Self {
            text,
            starts,
            scalars,
        }
    }

    /// Index of the line that holds byte `offset`.
    fn line(&self, offset: u32) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    fn position(&self, offset: u32) -> Position {
        let offset = offset.min(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let line = self.line(offset);
        let start = self.starts[line];
        // A byte order mark is no column.
        let mark = line == 0 && offset >= 3 && self.text.starts_with(b"\xEF\xBB\xBF");
        Position {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: self.before(offset) - self.before(start) - u32::from(mark) + 1,
            offset,
        }
    }

    /// Scalar values before byte `offset`.
    fn before(&self, offset: u32) -> u32 {
        let offset = offset as usize;
        let block = offset / BLOCK;
        match self.scalars.get(block) {
            Some(before) => before + count(&self.text[block * BLOCK..offset]),
            // The end of a text that fills its blocks.
            None => self.scalars.last().map_or(0, |before| {
                before + count(&self.text[(block - 1) * BLOCK..offset])
            }),
        }
    }

    /// The text of `span`, where that is UTF-8.
    pub(super) fn text(&self, span: crate::Span) -> Option<&str> {
        let bytes = self.text.get(span.start as usize..span.end as usize)?;
        std::str::from_utf8(bytes).ok()
    }

    /// Lines and columns of the bytes `start..end`.
    pub fn range(&self, start: u32, end: u32) -> Range {
        Range {
            start: self.position(start),
            end: self.position(end.max(start)),
        }
    }

    /// The line of `start`, at most 160 bytes around the mark; none when a byte of it is in
    /// one of the ranges `hidden`, which are sorted and do not overlap.
    pub(super) fn snippet(&self, start: u32, end: u32, hidden: &[(u32, u32)]) -> Option<Snippet> {
        let len = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let (start, end) = (start.min(len), end.min(len).max(start.min(len)));
        let line = self.line(start);
        let from = self.starts[line];
        let to = self.starts.get(line + 1).map_or(len, |next| next - 1);
        let mut window = from..to.max(from);
        if window.len() > 160 {
            window.start = start.saturating_sub(60).max(from);
            window.end = (window.start + 160).min(to);
        }
        let next = hidden.partition_point(|(_, to)| *to <= window.start);
        if hidden.get(next).is_some_and(|(from, _)| *from < window.end) {
            return None;
        }
        if self.shows_credential(&window) {
            return None;
        }
        let boundary = |mut at: u32| {
            while at > from && at < len && self.text[at as usize] & 0xC0 == 0x80 {
                at -= 1;
            }
            at as usize
        };
        let (a, b) = (boundary(window.start), boundary(window.end));
        let line_text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&self.text[range])
                .replace(['\r', '\n'], "")
                .replace('\t', " ")
        };
        let mark_start = boundary(start).clamp(a, b);
        let mark_end = boundary(end).clamp(mark_start, b);
        let (before, marked, after) = (
            line_text(a..mark_start),
            line_text(mark_start..mark_end),
            line_text(mark_end..b),
        );
        let mark = before.len()..before.len() + marked.len();
        Some(Snippet {
            text: before + &marked + &after,
            mark,
        })
    }

    /// Whether a credential by its shape reaches into `window`.
    fn shows_credential(&self, window: &std::ops::Range<u32>) -> bool {
        let around = LONGEST_CREDENTIAL;
        let start = (window.start as usize).saturating_sub(around);
        let end = (window.end as usize + around).min(self.text.len());
        // What is no UTF-8 stands for itself, byte by byte.
        let text: String = match std::str::from_utf8(&self.text[start..end]) {
            Ok(text) => text.to_owned(),
            Err(_) => self.text[start..end]
                .iter()
                .map(|byte| match byte {
                    0..0x80 => char::from(*byte),
                    _ => '\u{1a}',
                })
                .collect(),
        };
        let (from, to) = (window.start as usize - start, window.end as usize - start);
        credentials(&text)
            .iter()
            .any(|range| range.start < to && range.end > from)
    }
}

/// Sorts ranges and joins those that overlap.
pub(super) fn apart(ranges: &mut Vec<(u32, u32)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let overlaps = next.0 <= kept.1;
        if overlaps {
            kept.1 = kept.1.max(next.1);
        }
        overlaps
    });
}

/// Scalar values of UTF-8: every byte that does not continue a sequence.
fn count(text: &[u8]) -> u32 {
    let starts = text.iter().filter(|byte| **byte & 0xC0 != 0x80);
    u32::try_from(starts.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::LineIndex;

    #[test]
    fn a_line_with_something_hidden_is_not_shown() {
        let index = LineIndex::new(b"first\nsecret here\nlast".to_vec());
        let hidden = [(6, 12)];
        for (at, shown) in [(0, true), (6, false), (13, false), (18, true)] {
            let snippet = index.snippet(at, at + 4, &hidden);
            assert_eq!(snippet.is_some(), shown, "byte {at}");
            assert!(index.snippet(at, at + 4, &[]).is_some());
        }
    }

    #[test]
    fn what_is_hidden_twice_is_hidden_once() {
        let mut hidden = vec![(8, 9), (0, 20), (30, 40), (35, 50)];
        super::apart(&mut hidden);
        assert_eq!(hidden, [(0, 20), (30, 50)]);
    }

    #[test]
    fn columns_are_counted_in_scalar_values_on_lines_of_any_length() {
        for text in [
            "",
            "a\nb",
            "\u{feff}ä\nöü",
            &"ä€x".repeat(400),
            &format!("\u{feff}{}\n{}", "€".repeat(300), "x".repeat(512)),
        ] {
            let index = LineIndex::new(text.as_bytes().to_vec());
            let (mut line, mut column) = (1, 1);
            let ends = std::iter::once((text.len(), '\0'));
            for (at, c) in text.char_indices().chain(ends) {
                let at = u32::try_from(at).unwrap();
                let start = index.range(at, at).start;
                if c != '\u{feff}' {
                    assert_eq!((start.line, start.column), (line, column), "byte {at}");
                }
                match c {
                    '\n' => (line, column) = (line + 1, 1),
                    '\u{feff}' => {}
                    _ => column += 1,
                }
            }
        }
    }
}
