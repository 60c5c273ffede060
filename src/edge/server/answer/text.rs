//! The text of an answer, as it is written: what it takes is held, what is too large is
//! refused, and work that nobody waits for ends.

use super::super::job::{Held, stopped};
use super::super::problem::Problem;
use crate::diag::{Budget, Stop};
use crate::syntax::write_escaped;
use bytes::Bytes;
use serde::Serialize;
use std::io::{self, Write};

/// Bytes between two questions whether it is still wanted.
const ASK: usize = 1 << 20;

pub(super) struct Text {
    bytes: Vec<u8>,
    held: Held,
    budget: Budget,
    max: u64,
    asked: usize,
    /// Why it ended early.
    problem: Option<Problem>,
}

impl Text {
    /// A text of at most `max` bytes.
    pub(super) fn new(budget: &Budget, max: u64) -> Self {
        Self {
            bytes: Vec::new(),
            held: Held::none(budget),
            budget: budget.clone(),
            max,
            asked: 0,
            problem: None,
        }
    }

    /// Writes `value` as JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Problem> {
        match serde_json::to_writer(&mut *self, value) {
            Ok(()) => Ok(()),
            Err(error) => Err(self
                .problem
                .take()
                .unwrap_or_else(|| Problem::internal(format!("write the answer: {error}")))),
        }
    }

    /// Writes the inside of a JSON string.
    pub(super) fn escaped(&mut self, text: &str) -> Result<(), Problem> {
        // Escapes are short: a part at a time is a small copy.
        let mut rest = text;
        let mut part = String::new();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.floor_char_boundary(64 << 10));
            part.clear();
            write_escaped(&mut part, now);
            self.push(part.as_bytes())?;
            rest = later;
        }
        Ok(())
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let len = self.bytes.len() + bytes.len();
        if len as u64 > self.max {
            return Err(over(self.max));
        }
        if len > self.asked + ASK {
            self.asked = len;
            if self.budget.is_cancelled() {
                return Err(stopped(&Stop::Cancelled));
            }
        }
        if len > self.bytes.capacity() {
            let capacity = len.max(2 * self.bytes.capacity()).max(1024);
            // While it moves, it is there twice.
            self.held.grow(self.bytes.capacity() + capacity)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes, and the memory that they take.
    pub(super) fn finish(mut self) -> Result<(Bytes, Held), Problem> {
        self.bytes.shrink_to_fit();
        let held = Held::of(&self.budget, self.bytes.len())?;
        Ok((self.bytes.into(), held))
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(problem) => {
                self.problem = Some(problem);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is told instead of an answer that is too large.
pub(super) fn over(max: u64) -> Problem {
    Problem::answer_too_large(format!(
        "the answer has more than {max} bytes; ask for a part of the source (`path`), for fewer targets (`target`), or for the archive (`Accept: application/gzip`); the operator raises this with --max-answer-bytes"
    ))
}
