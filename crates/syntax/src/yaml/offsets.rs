//! Where characters are in bytes.

/// Byte offsets of character indices, which the parser counts in.
pub(super) struct Offsets<'s> {
    text: &'s str,
    /// Byte offset of every 256th character; empty when all are ASCII.
    marks: Vec<usize>,
}

impl<'s> Offsets<'s> {
    const STRIDE: usize = 256;

    pub(super) fn new(text: &'s str) -> Self {
        let marks = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices()
                .step_by(Self::STRIDE)
                .map(|(at, _)| at)
                .collect()
        };
        Self { text, marks }
    }

    pub(super) fn byte(&self, character: usize) -> usize {
        if self.marks.is_empty() {
            return character.min(self.text.len());
        }
        let Some(&mark) = self.marks.get(character / Self::STRIDE) else {
            return self.text.len();
        };
        self.text[mark..]
            .char_indices()
            .nth(character % Self::STRIDE)
            .map_or(self.text.len(), |(at, _)| mark + at)
    }
}
