//! Large texts, compressed while they wait: memory follows the largest
//! document, not the tree.

use flux_apim_diag::tree::{Digest, FileId};
use flux_apim_diag::{Held, Meter};
use flux_apim_syntax as syntax;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use std::borrow::Cow;
use std::sync::Arc;

/// Smaller texts are kept as they are.
const SMALL: usize = 4096;
/// Bytes that are compressed at a time: some milliseconds.
const PIECE: usize = 4 << 20;

#[derive(Debug, Clone)]
enum Stored {
    Plain(String),
    /// Compressed pieces of [`PIECE`] bytes; the last one has the rest.
    Packed(Arc<[Box<[u8]>]>),
}

/// A text that targets may keep in a file of its own. Clones of a large one
/// share it.
#[derive(Debug, Clone)]
pub struct Content {
    stored: Stored,
    /// What it takes of the memory of the run that it belongs to.
    held: Option<Arc<Held>>,
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
    /// Whether it starts with a byte order mark.
    pub has_bom: bool,
    /// Digest of the text.
    pub digest: Digest,
    /// Where it belongs, below a target's content folder.
    pub path: String,
}

impl Content {
    /// Of `file`; `meter` counts what that takes.
    pub(super) fn new(text: String, file: FileId, meter: &Meter) -> Self {
        let len = text.len();
        let steps = 1 + len as u64 / 64;
        // What is packed is no larger, and lies beside the text for a while.
        let _held = meter.budget().hold(2 * len, file);
        let pieces = text.as_bytes().chunks(1 << 20);
        let digest = Digest::of_pieces(pieces.inspect(|piece| {
            meter.spend(1 + piece.len() as u64 / 64, file);
        }));
        meter.spend(steps, file);
        let json_len = syntax::json_len(&text);
        meter.spend(steps, file);
        let yaml_len = syntax::yaml_len(&text);
        let multiline = text.contains('\n');
        let bracketed = text.starts_with('[') && text.ends_with(']');
        let has_bom = text.starts_with('\u{feff}');
        let packed = (len > SMALL)
            .then(|| pack(text.as_bytes(), file, meter))
            .flatten();
        Self {
            stored: packed.map_or_else(|| Stored::Plain(text), Stored::Packed),
            held: None,
            len,
            json_len,
            yaml_len,
            multiline,
            bracketed,
            has_bom,
            digest,
            path: String::new(),
        }
    }

    /// The same in a run that `meter` counts for, of whose memory it takes what it
    /// has and `beside`.
    pub(super) fn held_in(mut self, file: FileId, beside: usize, meter: &Meter) -> Self {
        let bytes = self.held() + beside;
        self.held = Some(Arc::new(meter.budget().hold(bytes, file)));
        self
    }

    /// The same, belonging to no run.
    pub(super) fn of_no_run(&self) -> Self {
        Self {
            held: None,
            ..self.clone()
        }
    }

    /// The text, unpacked where it is packed.
    #[expect(
        clippy::expect_used,
        reason = "other bytes would stand under the digest"
    )]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.stored {
            Stored::Plain(text) => Cow::Borrowed(text),
            Stored::Packed(packed) => {
                let mut bytes = vec![0; self.len];
                let mut decompressor = Decompressor::new();
                for (packed, piece) in packed.iter().zip(bytes.chunks_mut(PIECE)) {
                    let unpacked = decompressor.deflate_decompress(packed, piece);
                    let len = unpacked.expect("a text that was packed here");
                    assert_eq!(len, piece.len(), "a text of another length was packed");
                }
                Cow::Owned(String::from_utf8(bytes).expect("a text that was packed here"))
            }
        }
    }

    /// Bytes that it takes in memory.
    pub(super) fn held(&self) -> usize {
        match &self.stored {
            Stored::Plain(text) => text.len(),
            Stored::Packed(packed) => packed.iter().map(|piece| piece.len()).sum(),
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

fn pack(bytes: &[u8], file: FileId, meter: &Meter) -> Option<Arc<[Box<[u8]>]>> {
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).ok()?);
    let pieces = bytes.chunks(PIECE).map(|piece| {
        meter.spend(1 + piece.len() as u64 / 16, file);
        let mut packed = vec![0u8; compressor.deflate_compress_bound(piece.len())];
        let len = compressor.deflate_compress(piece, &mut packed).ok()?;
        // A copy of its own size: a buffer that shrinks in its place leaves a hole
        // behind each text that the next one is too large for.
        Some(packed[..len].into())
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::{Content, PIECE, Stored};
    use flux_apim_diag::Budget;
    use flux_apim_diag::tree::FileId;

    #[test]
    fn a_large_text_waits_in_a_fraction_of_its_size() {
        let budget = Budget::default();
        let meter = budget.meter();
        for len in [17_000, PIECE, PIECE + 1, 3 * PIECE - 1] {
            let mut text = "{\"type\":\"string\"},".repeat(len / 18 + 1);
            text.truncate(len);
            let content = Content::new(text.clone(), FileId(0), &meter);
            assert!(matches!(content.stored, Stored::Packed(_)));
            assert!(content.held() * 10 < text.len());
            assert!(content.text() == text, "{len}");
            let content = content.held_in(FileId(0), 100, &meter);
            let bytes = content.held() as u64 + 100;
            let kept = content.of_no_run();
            assert_eq!(budget.held(), bytes);
            drop((content.clone(), content));
            assert_eq!((budget.held(), kept.len()), (0, len));
        }
    }
}
