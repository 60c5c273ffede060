//! Files as pieces: small texts between the large ones, which are written out
//! only when the file is, so that no target holds a copy of a definition.

use crate::syntax::write_string;
use crate::validate::Content;
use std::ops::Range;

/// How a content appears in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// As it is.
    Raw,
    /// As the inside of a JSON string.
    Json,
    /// As the inside of a YAML double-quoted string.
    Yaml,
}

/// A part of a file.
#[derive(Debug)]
pub enum Piece {
    /// Text of the file's own.
    Own(String),
    /// A range of a content.
    Content {
        /// Index of the content.
        index: usize,
        /// Bytes of it.
        range: Range<usize>,
        /// How it appears.
        text: Text,
    },
}

/// A file of the bundle.
#[derive(Debug)]
pub struct File {
    /// Path in the bundle.
    pub path: String,
    /// What it consists of, in order.
    pub pieces: Vec<Piece>,
}

impl File {
    /// A file of one text.
    pub fn text(path: impl Into<String>, text: String) -> Self {
        Self {
            path: path.into(),
            pieces: vec![Piece::Own(text)],
        }
    }

    /// Its bytes.
    pub fn bytes(&self, contents: &[Content]) -> Vec<u8> {
        let mut out = String::new();
        for piece in &self.pieces {
            piece.write(contents, &mut out);
        }
        out.into_bytes()
    }
}

impl Piece {
    fn write(&self, contents: &[Content], out: &mut String) {
        match self {
            Self::Own(text) => out.push_str(text),
            Self::Content { index, range, text } => {
                let content = &contents[*index].text[range.clone()];
                match text {
                    Text::Raw => out.push_str(content),
                    Text::Json => {
                        let from = out.len();
                        write_string(out, content);
                        out.pop();
                        out.remove(from);
                    }
                    Text::Yaml => yaml_escape(out, content),
                }
            }
        }
    }

    /// Bytes it takes in the file.
    pub fn len(&self, contents: &[Content]) -> usize {
        match self {
            Self::Own(text) => text.len(),
            Self::Content { index, range, text } => {
                let content = &contents[*index].text[range.clone()];
                match text {
                    Text::Raw => content.len(),
                    Text::Json => json_len(content),
                    Text::Yaml => {
                        let mut out = String::new();
                        yaml_escape(&mut out, content);
                        out.len()
                    }
                }
            }
        }
    }
}

/// Bytes of `text` inside a JSON string.
fn json_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

/// Appends `text` as the inside of a YAML double-quoted string: JSON's
/// escapes, and escapes for what YAML does not take as printable.
pub(super) fn yaml_escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_yaml_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                out.push_str(&if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                });
            }
        }
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

/// Builds the pieces of a file.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pieces: Vec<Piece>,
    own: String,
}

impl Writer {
    pub(super) fn push(&mut self, text: &str) {
        self.own.push_str(text);
    }

    /// The text that is being written, to append to.
    pub(super) fn own(&mut self) -> &mut String {
        &mut self.own
    }

    pub(super) fn content(&mut self, contents: &[Content], index: usize, text: Text) {
        let range = 0..contents[index].text.len();
        self.pieces.push(Piece::Own(std::mem::take(&mut self.own)));
        self.pieces.push(Piece::Content { index, range, text });
    }

    /// Appends pieces that another writer made.
    pub(super) fn append(&mut self, pieces: Vec<Piece>) {
        self.pieces.push(Piece::Own(std::mem::take(&mut self.own)));
        self.pieces.extend(pieces);
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.pieces.push(Piece::Own(self.own));
        self.pieces
    }
}
