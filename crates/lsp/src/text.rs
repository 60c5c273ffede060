//! Lines and positions of a text, counted as the protocol counts them: in UTF-16.

use serde_json::{Value, json};

/// Bytes between two places whose UTF-16 units are counted beforehand.
const BLOCK: usize = 256;

/// Where the lines of a text start, and how many UTF-16 units lie before. A question takes
/// the same time at the end of a long line as at its start.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    text: Vec<u8>,
    starts: Vec<usize>,
    units: Vec<usize>,
}

impl Lines {
    /// Of the bytes of a file, or of an open text. What is not UTF-8 counts somehow.
    pub(crate) fn new(text: Vec<u8>) -> Self {
        let mut starts = vec![0];
        for (at, byte) in text.iter().enumerate() {
            let ends = match byte {
                b'\n' => true,
                b'\r' => text.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            if ends {
                starts.push(at + 1);
            }
        }
        let mut before = 0;
        let units = text.chunks(BLOCK).map(|block| {
            let at = before;
            before += count(block);
            at
        });
        let units = units.collect();
        Self {
            text,
            starts,
            units,
        }
    }

    /// Editors show a file without its byte order mark, and count without it.
    pub(crate) fn of_file(text: Vec<u8>) -> (Self, u32) {
        match text.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) => (Self::new(rest.to_vec()), 3),
            None => (Self::new(text), 0),
        }
    }

    /// The position of the byte at `offset`.
    pub(crate) fn position(&self, offset: u32) -> Value {
        let offset = (offset as usize).min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let character = self.before(offset) - self.before(self.starts[line]);
        json!({"line": line, "character": character})
    }

    /// The bytes `start..end`.
    pub(crate) fn range(&self, start: u32, end: u32) -> Value {
        json!({"start": self.position(start), "end": self.position(end.max(start))})
    }

    /// The byte at a position. Behind the end of a line it is the end of the line, behind
    /// the last line the end of the text.
    pub(crate) fn offset(&self, position: &Value) -> Option<usize> {
        let number = |name: &str| {
            let number = position.get(name)?.as_u64()?;
            Some(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let (line, character) = (number("line")?, number("character")?);
        let Some(start) = self.starts.get(line).copied() else {
            return Some(self.text.len());
        };
        let next = self.starts.get(line.saturating_add(1)).copied();
        let mut end = next.unwrap_or(self.text.len());
        while next.is_some() && end > start && matches!(self.text[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        let wanted = self.before(start).saturating_add(character);
        // From the last block that begins before it.
        let block = self.units.partition_point(|units| *units <= wanted);
        let mut at = (block.saturating_sub(1) * BLOCK).max(start);
        while at < end && !is_start(self.text[at]) {
            at += 1;
        }
        let mut units = self.before(at);
        while at < end {
            units += units_of(self.text[at]);
            if units > wanted {
                break;
            }
            at += 1;
            while at < end && !is_start(self.text[at]) {
                at += 1;
            }
        }
        Some(at.min(end))
    }

    /// UTF-16 units before the byte at `offset`.
    fn before(&self, offset: usize) -> usize {
        let block = (offset / BLOCK).min(self.units.len().saturating_sub(1));
        let known = self.units.get(block).copied().unwrap_or(0);
        known + count(&self.text[block * BLOCK..offset])
    }
}

fn is_start(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// UTF-16 units of the character that starts with `byte`.
fn units_of(byte: u8) -> usize {
    match byte {
        0x80..0xC0 => 0,
        0xF0.. => 2,
        _ => 1,
    }
}

fn count(text: &[u8]) -> usize {
    text.iter().copied().map(units_of).sum()
}

/// Most bytes that the changes of one message may move.
const MOST_MOVED: usize = 1 << 31;

/// `text` after the `contentChanges` of a message. `None` when they make no sense.
pub(crate) fn changed(text: &str, changes: &[Value]) -> Option<String> {
    let mut text = text.to_owned();
    let mut moved = 0_usize;
    for change in changes {
        let new = change.get("text")?.as_str()?;
        match change.get("range").filter(|range| !range.is_null()) {
            None => new.clone_into(&mut text),
            Some(range) => {
                moved = moved.saturating_add(text.len() + new.len());
                if moved > MOST_MOVED {
                    return None;
                }
                let lines = Lines::new(text.as_bytes().to_vec());
                let start = lines.offset(range.get("start")?)?;
                let end = lines.offset(range.get("end")?)?.max(start);
                if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
                    return None;
                }
                text.replace_range(start..end, new);
            }
        }
    }
    Some(text)
}
