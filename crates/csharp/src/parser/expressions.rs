//! Operators, by precedence.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{BinaryOp, NodeId, NodeKind, UnaryOp};

/// Precedence of `is`, `as` and the comparisons.
const RELATIONAL: u8 = 8;
/// What binds tighter than comparisons.
pub(super) const SHIFT: u8 = 9;

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> NodeId {
        match self.deeper(|parser| parser.operators(0)) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    /// An expression whose operators bind at least as tightly as `least`.
    pub(super) fn operators(&mut self, least: u8) -> NodeId {
        if least == 0 {
            if self.is_query() {
                return self.query();
            }
            if self.is("throw") {
                let start = self.next().span.start;
                let value = self.expression();
                return self.finish(NodeKind::Throw(Some(value)), start);
            }
            if self.is("ref") {
                let start = self.next().span.start;
                let value = self.expression();
                return self.finish(NodeKind::Ref(value), start);
            }
        }
        let start = self.token().span.start;
        let mut left = self.unary();
        loop {
            if self.stopped {
                return left;
            }
            let Some((op, precedence, tokens)) = self.binary_operator() else {
                break;
            };
            if precedence < least {
                return left;
            }
            match op {
                Operator::Is => {
                    self.next();
                    let pattern = self.pattern(false);
                    left = self.finish(
                        NodeKind::Is {
                            value: left,
                            pattern,
                        },
                        start,
                    );
                    self.later_pattern_words();
                }
                Operator::As => {
                    self.next();
                    let nullable = self.nullable_follows();
                    let ty = self.ty_with(nullable, true);
                    left = self.finish(NodeKind::As { value: left, ty }, start);
                }
                Operator::Binary(op) => {
                    let at = self.operator(tokens);
                    let next = if op == BinaryOp::Coalesce {
                        precedence
                    } else {
                        precedence + 1
                    };
                    let right = match self.deeper(|parser| parser.operand(next)) {
                        Some(id) => id,
                        None => self.missing(),
                    };
                    left = self.finish(
                        NodeKind::Binary {
                            op,
                            at,
                            left,
                            right,
                        },
                        start,
                    );
                }
                Operator::Unsigned => {
                    let at = self.operator(tokens);
                    self.later(at, "`>>>`", 11, "use `>>` on an unsigned type");
                    let right = self.operand(precedence + 1);
                    let op = BinaryOp::ShiftRight;
                    left = self.finish(
                        NodeKind::Binary {
                            op,
                            at,
                            left,
                            right,
                        },
                        start,
                    );
                }
                Operator::Range => {
                    let at = self.operator(tokens);
                    let dots = self.at >= 2 && self.is_at(self.at - 2, ".");
                    self.later(
                        at,
                        "a range (`..`)",
                        8,
                        if dots {
                            ""
                        } else {
                            "write a single dot for a member; `Substring` takes a part of a string"
                        },
                    );
                    if self.starts_expression() {
                        self.operand(precedence + 1);
                    }
                    left = self.finish(NodeKind::Parenthesized(left), start);
                }
            }
        }
        if least == 0 {
            left = self.choice_or_assignment(left, start);
        }
        left
    }

    /// The right side of an operator; `throw` may stand behind `??`.
    fn operand(&mut self, least: u8) -> NodeId {
        if self.is("throw") {
            let start = self.next().span.start;
            let value = self.operators(1);
            return self.finish(NodeKind::Throw(Some(value)), start);
        }
        self.operators(least.max(1))
    }

    fn operator(&mut self, tokens: usize) -> Span {
        let mut span = self.next().span;
        for _ in 1..tokens {
            span = span.to(self.next().span);
        }
        span
    }

    fn choice_or_assignment(&mut self, left: NodeId, start: u32) -> NodeId {
        if self.is("?") {
            self.next();
            let yes = self.branch();
            if let Kind::HoleFormat = self.token().kind {
                let span = self.token().span;
                self.report_help(
                    Code::ConditionalInHole,
                    span,
                    "the `:` of `?:` starts a format in an interpolated string",
                    "put parentheses around the whole `a ? b : c`",
                );
                let no = self.missing();
                return self.finish(
                    NodeKind::Choice {
                        condition: left,
                        yes,
                        no,
                    },
                    start,
                );
            }
            self.expect(":");
            let no = self.branch();
            return self.finish(
                NodeKind::Choice {
                    condition: left,
                    yes,
                    no,
                },
                start,
            );
        }
        let op = match self.token().kind {
            Kind::Punct("=") => None,
            Kind::Punct("+=") => Some(BinaryOp::Add),
            Kind::Punct("-=") => Some(BinaryOp::Subtract),
            Kind::Punct("*=") => Some(BinaryOp::Multiply),
            Kind::Punct("/=") => Some(BinaryOp::Divide),
            Kind::Punct("%=") => Some(BinaryOp::Remainder),
            Kind::Punct("&=") => Some(BinaryOp::And),
            Kind::Punct("|=") => Some(BinaryOp::Or),
            Kind::Punct("^=") => Some(BinaryOp::Xor),
            Kind::Punct("<<=") => Some(BinaryOp::ShiftLeft),
            Kind::Punct(">") if self.is_at(self.at + 1, ">=") && self.adjacent(self.at) => {
                self.next();
                Some(BinaryOp::ShiftRight)
            }
            Kind::Punct("??=") => {
                let span = self.token().span;
                self.later(span, "`??=`", 8, "write `a = a ?? b`");
                Some(BinaryOp::Coalesce)
            }
            _ => return left,
        };
        let at = self.next().span;
        let value = self.expression();
        self.finish(
            NodeKind::Assign {
                op,
                at,
                target: left,
                value,
            },
            start,
        )
    }

    /// One of the values of `?:`.
    fn branch(&mut self) -> NodeId {
        self.expression()
    }

    fn adjacent(&self, at: usize) -> bool {
        self.token_at(at).span.end == self.token_at(at + 1).span.start
    }

    /// The operator at the next token: which, how tightly it binds, how many
    /// tokens it has.
    fn binary_operator(&self) -> Option<(Operator, u8, usize)> {
        use BinaryOp as B;
        let (op, precedence) = match self.token().kind {
            Kind::Keyword("is") => return Some((Operator::Is, RELATIONAL, 1)),
            Kind::Keyword("as") => return Some((Operator::As, RELATIONAL, 1)),
            Kind::Punct(punct) => match punct {
                "??" => (B::Coalesce, 1),
                "||" => (B::ConditionalOr, 2),
                "&&" => (B::ConditionalAnd, 3),
                "|" => (B::Or, 4),
                "^" => (B::Xor, 5),
                "&" => (B::And, 6),
                "==" => (B::Equal, 7),
                "!=" => (B::NotEqual, 7),
                "<" => (B::Less, RELATIONAL),
                "<=" => (B::LessOrEqual, RELATIONAL),
                ">=" => (B::GreaterOrEqual, RELATIONAL),
                ">" => {
                    let double = self.is_at(self.at + 1, ">") && self.adjacent(self.at);
                    if double && self.is_at(self.at + 2, ">") && self.adjacent(self.at + 1) {
                        return Some((Operator::Unsigned, SHIFT, 3));
                    }
                    if double {
                        return Some((Operator::Binary(B::ShiftRight), SHIFT, 2));
                    }
                    if self.is_at(self.at + 1, ">=") && self.adjacent(self.at) {
                        return None;
                    }
                    (B::Greater, RELATIONAL)
                }
                "<<" => (B::ShiftLeft, SHIFT),
                "+" => (B::Add, 10),
                "-" => (B::Subtract, 10),
                "*" => (B::Multiply, 11),
                "/" => (B::Divide, 11),
                "%" => (B::Remainder, 11),
                ".." => return Some((Operator::Range, 12, 1)),
                _ => return None,
            },
            _ => return None,
        };
        Some((Operator::Binary(op), precedence, 1))
    }

    /// Whether a `?` behind a type in `is` or `as` belongs to the type.
    pub(super) fn nullable_follows(&self) -> bool {
        let Some(scanned) = self.scan_type(self.at, false) else {
            return true;
        };
        if !self.is_at(scanned.end, "?") {
            return true;
        }
        match self.token_at(scanned.end + 1).kind {
            Kind::Punct(punct) => !matches!(punct, "(" | "!" | "-" | "+" | "~" | "." | "["),
            Kind::End | Kind::HoleEnd | Kind::HoleFormat => true,
            _ => false,
        }
    }

    fn unary(&mut self) -> NodeId {
        let op = match self.token().kind {
            Kind::Punct("+") => UnaryOp::Plus,
            Kind::Punct("-") => UnaryOp::Minus,
            Kind::Punct("!") => UnaryOp::Not,
            Kind::Punct("~") => UnaryOp::Complement,
            Kind::Punct("++") => UnaryOp::PreIncrement,
            Kind::Punct("--") => UnaryOp::PreDecrement,
            Kind::Punct("&") => UnaryOp::AddressOf,
            Kind::Punct("*") => UnaryOp::Dereference,
            Kind::Punct("..") => {
                let at = self.next().span;
                self.later(at, "a range (`..`)", 8, "write a single dot for a member");
                return match self.deeper(Self::unary) {
                    Some(id) => id,
                    None => self.missing(),
                };
            }
            Kind::Punct("^") => {
                let at = self.next().span;
                self.later(
                    at,
                    "an index from the end (`^1`)",
                    8,
                    "count from `.Length`",
                );
                return match self.deeper(Self::unary) {
                    Some(id) => id,
                    None => self.missing(),
                };
            }
            Kind::Punct("(") if self.is_cast() && !self.is_lambda_at(self.at) => {
                return match self.deeper(Self::cast) {
                    Some(id) => id,
                    None => self.missing(),
                };
            }
            Kind::Name if self.is_await() => {
                let start = self.next().span.start;
                let value = match self.deeper(Self::unary) {
                    Some(id) => id,
                    None => self.missing(),
                };
                return self.finish(NodeKind::Await(value), start);
            }
            _ => return self.primary(),
        };
        let start = self.next().span.start;
        let operand = match self.deeper(Self::unary) {
            Some(id) => id,
            None => self.missing(),
        };
        self.finish(NodeKind::Unary { op, operand }, start)
    }

    fn cast(&mut self) -> NodeId {
        let start = self.next().span.start;
        let ty = self.ty();
        self.expect(")");
        let value = self.unary();
        self.finish(NodeKind::Cast { ty, value }, start)
    }

    /// `await` in front of a value is the operator.
    fn is_await(&self) -> bool {
        self.is_word("await")
            && match self.peek(1).kind {
                Kind::Name | Kind::Text | Kind::InterpolationStart => true,
                Kind::Keyword(word) => matches!(word, "new" | "this" | "typeof" | "default"),
                _ => false,
            }
    }

    /// Whether an expression can start at the next token.
    pub(super) fn starts_expression(&self) -> bool {
        match self.token().kind {
            Kind::Name
            | Kind::Number(_)
            | Kind::Character
            | Kind::Text
            | Kind::InterpolationStart
            | Kind::NamedValue => true,
            Kind::Punct(punct) => {
                matches!(
                    punct,
                    "(" | "!" | "~" | "-" | "+" | "++" | "--" | "[" | "&" | "*" | "^"
                )
            }
            Kind::Keyword(word) => {
                self.is_predefined_at(self.at)
                    || matches!(
                        word,
                        "new"
                            | "null"
                            | "true"
                            | "false"
                            | "this"
                            | "base"
                            | "typeof"
                            | "default"
                            | "checked"
                            | "unchecked"
                            | "sizeof"
                            | "delegate"
                            | "throw"
                            | "ref"
                            | "stackalloc"
                    )
            }
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Binary(BinaryOp),
    Is,
    As,
    /// `>>>`
    Unsigned,
    /// `..`
    Range,
}
