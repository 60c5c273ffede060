//! Text to tokens. Total: any text gives tokens and findings.

mod interpolation;
mod literals;
mod preprocessor;
mod token;

pub(crate) use literals::{character_value, number_value, string_value};
pub(crate) use token::PREDEFINED;
pub use token::{Kind, Number, Token};

use crate::meter::Meter;
use crate::problem::{Code, MOST_PROBLEMS, Problem};
use crate::span::{Span, offset};
use token::{KEYWORDS, punctuation};

/// Bytes of text that cost one step.
const STEP: usize = 16;
/// Letters of `stackalloc`.
const LONGEST_KEYWORD: usize = 10;

/// What the lexer is inside of.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// The text of an interpolated string.
    Interpolated { start: u32, verbatim: bool },
    /// A hole in one: brackets open in it, and whether a line break was reported.
    Hole {
        start: u32,
        open: u32,
        verbatim: bool,
        broken: bool,
    },
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    problems: Vec<Problem>,
    frames: Vec<Frame>,
    new_line: bool,
    /// Only blanks and comments since the last line break.
    line_start: bool,
    conditions: Vec<preprocessor::Condition>,
}

/// The tokens of `text`; the last one is [`Kind::End`].
pub(crate) fn lex(text: &str, meter: &dyn Meter) -> (Vec<Token>, Vec<Problem>, bool) {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        tokens: Vec::with_capacity(text.len() / 4 + 1),
        problems: Vec::new(),
        frames: Vec::new(),
        new_line: false,
        line_start: true,
        conditions: Vec::new(),
    };
    let mut paid = 0;
    let mut whole = true;
    while lexer.at < lexer.bytes.len() {
        if lexer.at - paid > 64 * STEP {
            if !meter.charge(((lexer.at - paid) / STEP) as u64) {
                whole = false;
                break;
            }
            paid = lexer.at;
        }
        match lexer.frames.last().copied() {
            Some(Frame::Interpolated { start, verbatim }) => {
                lexer.interpolated(start, verbatim);
            }
            _ => lexer.code(),
        }
    }
    if whole {
        lexer.unfinished();
    }
    let end = Span::at(offset(text.len()));
    let on_new_line = lexer.new_line;
    lexer.tokens.push(Token {
        kind: Kind::End,
        span: end,
        on_new_line,
    });
    (lexer.tokens, lexer.problems, whole)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let span = Span::new(offset(start), offset(self.at));
        self.tokens.push(Token {
            kind,
            span,
            on_new_line: self.new_line,
        });
        self.new_line = false;
        self.line_start = false;
    }

    /// Keeps a finding. Of a text with very many the first are enough.
    fn note(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn report(&mut self, code: Code, start: usize, end: usize, message: impl Into<String>) {
        self.note(Problem::new(
            code,
            Span::new(offset(start), offset(end)),
            message,
        ));
    }

    /// The length of a line break at `at`, or 0.
    fn line_break(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            Some(b'\r') if self.bytes.get(at + 1) == Some(&b'\n') => 2,
            Some(b'\r' | b'\n') => 1,
            Some(0xC2) if self.bytes.get(at + 1) == Some(&0x85) => 2,
            Some(0xE2)
                if self.bytes.get(at + 1) == Some(&0x80)
                    && matches!(self.bytes.get(at + 2), Some(0xA8 | 0xA9)) =>
            {
                3
            }
            _ => 0,
        }
    }

    /// One token of code, or the space before it.
    fn code(&mut self) {
        let start = self.at;
        let byte = self.peek(0);
        let broken = self.line_break(start);
        if broken > 0 {
            self.at += broken;
            self.new_line = true;
            self.line_start = true;
            self.break_in_hole();
            return;
        }
        match byte {
            b' ' | b'\t' | 0x0B | 0x0C => {
                let blanks = self.bytes[start..].iter();
                self.at += blanks
                    .take_while(|b| matches!(b, b' ' | b'\t'))
                    .count()
                    .max(1);
            }
            b'/' if self.peek(1) == b'/' => {
                while self.at < self.bytes.len() && self.line_break(self.at) == 0 {
                    self.at += 1;
                }
            }
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'#' if self.line_start && self.frames.is_empty() => self.preprocessor(),
            b'#' => {
                self.at += 1;
                let message = "`#` starts a preprocessor line only where nothing stands before it";
                self.report(Code::Preprocessor, start, self.at, message);
                while self.at < self.bytes.len() && self.line_break(self.at) == 0 {
                    self.at += 1;
                }
            }
            b'"' => self.string(start),
            b'\'' => self.character(),
            b'@' if self.peek(1) == b'"' => self.verbatim(start),
            b'$' if self.peek(1) == b'"' && self.rest().starts_with(b"$\"\"\"") => self.raw(start),
            b'$' if self.peek(1) == b'$' => self.raw(start),
            b'$' if self.peek(1) == b'"' => self.interpolation(start, 2, false),
            b'$' if self.rest().starts_with(b"$@\"") => self.interpolation(start, 3, true),
            b'@' if self.rest().starts_with(b"@$\"") => {
                self.report(
                    Code::VerbatimOrder,
                    start,
                    start + 3,
                    "`@$\"` needs C# 8; policy expressions are C# 7",
                );
                if let Some(problem) = self.problems.last_mut() {
                    problem.help = "write `$@\"` instead".to_owned();
                }
                self.interpolation(start, 3, true);
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'{' if self.named_value() => {}
            b'@' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'\\' | 0x80.. => self.word(),
            _ => self.punctuation(),
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        match memchr::memmem::find(&self.bytes[start + 2..], b"*/") {
            Some(length) => {
                self.at = start + 2 + length + 2;
                if memchr::memchr2(b'\n', b'\r', &self.bytes[start..self.at]).is_some() {
                    self.new_line = true;
                    self.break_in_hole();
                }
            }
            None => {
                self.at = self.bytes.len();
                let message = "this comment has no end; close it with `*/`";
                self.report(Code::OpenComment, start, start + 2, message);
            }
        }
    }

    /// `{{name}}`, which API Management replaces before it compiles.
    fn named_value(&mut self) -> bool {
        let rest = self.rest();
        if !rest.starts_with(b"{{") {
            return false;
        }
        let blank = |at: usize| {
            let blanks = rest.iter().skip(at).take_while(|b| b.is_ascii_whitespace());
            at + blanks.count()
        };
        let name = blank(2);
        let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let end = name + rest.iter().skip(name).take_while(is_name).count();
        let close = blank(end);
        if end == name
            || !rest
                .get(close..)
                .is_some_and(|rest| rest.starts_with(b"}}"))
        {
            return false;
        }
        let mut start = self.at;
        self.at += close + 2;
        // What touches it is one word with it once it is replaced.
        while self.peek(0) == b'_' || self.peek(0).is_ascii_alphanumeric() {
            self.at += 1;
        }
        let before = self.tokens.last().copied().filter(|token| {
            let joins = matches!(token.kind, Kind::Name | Kind::Number(_) | Kind::NamedValue);
            joins && token.span.end == offset(start)
        });
        if let Some(token) = before {
            self.tokens.pop();
            start = token.span.start as usize;
            self.new_line = token.on_new_line;
        }
        self.push(Kind::NamedValue, start);
        true
    }

    /// A name or reserved word.
    fn word(&mut self) {
        let start = self.at;
        let verbatim = self.peek(0) == b'@';
        if verbatim {
            self.at += 1;
        }
        let from = self.at;
        let mut escaped = false;
        // Most names have plain letters only.
        if self.peek(0) == b'_' || self.peek(0).is_ascii_alphabetic() {
            let plain = |b: &&u8| **b == b'_' || b.is_ascii_alphanumeric();
            self.at += self.bytes[from..].iter().take_while(plain).count();
        }
        while let Some(c) = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            if c == '\\' {
                let Some((c, length)) = literals::unicode_escape(&self.text[self.at..]) else {
                    break;
                };
                if !is_name_part(c) {
                    break;
                }
                escaped = true;
                self.at += length;
            } else if c == '_' || is_name_part(c) && (self.at > from || !c.is_ascii_digit()) {
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        if self.at == from {
            self.stray(start, verbatim);
            return;
        }
        let word = &self.text[from..self.at];
        if !verbatim
            && !escaped
            && word.len() <= LONGEST_KEYWORD
            && word.starts_with(|c: char| c.is_ascii_lowercase())
            && let Ok(n) = KEYWORDS.binary_search(&word)
        {
            self.push(Kind::Keyword(KEYWORDS[n]), start);
            return;
        }
        self.push(Kind::Name, start);
    }

    /// A character that C# has no use for.
    fn stray(&mut self, start: usize, verbatim: bool) {
        if verbatim {
            let message = "`@` stands before a name or a string, and neither follows";
            self.report(Code::VerbatimIdentifier, start, start + 1, message);
            self.push(Kind::Unknown, start);
            return;
        }
        let c = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
            .unwrap_or(' ');
        self.at = start + c.len_utf8();
        if c.is_whitespace() || c == '\u{feff}' {
            return;
        }
        if self.problems.len() >= MOST_PROBLEMS {
            self.push(Kind::Unknown, start);
            return;
        }
        let message = format!("`{c}` has no meaning in C#");
        self.report(Code::BadCharacter, start, self.at, message);
        if let Some(problem) = self.problems.last_mut() {
            problem.help = match c {
                '“' | '”' | '„' | '«' | '»' => "write a straight quote: \"".to_owned(),
                '‘' | '’' => "write a straight quote: '".to_owned(),
                '–' | '—' => "write a hyphen: -".to_owned(),
                _ => "remove it, or put it into a string".to_owned(),
            };
        }
        self.push(Kind::Unknown, start);
    }

    fn punctuation(&mut self) {
        let start = self.at;
        let Some(punct) = punctuation(self.rest()) else {
            self.stray(start, false);
            return;
        };
        if let Some(Frame::Hole { open, .. }) = self.frames.last_mut() {
            match punct {
                "}" if *open == 0 => {
                    self.end_of_hole(start);
                    self.at += 1;
                    self.push(Kind::HoleEnd, start);
                    return;
                }
                ":" if *open == 0 => {
                    self.hole_format();
                    return;
                }
                "::" if *open == 0 => {
                    self.hole_format();
                    return;
                }
                "(" | "[" | "{" => *open += 1,
                ")" | "]" | "}" => *open = open.saturating_sub(1),
                _ => {}
            }
        }
        self.at += punct.len();
        self.push(Kind::Punct(punct), start);
    }
}

fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{203f}')
}
