//! Words, texts and signs of GraphQL SDL and of `.proto` files.

use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Meter, Span, excerpt};

/// How comments, texts and space are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    GraphQl,
    Proto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Name,
    Number,
    Text,
    Sign(char),
    End,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'t str,
    pub(crate) at: usize,
}

/// What a text has instead of what belongs there.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) message: String,
}

/// Reads a text token by token, one ahead.
pub(crate) struct Tokens<'t> {
    file: FileId,
    text: &'t str,
    language: Language,
    /// Where the token after `next` may begin.
    at: usize,
    next: Token<'t>,
    meter: &'t Meter,
}

impl<'t> Tokens<'t> {
    /// # Errors
    /// When the first token does not end.
    pub(crate) fn new(
        file: FileId,
        text: &'t str,
        language: Language,
        meter: &'t Meter,
    ) -> Result<Self, Fault> {
        let next = Token {
            kind: TokenKind::End,
            text: "",
            at: 0,
        };
        let mut tokens = Self {
            file,
            text,
            language,
            at: 0,
            next,
            meter,
        };
        tokens.advance()?;
        Ok(tokens)
    }

    pub(crate) fn peek(&self) -> Token<'t> {
        self.next
    }

    /// The token after the next one.
    pub(crate) fn second(&mut self) -> Result<Token<'t>, Fault> {
        let (at, next) = (self.at, self.next);
        self.advance()?;
        let second = self.next;
        (self.at, self.next) = (at, next);
        Ok(second)
    }

    pub(crate) fn span(&self, token: Token<'_>) -> Span {
        Span::new(self.file, token.at, token.at + token.text.len())
    }

    /// What is wrong with the next token: something else is `expected`.
    pub(crate) fn unexpected(&self, expected: &str) -> Fault {
        let found = match self.next.kind {
            TokenKind::End => "the end".to_owned(),
            _ => format!("`{}`", excerpt(self.next.text, 40)),
        };
        Fault {
            span: self.span(self.next),
            message: format!("{found} stands where {expected} belongs"),
        }
    }

    /// Takes the next token.
    pub(crate) fn advance(&mut self) -> Result<Token<'t>, Fault> {
        let taken = self.next;
        let before = self.at;
        self.skip()?;
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            self.next = Token {
                kind: TokenKind::End,
                text: "",
                at: start,
            };
            return Ok(taken);
        };
        let while_ = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let (kind, length) = match first {
            'A'..='Z' | 'a'..='z' | '_' => (
                TokenKind::Name,
                while_(|c| c.is_ascii_alphanumeric() || c == '_'),
            ),
            '0'..='9' => (
                TokenKind::Number,
                while_(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')),
            ),
            '"' => (TokenKind::Text, self.quoted(rest, first)?),
            '\'' if self.language == Language::Proto => {
                (TokenKind::Text, self.quoted(rest, first)?)
            }
            sign => (TokenKind::Sign(sign), sign.len_utf8()),
        };
        self.at = start + length;
        self.next = Token {
            kind,
            text: &rest[..length],
            at: start,
        };
        let steps = 1 + (self.at - before) as u64 / 64;
        self.meter.spend(steps, self.file);
        Ok(taken)
    }

    /// Goes to where the next token begins.
    fn skip(&mut self) -> Result<(), Fault> {
        loop {
            let rest = &self.text[self.at..];
            let is_space = |c: char| {
                c.is_whitespace()
                    || c == '\u{feff}'
                    || c == ',' && self.language == Language::GraphQl
            };
            let length = rest.len() - rest.trim_start_matches(is_space).len();
            self.at += length;
            let rest = &rest[length..];
            let line = match self.language {
                Language::GraphQl => rest.starts_with('#'),
                Language::Proto => rest.starts_with("//"),
            };
            if line {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if self.language == Language::Proto && rest.starts_with("/*") {
                let end = rest.find("*/").ok_or_else(|| self.endless("comment"))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn endless(&self, what: &str) -> Fault {
        Fault {
            span: Span::new(self.file, self.at, self.at + 1),
            message: format!("the {what} that begins here does not end"),
        }
    }

    /// The length of the text in quotes with which `rest` begins.
    fn quoted(&self, rest: &str, quote: char) -> Result<usize, Fault> {
        if self.language == Language::GraphQl && rest.starts_with("\"\"\"") {
            let mut at = 3;
            loop {
                let end = rest[at..].find("\"\"\"");
                let end = at + end.ok_or_else(|| self.endless("text"))?;
                if !rest[..end].ends_with('\\') {
                    return Ok(end + 3);
                }
                at = end + 3;
            }
        }
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\n' | '\r' => break,
                c if c == quote => return Ok(at + 1),
                _ => {}
            }
        }
        Err(self.endless("text"))
    }

    /// Whether the next token is `sign`, which is taken then.
    pub(crate) fn eat(&mut self, sign: char) -> Result<bool, Fault> {
        let is = self.next.kind == TokenKind::Sign(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    /// Takes `sign`.
    pub(crate) fn expect(&mut self, sign: char) -> Result<(), Fault> {
        match self.eat(sign)? {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{sign}`"))),
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.next.kind == TokenKind::Name && self.next.text == word
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> Result<bool, Fault> {
        let is = self.is_word(word);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    /// Takes a name; `expected` says what it is the name of.
    pub(crate) fn name(&mut self, expected: &str) -> Result<Token<'t>, Fault> {
        match self.next.kind {
            TokenKind::Name => self.advance(),
            _ => Err(self.unexpected(expected)),
        }
    }
}
