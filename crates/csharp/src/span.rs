//! Places in the text.

/// A range of bytes of the text that was parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// No bytes, at `at`.
    pub const fn at(at: u32) -> Self {
        Self::new(at, at)
    }

    /// Number of bytes.
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there are no bytes in it.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// From the start of `self` to the end of `other`.
    pub const fn to(self, other: Self) -> Self {
        let end = if other.end > self.end {
            other.end
        } else {
            self.end
        };
        Self::new(self.start, end)
    }

    /// The text at this place; empty when the place is not in it.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}

/// An offset as the spans hold it. Texts are cut before they grow too long.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
