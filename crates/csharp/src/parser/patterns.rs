//! Patterns of C# 7 behind `is` and `case`, and the names that they declare.

use super::Parser;
use super::expressions::SHIFT;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn pattern(&mut self, in_case: bool) -> NodeId {
        match self.deeper(|parser| parser.pattern_inner(in_case)) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    fn pattern_inner(&mut self, in_case: bool) -> NodeId {
        let token = self.token();
        let start = token.span.start;
        match token.kind {
            Kind::Punct("{") => {
                self.later(
                    token.span,
                    "a property pattern",
                    8,
                    "compare the properties with `&&`",
                );
                self.skip_pattern();
                return self.finish(NodeKind::LaterPattern, start);
            }
            Kind::Punct("[") => {
                self.later(
                    token.span,
                    "a list pattern",
                    11,
                    "compare the elements with `&&`",
                );
                self.skip_pattern();
                return self.finish(NodeKind::LaterPattern, start);
            }
            Kind::Punct("<" | ">" | "<=" | ">=") => {
                self.later(
                    token.span,
                    "a comparison as pattern",
                    9,
                    "write two comparisons with `&&`",
                );
                self.next();
                self.operators(SHIFT);
                return self.finish(NodeKind::LaterPattern, start);
            }
            Kind::Punct("(") if self.is_tuple_pattern() => {
                self.later(
                    token.span,
                    "a tuple pattern",
                    8,
                    "compare the values with `&&`",
                );
                self.skip_pattern();
                return self.finish(NodeKind::LaterPattern, start);
            }
            Kind::Name if self.is_word("not") && self.pattern_behind(1) => {
                self.later(token.span, "`is not`", 9, "write `!(x is T)`, or `!= null`");
                self.next();
                self.pattern(in_case);
                return self.finish(NodeKind::LaterPattern, start);
            }
            Kind::Name
                if self.is_word("var")
                    && (self.is_name_at(self.at + 1) || self.is_at(self.at + 1, "(")) =>
            {
                self.next();
                let name = self.designation();
                return self.finish(NodeKind::VarPattern(name), start);
            }
            _ => {}
        }
        let nullable = self.nullable_follows();
        if let Some(scanned) = self.scan_type(self.at, nullable) {
            let words: &[&str] = if in_case {
                &["when", "and", "or"]
            } else {
                &["and", "or"]
            };
            let named = self.is_name_at(scanned.end) && !words.contains(&self.word_at(scanned.end));
            if named {
                let ty = self.ty_with(nullable, true);
                let name = self.designation();
                return self.finish(NodeKind::DeclarationPattern { ty, name }, start);
            }
            if self.is_at(scanned.end, "{") && !in_case {
                let ty = self.ty_with(nullable, true);
                let span = self.token().span;
                self.later(
                    span,
                    "a property pattern",
                    8,
                    "compare the properties with `&&`",
                );
                self.skip_pattern();
                return self.finish(NodeKind::Parenthesized(ty), start);
            }
            let value = self.is_predefined_at(self.at) && self.is_at(self.at + 1, ".");
            if scanned.certain && !value {
                if in_case {
                    self.later(
                        token.span,
                        "a type as pattern",
                        9,
                        "give it a name: `case T x:`",
                    );
                }
                return self.ty_with(nullable, true);
            }
        }
        let value = self.operators(SHIFT);
        self.finish(NodeKind::ConstantPattern(value), start)
    }

    /// Whether something that starts a pattern stands `ahead` tokens on.
    fn pattern_behind(&self, ahead: usize) -> bool {
        match self.peek(ahead).kind {
            Kind::Name | Kind::Number(_) | Kind::Text | Kind::Character => true,
            Kind::Keyword(word) => word == "null" || self.is_predefined_at(self.at + ahead),
            Kind::Punct(punct) => matches!(punct, "{" | "(" | "<" | ">" | "<=" | ">="),
            _ => false,
        }
    }

    fn is_tuple_pattern(&self) -> bool {
        let close = self.pairs.get(self.at).copied().unwrap_or(0) as usize;
        let mut depth = 0_u32;
        for at in self.at + 1..close.min(self.at + 100) {
            match self.token_at(at).kind {
                Kind::Punct("(" | "[" | "{") => depth += 1,
                Kind::Punct(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Kind::Punct(",") if depth == 0 => {
                    return self
                        .scan_type(self.at, false)
                        .is_none_or(|s| !self.is_name_at(s.end));
                }
                _ => {}
            }
        }
        false
    }

    fn skip_pattern(&mut self) {
        let close = self.pairs.get(self.at).copied().unwrap_or(0) as usize;
        self.at = if close > self.at {
            close + 1
        } else {
            (self.at + 1).min(self.tokens.len() - 1)
        };
    }

    /// `and` and `or` behind a pattern.
    pub(super) fn later_pattern_words(&mut self) {
        while self.is_word("and") || self.is_word("or") {
            if !self.pattern_behind(1) {
                return;
            }
            let span = self.next().span;
            self.later(
                span,
                "`and` and `or` between patterns",
                9,
                "write `&&` or `||` between two comparisons",
            );
            self.pattern(false);
        }
    }

    /// A name that is declared in place, `_`, or `(a, b)`.
    pub(super) fn designation(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.is("(") {
            let names = self.deeper(|parser| {
                parser.next();
                let mut names = Vec::new();
                loop {
                    names.push(parser.designation());
                    if !parser.eat(",") {
                        break;
                    }
                }
                parser.expect(")");
                names
            });
            let names = names.unwrap_or_default().into();
            return self.finish(NodeKind::Names(names), start);
        }
        if self.is_word("_") {
            self.next();
            return self.finish(NodeKind::Discard, start);
        }
        match self.token().kind {
            Kind::Name | Kind::NamedValue => {
                let name = self.next().span;
                self.add(NodeKind::Local(name), name)
            }
            _ => {
                let message = format!("a name is missing {}", self.seen());
                self.report(Code::IdentifierExpected, self.gap(), message);
                self.missing()
            }
        }
    }
}
