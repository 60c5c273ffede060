//! Texts of files, compressed while they wait: of a project with many resources
//! they would be the largest thing in memory.

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use std::borrow::Cow;

/// The fastest level that compresses; what the library calls the fastest stores.
const LEVEL: i32 = 1;

/// Some texts that follow each other.
#[derive(Debug)]
pub struct Packed {
    bytes: Box<[u8]>,
    /// Where each text ends.
    ends: Box<[usize]>,
}

impl Packed {
    #[expect(
        clippy::expect_used,
        reason = "other bytes would stand under the digest"
    )]
    pub(super) fn new(texts: &[impl AsRef<str>]) -> Self {
        let mut end = 0;
        let ends = texts.iter().map(|text| {
            end += text.as_ref().len();
            end
        });
        let ends = ends.collect();
        let text = match texts {
            [one] => Cow::Borrowed(one.as_ref()),
            several => Cow::Owned(several.iter().map(AsRef::as_ref).collect::<String>()),
        };
        let mut compressor =
            Compressor::new(CompressionLvl::new(LEVEL).expect("a level of libdeflate"));
        let mut packed = vec![0; compressor.deflate_compress_bound(text.len())];
        // The buffer is as large as the bound asks for; a copy of its own size
        // leaves no hole behind each text.
        let len = compressor
            .deflate_compress(text.as_bytes(), &mut packed)
            .expect("a buffer of the size that libdeflate asks for");
        Self {
            bytes: packed[..len].into(),
            ends,
        }
    }

    /// All of them as one.
    #[expect(
        clippy::expect_used,
        reason = "other bytes would stand under the digest"
    )]
    pub fn text(&self) -> String {
        let mut bytes = vec![0; self.len()];
        let unpacked = Decompressor::new().deflate_decompress(&self.bytes, &mut bytes);
        let len = unpacked.expect("a text that was packed here");
        assert_eq!(len, bytes.len(), "a text of another length was packed");
        String::from_utf8(bytes).expect("a text that was packed here")
    }

    /// Where each text ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Bytes of the texts.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.ends)
    }

    /// The texts, to be packed in another way.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = self.text();
        let mut start = 0;
        let each = self.ends.iter().map(|&end| {
            let part = text[start..end].to_owned();
            start = end;
            part
        });
        each.collect()
    }
}
