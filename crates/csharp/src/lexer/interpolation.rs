//! Interpolated strings: text, holes, and what has no end.

use super::{Frame, Kind, Lexer};
use crate::problem::{Code, Problem};
use crate::span::{Span, offset};

impl Lexer<'_> {
    pub(super) fn interpolation(&mut self, start: usize, prefix: usize, verbatim: bool) {
        self.at = start + prefix;
        self.push(Kind::InterpolationStart, start);
        self.frames.push(Frame::Interpolated {
            start: offset(start),
            verbatim,
        });
    }

    /// Text up to the next hole or the end.
    pub(super) fn interpolated(&mut self, string: u32, verbatim: bool) {
        let start = self.at;
        while self.at < self.bytes.len() {
            let rest = self.rest();
            match rest[0] {
                b'{' if rest.starts_with(b"{{") => self.at += 2,
                b'}' if rest.starts_with(b"}}") => self.at += 2,
                b'}' => {
                    let at = self.at;
                    self.at += 1;
                    self.note(
                        Problem::new(
                            Code::LoneBrace,
                            Span::new(offset(at), offset(at + 1)),
                            "a `}` in an interpolated string ends a hole, and none is open here",
                        )
                        .help("write `}}` for the character itself"),
                    );
                }
                b'{' => {
                    self.flush(start);
                    let at = self.at;
                    self.at += 1;
                    self.push(Kind::HoleStart, at);
                    self.frames.push(Frame::Hole {
                        start: offset(at),
                        open: 0,
                        verbatim,
                        broken: false,
                    });
                    return;
                }
                b'"' if verbatim && rest.starts_with(b"\"\"") => self.at += 2,
                b'"' => {
                    self.flush(start);
                    let at = self.at;
                    self.at += 1;
                    self.frames.pop();
                    self.push(Kind::InterpolationEnd, at);
                    return;
                }
                b'\\' if !verbatim => self.escape(),
                _ if !verbatim && self.line_break(self.at) > 0 => {
                    self.flush(start);
                    self.report(
                        Code::NewlineInLiteral,
                        string as usize,
                        self.at,
                        "this string ends with its line; close it with `\"`, or start it with `$@\"`",
                    );
                    self.frames.pop();
                    let at = self.at;
                    self.push(Kind::InterpolationEnd, at);
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.flush(start);
    }

    fn flush(&mut self, start: usize) {
        if self.at > start {
            self.push(Kind::InterpolationText, start);
        }
    }

    /// `:` in a hole, and the format behind it.
    pub(super) fn hole_format(&mut self) {
        let start = self.at;
        self.at += 1;
        let verbatim = matches!(self.frames.last(), Some(Frame::Hole { verbatim: true, .. }));
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'}' | b'"' | b'{' => break,
                b'\\' if !verbatim => self.escape(),
                _ if self.line_break(self.at) > 0 => break,
                _ => self.at += 1,
            }
        }
        if self.at == start + 1 {
            let message = "the format behind this `:` is empty; remove the colon";
            self.report(Code::EmptyFormat, start, self.at, message);
        }
        self.push(Kind::HoleFormat, start);
        if self.peek(0) == b'"' {
            self.close_hole();
        }
    }

    /// A hole that meets the end of its string.
    fn close_hole(&mut self) {
        if let Some(Frame::Hole { start, .. }) = self.frames.pop() {
            self.unclosed(start);
            let at = self.at;
            self.push(Kind::HoleEnd, at);
        }
    }

    fn unclosed(&mut self, start: u32) {
        self.note(
            Problem::new(
                Code::UnclosedHole,
                Span::new(start, start + 1),
                "this `{` in an interpolated string has no `}`",
            )
            .help("close it behind the value, or write `{{` for the character itself"),
        );
    }

    /// A line break inside a hole, which C# has only in verbatim strings.
    pub(super) fn break_in_hole(&mut self) {
        if let Some(Frame::Hole {
            verbatim: false,
            broken,
            ..
        }) = self.frames.last_mut()
        {
            *broken = true;
        }
    }

    /// The brace at `at` ends a hole; the compiler marks line breaks there.
    pub(super) fn end_of_hole(&mut self, at: usize) {
        if let Some(Frame::Hole { broken: true, .. }) = self.frames.pop() {
            self.note(
                Problem::new(
                    Code::NewlineInHole,
                    Span::new(offset(at), offset(at + 1)),
                    "a line break inside `{...}` of an interpolated string needs C# 11; policy expressions are C# 7",
                )
                .help("put the value on one line, or start the string with `$@\"`"),
            );
        }
    }

    /// What is still open at the end of the text.
    pub(super) fn unfinished(&mut self) {
        while let Some(frame) = self.frames.pop() {
            let at = self.at;
            match frame {
                Frame::Interpolated { start, .. } => {
                    self.report(
                        Code::NewlineInLiteral,
                        start as usize,
                        at,
                        "this string has no end; close it with `\"`",
                    );
                    self.push(Kind::InterpolationEnd, at);
                }
                Frame::Hole { start, .. } => {
                    self.unclosed(start);
                    self.push(Kind::HoleEnd, at);
                }
            }
        }
    }
}
