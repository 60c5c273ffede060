//! Files as pieces: small texts between the large ones, which are written out
//! only when the file is, so that no target holds a copy of a definition.

use crate::syntax::{write_escaped, yaml_escape};
use crate::validate::Content;
use std::ops::Range;

/// How a content appears in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Bytes it has.
    pub fn len(&self, contents: &[Content]) -> usize {
        self.pieces.iter().map(|piece| piece.len(contents)).sum()
    }

    /// Its text, piece by piece.
    pub fn each_text(&self, contents: &[Content], take: &mut dyn FnMut(&str)) {
        for piece in &self.pieces {
            piece.each_text(contents, take);
        }
    }

    /// Its bytes.
    pub fn bytes(&self, contents: &[Content]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len(contents));
        self.each_text(contents, &mut |text| out.extend_from_slice(text.as_bytes()));
        out
    }
}

impl Piece {
    /// Its text, as it stands in the file.
    pub fn each_text(&self, contents: &[Content], take: &mut dyn FnMut(&str)) {
        match self {
            Self::Own(text) => take(text),
            Self::Content { index, range, text } => {
                let content = contents[*index].text();
                let content = &content[range.clone()];
                let mut out = String::new();
                match text {
                    Text::Raw => return take(content),
                    Text::Json => {
                        out.reserve(content.len() + content.len() / 8);
                        write_escaped(&mut out, content);
                    }
                    Text::Yaml => {
                        out.reserve(content.len() + content.len() / 8);
                        yaml_escape(&mut out, content);
                    }
                }
                take(&out);
            }
        }
    }

    /// Bytes it takes in the file.
    pub fn len(&self, contents: &[Content]) -> usize {
        match self {
            Self::Own(text) => text.len(),
            Self::Content {
                range,
                text: Text::Raw,
                ..
            } => range.len(),
            // Only raw text is cut: escaped, it is whole.
            Self::Content { index, text, .. } => match text {
                Text::Yaml => contents[*index].yaml_len,
                _ => contents[*index].json_len,
            },
        }
    }
}

/// Builds the pieces of a file.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pieces: Vec<Piece>,
    own: String,
    /// Bytes of own text in `pieces`.
    before: usize,
}

impl Writer {
    pub(super) fn push(&mut self, text: &str) {
        self.own.push_str(text);
    }

    /// Bytes of own text so far.
    pub(super) fn written(&self) -> usize {
        self.before + self.own.len()
    }

    /// Ends the own text that is being written.
    fn cut(&mut self) {
        self.before += self.own.len();
        self.pieces.push(Piece::Own(std::mem::take(&mut self.own)));
    }

    /// The text that is being written, to append to.
    pub(super) fn own(&mut self) -> &mut String {
        &mut self.own
    }

    pub(super) fn content(&mut self, contents: &[Content], index: usize, text: Text) {
        let range = 0..contents[index].len();
        self.cut();
        self.pieces.push(Piece::Content { index, range, text });
    }

    /// Appends pieces that another writer made.
    pub(super) fn append(&mut self, pieces: Vec<Piece>) {
        self.cut();
        let own = pieces.iter().map(|piece| match piece {
            Piece::Own(text) => text.len(),
            Piece::Content { .. } => 0,
        });
        self.before += own.sum::<usize>();
        self.pieces.extend(pieces);
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.pieces.push(Piece::Own(self.own));
        self.pieces
    }
}
