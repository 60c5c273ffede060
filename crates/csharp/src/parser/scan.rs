//! Looking ahead: is this a type, a cast, a lambda, a declaration? Nothing is
//! read, and each look is bounded.

use super::Parser;
use crate::lexer::{Kind, PREDEFINED};

/// The longest type that a look ahead follows, in tokens.
const LONGEST: usize = 400;

/// What a look at a type found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanned {
    /// The token behind it.
    pub(super) end: usize,
    /// It can be nothing but a type: `int`, `T[]`, `A<B>`, `T?`.
    pub(super) certain: bool,
}

impl Parser<'_> {
    pub(super) fn is_predefined_at(&self, at: usize) -> bool {
        match self.token_at(at).kind {
            Kind::Keyword(word) => PREDEFINED.contains(&word),
            _ => false,
        }
    }

    /// A type that starts at token `at`. `nullable`: a `?` belongs to it.
    pub(super) fn scan_type(&self, at: usize, nullable: bool) -> Option<Scanned> {
        self.scan_bounded(at, nullable, at + LONGEST, 0)
    }

    fn scan_bounded(&self, at: usize, nullable: bool, limit: usize, depth: u8) -> Option<Scanned> {
        if at >= limit || depth > 20 {
            return None;
        }
        let mut end;
        let mut certain = false;
        if self.is_predefined_at(at) {
            end = at + 1;
            certain = true;
        } else if self.is_at(at, "(") {
            end = self.scan_tuple(at, limit, depth)?;
        } else if self.is_name_at(at) || self.token_at(at).kind == Kind::NamedValue {
            end = at + 1;
            loop {
                if self.is_at(end, "<") {
                    let Some(after) = self.scan_arguments(end, limit, depth) else {
                        break;
                    };
                    end = after;
                    certain = true;
                }
                if self.is_at(end, ".") && self.is_name_at(end + 1)
                    || self.is_at(end, "::") && self.is_name_at(end + 1)
                {
                    end += 2;
                    certain = false;
                } else {
                    break;
                }
                if end > limit {
                    return None;
                }
            }
        } else {
            return None;
        }
        loop {
            if self.is_at(end, "?") && nullable && !self.is_at(end + 1, ".") {
                end += 1;
                certain = true;
            } else if self.is_at(end, "*") && certain && self.pointer_follows(end) {
                end += 1;
            } else if self.is_at(end, "[") {
                let mut close = end + 1;
                while self.is_at(close, ",") {
                    close += 1;
                }
                if !self.is_at(close, "]") {
                    break;
                }
                end = close + 1;
                certain = true;
            } else {
                break;
            }
            if end > limit {
                return None;
            }
        }
        Some(Scanned { end, certain })
    }

    fn pointer_follows(&self, star: usize) -> bool {
        self.is_name_at(star + 1) || self.is_at(star + 1, ")") || self.is_at(star + 1, "*")
    }

    /// `(T a, U)` of a tuple type.
    fn scan_tuple(&self, at: usize, limit: usize, depth: u8) -> Option<usize> {
        let mut end = at + 1;
        let mut count = 0;
        loop {
            end = self.scan_bounded(end, true, limit, depth + 1)?.end;
            if self.is_name_at(end) {
                end += 1;
            }
            count += 1;
            if self.is_at(end, ")") {
                return (count > 1).then_some(end + 1);
            }
            if !self.is_at(end, ",") {
                return None;
            }
            end += 1;
        }
    }

    /// `<T, U>`; the token behind it.
    pub(super) fn scan_arguments(&self, at: usize, limit: usize, depth: u8) -> Option<usize> {
        let mut end = at + 1;
        // `<>` and `<,>`
        let mut commas = end;
        while self.is_at(commas, ",") {
            commas += 1;
        }
        if self.is_at(commas, ">") {
            return Some(commas + 1);
        }
        loop {
            if self.is_at(end, "in") || self.is_at(end, "out") {
                end += 1;
            }
            end = self.scan_bounded(end, true, limit, depth + 1)?.end;
            if self.is_at(end, ">") {
                return Some(end + 1);
            }
            if !self.is_at(end, ",") {
                return None;
            }
            end += 1;
        }
    }

    /// Whether the `<` at `at` starts type arguments in an expression: the
    /// token behind the `>` decides.
    pub(super) fn is_generic_at(&self, at: usize) -> bool {
        let Some(end) = self.scan_arguments(at, at + LONGEST, 0) else {
            return false;
        };
        match self.token_at(end).kind {
            Kind::Punct(punct) => matches!(
                punct,
                "(" | ")"
                    | "]"
                    | "}"
                    | ":"
                    | ";"
                    | ","
                    | "."
                    | "?"
                    | "=="
                    | "!="
                    | "|"
                    | "^"
                    | "&&"
                    | "||"
                    | "&"
                    | "["
                    | "{"
                    | ">"
                    | "=>"
            ),
            Kind::HoleEnd | Kind::HoleFormat | Kind::End => true,
            _ => false,
        }
    }

    /// Whether the `(` at the next token starts a cast.
    pub(super) fn is_cast(&self) -> bool {
        let Some(scanned) = self.scan_type(self.at + 1, true) else {
            return false;
        };
        if !self.is_at(scanned.end, ")") {
            return false;
        }
        if self.is_at(self.at + 1, "(") && !scanned.certain {
            // A tuple type: only when a value follows.
            return self.starts_value(scanned.end + 1);
        }
        if scanned.certain {
            let next = self.token_at(scanned.end + 1).kind;
            let generic = self.is_name_at(self.at + 1);
            return !generic
                || self.starts_value(scanned.end + 1)
                || !matches!(next, Kind::Punct(_) | Kind::End);
        }
        self.starts_value(scanned.end + 1)
    }

    /// Whether what stands at `at` starts a value behind a cast.
    fn starts_value(&self, at: usize) -> bool {
        match self.token_at(at).kind {
            Kind::Name
            | Kind::Number(_)
            | Kind::Character
            | Kind::Text
            | Kind::InterpolationStart
            | Kind::NamedValue => true,
            Kind::Punct(punct) => matches!(punct, "(" | "!" | "~"),
            Kind::Keyword(word) => !matches!(
                word,
                "as" | "is"
                    | "in"
                    | "if"
                    | "else"
                    | "for"
                    | "foreach"
                    | "while"
                    | "do"
                    | "return"
                    | "case"
                    | "switch"
                    | "try"
                    | "catch"
                    | "finally"
                    | "ref"
                    | "out"
            ),
            _ => false,
        }
    }

    /// Whether the `(` at `at` starts the parameters of a lambda.
    pub(super) fn is_lambda_at(&self, at: usize) -> bool {
        let close = self.pairs.get(at).copied().unwrap_or(0) as usize;
        close > at && self.is_at(close + 1, "=>")
    }

    /// Whether a declaration such as `T name` or `var (a, b)` starts at `at`.
    pub(super) fn is_declaration_at(&self, at: usize) -> bool {
        let first = self.token_at(at);
        if first.kind == Kind::Name {
            match self.word_at(at) {
                "var" if self.is_at(at + 1, "(") => {
                    let close = self.pairs.get(at + 1).copied().unwrap_or(0) as usize;
                    return close > 0
                        && (self.is_at(close + 1, "=") || self.is_at(close + 1, "in"));
                }
                "await" => return false,
                _ => {}
            }
        }
        let Some(scanned) = self.scan_type(at, true) else {
            return false;
        };
        let named = matches!(
            self.token_at(scanned.end).kind,
            Kind::Name | Kind::NamedValue
        );
        if !named {
            return false;
        }
        // `a ? b : c;` looks like `a? b` up to the colon.
        let question = self.is_at(scanned.end - 1, "?");
        if question {
            return matches!(
                self.token_at(scanned.end + 1).kind,
                Kind::Punct("=" | ";" | "," | "(") | Kind::Keyword("in")
            );
        }
        true
    }

    /// Whether a query starts here: `from x in` or `from T x in`.
    pub(super) fn is_query(&self) -> bool {
        if !self.is_word("from") {
            return false;
        }
        if self.is_name_at(self.at + 1) && self.is_at(self.at + 2, "in") {
            return true;
        }
        let scanned = self.scan_type(self.at + 1, true);
        scanned.is_some_and(|s| self.is_name_at(s.end) && self.is_at(s.end + 1, "in"))
    }
}
