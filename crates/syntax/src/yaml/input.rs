//! What `saphyr-parser` reads from: it counts the characters as they are taken,
//! since the parser takes a whole flow collection before it says a word.

use super::padding::Padding;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Held, Meter};
use saphyr_parser::input::SkipTabs;
use saphyr_parser::{BufferedInput, Input, StrInput};
use std::cell::Cell;

/// Questions for characters that are one step.
const STEP: u32 = 16;
/// Questions between two looks at the budget.
const BATCH: u32 = 64 * STEP;
/// Bytes of a token that waits in the parser.
const TOKEN: usize = 160;

/// Counts what a parser takes.
pub(super) struct Count<'a> {
    meter: &'a Meter,
    file: FileId,
    questions: u32,
    /// At least as many as there are tokens that wait; whoever takes the events
    /// sets it back.
    tokens: &'a Cell<u32>,
    held: Held,
}

impl<'a> Count<'a> {
    pub(super) fn new(meter: &'a Meter, file: FileId, tokens: &'a Cell<u32>) -> Self {
        Self {
            meter,
            file,
            questions: 0,
            tokens,
            held: meter.budget().hold(0, file),
        }
    }

    #[inline]
    fn question(&mut self) {
        self.questions += 1;
        if self.questions >= BATCH {
            self.ask();
        }
    }

    #[cold]
    fn ask(&mut self) {
        let steps = u64::from(self.questions / STEP);
        self.questions = 0;
        self.held
            .grow(self.tokens.get() as usize * TOKEN, self.file);
        self.meter.spend(steps, self.file);
    }

    #[inline]
    fn token(&self) {
        self.tokens.set(self.tokens.get() + 1);
    }

    fn bytes(&self, bytes: usize) {
        self.meter.spend((bytes / 64) as u64, self.file);
    }
}

/// A text, counted.
pub(super) struct Counted<'a> {
    text: StrInput<'a>,
    count: Count<'a>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(text: &'a str, count: Count<'a>) -> Self {
        let text = StrInput::new(text);
        Self { text, count }
    }
}

/// The parser asks for four characters before each token, word or line, and
/// for fewer in between.
const BEFORE_TOKEN: usize = 4;

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(#[inline]
        fn $name(&self, $($arg: $type),*) -> $result {
            self.text.$name($($arg),*)
        })*
    };
}

impl Input for Counted<'_> {
    #[inline]
    fn lookahead(&mut self, count: usize) {
        self.text.lookahead(count);
        if count == BEFORE_TOKEN {
            self.count.token();
        }
        self.count.question();
    }

    #[inline]
    fn raw_read_ch(&mut self) -> char {
        self.count.question();
        self.text.raw_read_ch()
    }

    #[inline]
    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        self.count.question();
        self.text.raw_read_non_breakz_ch()
    }

    #[inline]
    fn skip(&mut self) {
        self.text.skip();
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        self.text.skip_n(count);
    }

    fn skip_ws_to_eol(&mut self, skip_tabs: SkipTabs) -> (usize, Result<SkipTabs, &'static str>) {
        let (taken, result) = self.text.skip_ws_to_eol(skip_tabs);
        self.count.bytes(taken);
        (taken, result)
    }

    fn skip_while_non_breakz(&mut self) -> usize {
        let taken = self.text.skip_while_non_breakz();
        self.count.bytes(taken);
        taken
    }

    fn skip_while_blank(&mut self) -> usize {
        let taken = self.text.skip_while_blank();
        self.count.bytes(taken);
        taken
    }

    fn fetch_while_is_alpha(&mut self, out: &mut String) -> usize {
        let taken = self.text.fetch_while_is_alpha(out);
        self.count.bytes(taken);
        taken
    }

    fn fetch_while_is_yaml_non_space(&mut self, out: &mut String) -> usize {
        let taken = self.text.fetch_while_is_yaml_non_space(out);
        self.count.bytes(taken);
        taken
    }

    forward! {
        buflen() -> usize;
        bufmaxlen() -> usize;
        buf_is_empty() -> bool;
        peek() -> char;
        peek_nth(n: usize) -> char;
        peek_opt() -> Option<char>;
        next_char_is(c: char) -> bool;
        nth_char_is(n: usize, c: char) -> bool;
        next_2_are(c1: char, c2: char) -> bool;
        next_3_are(c1: char, c2: char, c3: char) -> bool;
        next_is_document_indicator() -> bool;
        next_is_document_start() -> bool;
        next_is_document_end() -> bool;
        next_can_be_plain_scalar(in_flow: bool) -> bool;
        next_is_blank_or_break() -> bool;
        next_is_blank_or_breakz() -> bool;
        next_is_blank() -> bool;
        next_is_break() -> bool;
        next_is_breakz() -> bool;
        next_is_z() -> bool;
        next_is_flow() -> bool;
        next_is_digit() -> bool;
        next_is_alpha() -> bool;
    }
}

/// The characters of a text with spaces in front of some lines, counted.
pub(super) fn padded<'a>(
    text: &'a str,
    padding: &'a Padding,
    mut count: Count<'a>,
) -> BufferedInput<impl Iterator<Item = char> + 'a> {
    let mut lines = padding.lines().iter().peekable();
    let mut chars = text.char_indices();
    let mut spaces = 0;
    BufferedInput::new(std::iter::from_fn(move || {
        count.question();
        if spaces > 0 {
            spaces -= 1;
            return Some(' ');
        }
        let at = text.len() - chars.as_str().len();
        if let Some(line) = lines.next_if(|line| line.byte == at) {
            spaces = line.width - 1;
            return Some(' ');
        }
        let (_, c) = chars.next()?;
        if matches!(c, ',' | ':' | '[' | ']' | '{' | '}') {
            count.token();
            count.token();
        }
        Some(c)
    }))
}
