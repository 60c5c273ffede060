//! Large texts, compressed while they wait: memory follows the largest
//! document, not the tree.

use crate::syntax;
use crate::tree::Digest;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use std::borrow::Cow;
use std::sync::Arc;

/// Smaller texts are kept as they are.
const SMALL: usize = 4096;

#[derive(Debug, Clone)]
enum Stored {
    Plain(String),
    Packed(Arc<[u8]>),
}

/// A text that targets may keep in a file of its own. Clones of a large one
/// share it.
#[derive(Debug, Clone)]
pub struct Content {
    stored: Stored,
    /// Bytes of the text.
    len: usize,
    /// Bytes of the text inside a JSON string.
    pub json_len: usize,
    /// Bytes of the text inside a YAML double-quoted string: at least
    /// `json_len`, and equal only when the two are the same.
    pub yaml_len: usize,
    /// Whether it has several lines.
    pub multiline: bool,
    /// Whether it starts with `[` and ends with `]`.
    pub bracketed: bool,
    /// Digest of the text.
    pub digest: Digest,
    /// Where it belongs, below a target's content folder.
    pub path: String,
}

impl Content {
    pub(super) fn new(text: String) -> Self {
        let (len, digest) = (text.len(), Digest::of(text.as_bytes()));
        let (json_len, yaml_len) = (syntax::json_len(&text), syntax::yaml_len(&text));
        let multiline = text.contains('\n');
        let bracketed = text.starts_with('[') && text.ends_with(']');
        let packed = (len > SMALL).then(|| pack(text.as_bytes())).flatten();
        Self {
            stored: packed.map_or_else(|| Stored::Plain(text), Stored::Packed),
            len,
            json_len,
            yaml_len,
            multiline,
            bracketed,
            digest,
            path: String::new(),
        }
    }

    /// The text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.stored {
            Stored::Plain(text) => Cow::Borrowed(text),
            Stored::Packed(packed) => {
                let mut bytes = vec![0; self.len];
                // We packed it: it unpacks to its length, and is UTF-8.
                let _ = Decompressor::new().deflate_decompress(packed, &mut bytes);
                Cow::Owned(String::from_utf8(bytes).unwrap_or_default())
            }
        }
    }

    /// Bytes that it takes in memory.
    pub(super) fn held(&self) -> usize {
        match &self.stored {
            Stored::Plain(text) => text.len(),
            Stored::Packed(packed) => packed.len(),
        }
    }

    /// Bytes of the text.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The fastest level that compresses; what the library calls the fastest stores.
const LEVEL: i32 = 1;

fn pack(bytes: &[u8]) -> Option<Arc<[u8]>> {
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).ok()?);
    let mut packed = vec![0u8; compressor.deflate_compress_bound(bytes.len())];
    let len = compressor.deflate_compress(bytes, &mut packed).ok()?;
    // A copy of its own size: a buffer that shrinks in its place leaves a hole
    // behind each text that the next one is too large for.
    Some(packed[..len].into())
}

#[cfg(test)]
mod tests {
    use super::{Content, Stored};

    #[test]
    fn a_large_text_waits_in_a_fraction_of_its_size() {
        let text = "{\"type\":\"string\"},".repeat(1000);
        let content = Content::new(text.clone());
        assert!(
            matches!(&content.stored, Stored::Packed(packed) if packed.len() * 10 < text.len())
        );
        assert_eq!(content.text(), text);
    }
}
