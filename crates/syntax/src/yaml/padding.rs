//! Spaces put in front of lines that YAML 1.2 wants indented.
//!
//! libyaml and what descends from it (among them what APIM imports with) let
//! such lines pass inside flow collections and quoted scalars, where leading
//! spaces mean nothing, and real definitions have them. They are found in one
//! pass over the text. It need not be exact: what it finds is held against the
//! events of the parse that follows ([`Padding::covers`]).

use flux_apim_diag::Meter;
use flux_apim_diag::tree::FileId;

/// The most spaces that a line is given.
pub(super) const MAX_WIDTH: usize = 64;
/// Bytes that a line takes in memory.
pub(super) const LINE: usize = size_of::<Line>() + size_of::<(usize, usize)>();

/// A line that is given spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it starts, in bytes of the text.
    pub(super) byte: usize,
    /// The same in characters.
    character: usize,
    /// How many spaces, at least one.
    pub(super) width: usize,
    /// Spaces of the lines before it.
    before: usize,
}

/// The lines that are given spaces, in order.
#[derive(Debug, Default)]
pub(super) struct Padding {
    lines: Vec<Line>,
}

impl Padding {
    /// Pads the lines that start at the bytes `at`, each with so many spaces.
    pub(super) fn new(text: &str, at: &[(usize, usize)]) -> Self {
        let (mut byte, mut character, mut before) = (0, 0, 0);
        let lines = at.iter().map(|&(next, width)| {
            character += text[byte..next].chars().count();
            byte = next;
            let line = Line {
                byte,
                character,
                width,
                before,
            };
            before += width;
            line
        });
        Self {
            lines: lines.collect(),
        }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether the line that starts at `byte` is one of them.
    pub(super) fn has(&self, byte: usize) -> bool {
        let lines = &self.lines;
        lines.binary_search_by_key(&byte, |line| line.byte).is_ok()
    }

    /// The character of the text that character `index` of the padded text is.
    pub(super) fn original(&self, index: usize) -> usize {
        let passed = |line: &Line| line.character + line.before + line.width <= index;
        let n = self.lines.partition_point(passed);
        let padded = n.checked_sub(1).map_or(0, |last| {
            let line = &self.lines[last];
            line.before + line.width
        });
        let inside = self
            .lines
            .get(n)
            .map_or(0, |line| index.saturating_sub(line.character + line.before));
        index - padded - inside
    }

    /// Whether each line lies in one of `ranges` (bytes, in order): a flow
    /// collection or a quoted scalar, where spaces mean nothing.
    pub(super) fn covers(&self, ranges: &[(usize, usize)]) -> bool {
        let mut ranges = ranges.iter().peekable();
        self.lines.iter().all(|line| {
            while ranges.next_if(|(_, end)| *end <= line.byte).is_some() {}
            ranges.peek().is_some_and(|(start, _)| *start < line.byte)
        })
    }
}

/// Lines (byte, spaces that are missing) inside flow collections and quoted
/// scalars that are not indented as YAML 1.2 wants them.
pub(super) fn find(text: &str, meter: &Meter, file: FileId) -> Vec<(usize, usize)> {
    let mut search = Search {
        bytes: text.as_bytes(),
        at: 0,
        line: 0,
        indents: Vec::new(),
        found: Vec::new(),
        meter,
        file,
    };
    while search.at < search.bytes.len() {
        search.block_line();
    }
    search.found
}

struct Search<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the line of the cursor starts.
    line: usize,
    /// Columns of the block collections around the cursor, ascending.
    indents: Vec<usize>,
    found: Vec<(usize, usize)>,
    meter: &'a Meter,
    file: FileId,
}

