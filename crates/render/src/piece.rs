//! Files as pieces: small texts between the large ones, which are written out
//! only when the file is, so that no target holds a copy of a definition.

use super::packed::Packed;
use flux_apim_link::Content;
use flux_apim_syntax::{write_escaped, yaml_escape};
use std::ops::Range;

/// Texts of this many bytes and more wait compressed.
const LARGE: usize = 64 << 10;
/// Small texts that stand together are packed when they have this many bytes.
const GROUP: usize = 256 << 10;
/// Longer texts are cut: nobody waits for the end of one, or needs the memory.
const LONG: usize = 4 << 20;

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
    /// Texts of the file's own, compressed.
    Packed(Packed),
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
        let mut writer = Writer::default();
        writer.append(vec![Piece::Own(text)]);
        writer.file(path)
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

    /// The bytes that are written, its content unpacked.
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
            Self::Packed(packed) => take(&packed.text()),
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
            Self::Packed(packed) => packed.len(),
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

impl Piece {
    /// Where the texts in it end: members of an archive end there, too.
    pub fn ends(&self, contents: &[Content]) -> Vec<usize> {
        match self {
            Self::Packed(packed) => packed.ends().to_vec(),
            other => vec![other.len(contents)],
        }
    }

    /// Bytes of memory that its text takes.
    pub(super) fn held(&self) -> usize {
        let text = match self {
            Self::Own(text) => text.capacity(),
            Self::Packed(packed) => packed.held(),
            Self::Content { .. } => 0,
        };
        size_of::<Self>() + text
    }
}

/// Builds the pieces of a file.
#[derive(Debug, Default)]
pub struct Writer {
    pieces: Vec<Piece>,
    /// Small texts that wait for more of them.
    group: Vec<String>,
    grouped: usize,
    own: String,
    /// Bytes of own text in `pieces` and `group`.
    before: usize,
    /// Bytes that contents take in `pieces`.
    contents: usize,
}

impl Writer {
    /// Adds text as it stands.
    pub fn push(&mut self, text: &str) {
        self.own.push_str(text);
        if self.own.len() >= LONG {
            self.cut_long();
        }
    }

    /// Bytes of own text so far.
    pub fn written(&self) -> usize {
        self.before + self.own.len()
    }

    /// Bytes of all so far.
    pub(super) fn size(&self) -> usize {
        self.written() + self.contents
    }

    /// Ends the own text that is being written.
    fn cut(&mut self) {
        self.cut_long();
        let text = std::mem::take(&mut self.own);
        self.before += text.len();
        match text.len() {
            0 => {}
            LARGE.. => {
                self.end_group();
                self.pieces.push(Piece::Packed(Packed::new(&[text])));
            }
            len => {
                self.grouped += len;
                self.group.push(text);
                if self.grouped >= GROUP {
                    self.end_group();
                }
            }
        }
    }

    /// Packs what a long text starts with.
    fn cut_long(&mut self) {
        if self.own.len() < LONG {
            return;
        }
        self.end_group();
        let mut start = 0;
        while self.own.len() - start >= LONG {
            let end = self.own.floor_char_boundary(start + LONG);
            let text = &self.own[start..end];
            self.pieces.push(Piece::Packed(Packed::new(&[text])));
            start = end;
        }
        self.before += start;
        self.own.drain(..start);
    }

    fn end_group(&mut self) {
        let group = std::mem::take(&mut self.group);
        if std::mem::take(&mut self.grouped) >= LARGE {
            self.pieces.push(Piece::Packed(Packed::new(&group)));
        } else {
            self.pieces.extend(group.into_iter().map(Piece::Own));
        }
    }

    /// Puts `text` before everything.
    pub(super) fn prepend(&mut self, text: &str) {
        if self.pieces.is_empty() && self.group.is_empty() {
            self.own.insert_str(0, text);
        } else {
            self.before += text.len();
            self.pieces.insert(0, Piece::Own(text.to_owned()));
        }
    }

    /// The text that is being written, to append to.
    pub fn own(&mut self) -> &mut String {
        &mut self.own
    }

    pub(super) fn content(&mut self, contents: &[Content], index: usize, text: Text) {
        let range = 0..contents[index].len();
        self.cut();
        self.end_group();
        let piece = Piece::Content { index, range, text };
        self.contents += piece.len(contents);
        self.pieces.push(piece);
    }

    /// Appends pieces that another writer made.
    pub(super) fn append(&mut self, pieces: Vec<Piece>) {
        self.cut();
        for piece in pieces {
            match piece {
                Piece::Own(text) => {
                    self.own = text;
                    self.cut();
                }
                other => {
                    self.end_group();
                    if let Piece::Packed(packed) = &other {
                        self.before += packed.len();
                    }
                    self.pieces.push(other);
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.cut();
        self.end_group();
        self.pieces
    }

    /// The file at `path` that was written.
    pub fn file(self, path: impl Into<String>) -> File {
        File {
            path: path.into(),
            pieces: self.finish(),
        }
    }
}
