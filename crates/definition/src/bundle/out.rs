//! The text that is written, and how much of it there may be.

use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Held, Meter};
use flux_apim_syntax::{NodeRef, write_string};

/// Deepest nesting of values, put-in-place ones included: what reads a bundled
/// document may recurse.
pub(super) const MAX_NESTING: u32 = 600;

/// Why writing ended early.
#[derive(Debug, Clone, Copy)]
pub(super) enum Full {
    Bytes,
    Nesting,
}

/// The bundled document while it is written.
pub(super) struct Out<'f> {
    text: String,
    /// What comes before `text`, while what follows the room that was left is
    /// written.
    head: Option<String>,
    /// What comes behind `text`, while that room is filled.
    tail: Option<String>,
    cap: usize,
    file: FileId,
    meter: &'f Meter,
    held: Held,
    /// Bytes of `text` that were counted as work, and for which room was asked.
    counted: usize,
    held_for: usize,
    /// Bytes of the tables that are kept for writing.
    pub(super) tables: usize,
}

impl<'f> Out<'f> {
    /// Bytes between two looks at how much is held.
    const BATCH: usize = 16 << 10;

    pub(super) fn new(file: FileId, expected: usize, cap: u64, meter: &'f Meter) -> Self {
        Self {
            text: String::with_capacity(expected),
            head: None,
            tail: None,
            cap: usize::try_from(cap).unwrap_or(usize::MAX),
            file,
            meter,
            held: meter.budget().hold(0, file),
            counted: 0,
            held_for: 0,
            tables: 0,
        }
    }

    fn set_aside(&self) -> usize {
        let aside = [&self.head, &self.tail].into_iter().flatten();
        aside.map(String::len).sum()
    }

    /// Counts what was written since the last time, and asks whether there is room
    /// for more.
    pub(super) fn check(&mut self) -> Result<(), Full> {
        self.check_len(self.text.len())
    }

    /// The same, when `len` bytes are written elsewhere.
    pub(super) fn check_len(&mut self, len: usize) -> Result<(), Full> {
        let written = len - self.counted;
        if written < 64 {
            self.meter.spend(1, self.file);
        } else {
            self.meter.spend(1 + (written / 64) as u64, self.file);
            self.counted = len;
        }
        if len >= self.held_for + Self::BATCH {
            self.held_for = len;
            self.hold_len(len);
        }
        if self.set_aside() + len > self.cap {
            return Err(Full::Bytes);
        }
        Ok(())
    }

    pub(super) fn hold(&mut self) {
        self.hold_len(self.text.len());
    }

    fn hold_len(&mut self, len: usize) {
        let bytes = self.set_aside() + len + self.tables;
        self.held.grow(bytes, self.file);
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn string(&mut self, text: &str) {
        write_string(&mut self.text, text);
    }

    /// Writes `,` unless an array or object was just opened.
    pub(super) fn comma(&mut self) {
        let last = match (self.text.as_bytes().last(), &self.head) {
            (Some(last), _) => Some(last),
            (None, Some(head)) => head.as_bytes().last(),
            (None, None) => None,
        };
        if !matches!(last, None | Some(b'{' | b'[')) {
            self.text.push(',');
        }
    }

    /// A key of an object.
    pub(super) fn key(&mut self, key: &str) {
        self.comma();
        self.string(key);
        self.text.push(':');
    }

    pub(super) fn raw(&mut self) -> &mut String {
        &mut self.text
    }

    /// More is to be put here once the rest is written.
    pub(super) fn leave_room(&mut self) {
        self.head = Some(std::mem::take(&mut self.text));
        (self.counted, self.held_for) = (0, 0);
    }

    /// Goes back to where room was left.
    pub(super) fn fill_room(&mut self) {
        if let Some(head) = self.head.take() {
            self.counted = head.len();
            self.tail = Some(std::mem::replace(&mut self.text, head));
        }
    }

    /// Goes to the end again.
    pub(super) fn close_room(&mut self) {
        if let Some(tail) = self.tail.take() {
            self.text.reserve_exact(tail.len());
            self.text.push_str(&tail);
            self.counted = self.text.len();
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl Full {
    /// The finding that says so, at `node`.
    pub(super) fn finding(self, node: NodeRef<'_>) -> Diagnostic {
        match self {
            Self::Bytes => document_limit::bundled_size(node.span()),
            Self::Nesting => document_limit::bundled_depth(node.span(), MAX_NESTING),
        }
    }
}