impl Search<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Whether a blank, a line break or the end is at `at`.
    fn blank_at(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    fn break_at(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b'\n' | b'\r'))
    }

    /// The column that the innermost block collection's content must reach.
    fn needed(&self) -> usize {
        self.indents.last().map_or(0, |indent| indent + 1)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    }

    /// Goes over the line break at the cursor.
    fn next_line(&mut self) {
        let start = self.line;
        if self.bytes[self.at..].starts_with(b"\r\n") {
            self.at += 1;
        }
        self.at += 1;
        self.line = self.at;
        let steps = 1 + (self.at - start) / 64;
        self.meter.spend(steps as u64, self.file);
    }

    /// The column of the first character of the line that is no space.
    fn indentation(&self) -> usize {
        let rest = &self.bytes[self.line..];
        rest.iter().take_while(|byte| **byte == b' ').count()
    }

    fn is_document_marker(&self) -> bool {
        let rest = &self.bytes[self.line..];
        (rest.starts_with(b"---") || rest.starts_with(b"...")) && self.blank_at(self.line + 3)
    }

    fn push_indent(&mut self, column: usize) {
        if self.indents.last().is_none_or(|top| column > *top) {
            self.indents.push(column);
        }
    }

    /// Goes over what starts at the beginning of a line outside of flow
    /// collections and scalars, and the break behind it.
    fn block_line(&mut self) {
        if self.is_document_marker() {
            self.indents.clear();
            self.at += 3;
        } else if self.byte(self.at) == Some(b'%') {
            self.skip_line();
        } else {
            let column = self.indentation();
            self.at += column;
            if !self.break_at(self.at) && self.byte(self.at) != Some(b'#') {
                while self.indents.last().is_some_and(|top| *top > column) {
                    self.indents.pop();
                }
            }
        }
        // Where a key may have started on this line.
        let mut key = None;
        while self.at < self.bytes.len() {
            self.skip_blanks();
            let column = self.at - self.line;
            let Some(byte) = self.byte(self.at) else {
                return;
            };
            match byte {
                b'\n' | b'\r' => return self.next_line(),
                b'#' if self.at == self.line || self.blank_at(self.at - 1) => self.skip_line(),
                b'-' | b'?' if self.blank_at(self.at + 1) => {
                    self.push_indent(column);
                    self.at += 1;
                    key = None;
                }
                b':' if self.blank_at(self.at + 1) => {
                    self.push_indent(key.take().unwrap_or(column));
                    self.at += 1;
                }
                b'&' | b'!' | b'*' => {
                    key = key.or(Some(column));
                    while !self.blank_at(self.at) {
                        self.at += 1;
                    }
                }
                b'|' | b'>' => return self.block_scalar(),
                b'"' | b'\'' => {
                    let line = self.line;
                    self.quoted(byte);
                    // A key ends on the line where it starts.
                    key = key.or(Some(column)).filter(|_| line == self.line);
                }
                b'[' | b'{' => self.flow(),
                _ => {
                    key = key.or(Some(column));
                    if !self.plain_in_block() {
                        return self.plain_lines();
                    }
                }
            }
        }
    }

    /// Goes to the `: ` behind the plain scalar at the cursor. `false` when there
    /// is none on the line, which is then behind the cursor.
    fn plain_in_block(&mut self) -> bool {
        loop {
            match self.byte(self.at) {
                None | Some(b'\n' | b'\r') => return false,
                Some(b':') if self.blank_at(self.at + 1) => return true,
                Some(b'#') if self.blank_at(self.at - 1) => {
                    self.skip_line();
                    return false;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// Goes over the further lines of a plain scalar.
    fn plain_lines(&mut self) {
        while self.at < self.bytes.len() {
            self.next_line();
            let column = self.indentation();
            self.at += column;
            if self.break_at(self.at) {
                continue;
            }
            let ends = column < self.needed()
                || self.byte(self.at) == Some(b'#')
                || self.is_document_marker();
            if ends {
                self.at = self.line;
                return;
            }
            self.skip_line();
        }
    }

    /// Goes over the block scalar whose `|` or `>` is at the cursor.
    fn block_scalar(&mut self) {
        let header = self.at;
        self.skip_line();
        let digit = self.bytes[header..self.at]
            .iter()
            .take(3)
            .find(|byte| matches!(byte, b'1'..=b'9'));
        let mut indent = digit.map(|digit| {
            let parent = self.indents.last().copied().unwrap_or(0);
            parent + usize::from(digit - b'0')
        });
        while self.at < self.bytes.len() {
            self.next_line();
            let column = self.indentation();
            self.at += column;
            if self.break_at(self.at) {
                continue;
            }
            let indent = *indent.get_or_insert(column.max(self.needed()));
            if column < indent || self.is_document_marker() {
                self.at = self.line;
                return;
            }
            self.skip_line();
        }
    }

    /// Goes over the line break at the cursor, inside a flow collection or a
    /// quoted scalar: the next line must be indented.
    fn inner_line(&mut self) {
        self.next_line();
        let column = self.indentation();
        self.at += column;
        let missing = self.needed().saturating_sub(column);
        if missing > 0 && !self.break_at(self.at) && !self.is_document_marker() {
            self.found.push((self.line, missing.min(MAX_WIDTH)));
        }
    }

    /// Goes over the quoted scalar at the cursor.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\n' | b'\r' => self.inner_line(),
                b'\\' if quote == b'"' => {
                    self.at += if self.break_at(self.at + 1) { 1 } else { 2 };
                }
                _ if byte == quote => {
                    self.at += 1;
                    // Two single quotes are one, inside.
                    if quote == b'"' || self.byte(self.at) != Some(quote) {
                        return;
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Goes over the flow collection at the cursor.
    fn flow(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\n' | b'\r' => self.inner_line(),
                b' ' | b'\t' | b',' => self.at += 1,
                b'#' if self.at == self.line || self.blank_at(self.at - 1) => self.skip_line(),
                b'"' | b'\'' => self.quoted(byte),
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' | b'}' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                }
                b':' => self.at += 1,
                b'&' | b'!' | b'*' => {
                    while !self.blank_at(self.at) && !self.flow_indicator_at(self.at) {
                        self.at += 1;
                    }
                }
                _ => self.plain_in_flow(),
            }
        }
    }

    fn flow_indicator_at(&self, at: usize) -> bool {
        matches!(self.byte(at), Some(b',' | b'[' | b']' | b'{' | b'}'))
    }

    /// Goes over the plain scalar at the cursor, inside a flow collection.
    fn plain_in_flow(&mut self) {
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\n' | b'\r' => self.inner_line(),
                b',' | b'[' | b']' | b'{' | b'}' => return,
                b':' if self.blank_at(self.at + 1) || self.flow_indicator_at(self.at + 1) => return,
                b'#' if self.at == self.line || self.blank_at(self.at - 1) => return,
                _ => self.at += 1,
            }
        }
    }
}
