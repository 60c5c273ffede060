//! Values and what follows them: members, calls, indices.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{List, Mode, NodeId, NodeKind, UnaryOp};

impl Parser<'_> {
    /// A term with its members, calls, indices and `++`.
    pub(super) fn primary(&mut self) -> NodeId {
        let start = self.token().span.start;
        let term = self.term();
        let value = self.postfix(term, start);
        self.after_value(value, start)
    }

    /// What later versions write behind a value.
    fn after_value(&mut self, value: NodeId, start: u32) -> NodeId {
        if self.is("switch") && self.is_at(self.at + 1, "{") {
            let at = self.next().span;
            self.later(
                at,
                "a `switch` expression",
                8,
                "use `?:`, or a `switch` statement in `@{...}`",
            );
            self.skip_brackets();
            return self.finish(NodeKind::Parenthesized(value), start);
        }
        if self.is_word("with") && self.is_at(self.at + 1, "{") {
            let at = self.next().span;
            self.later(at, "`with`", 9, "make a new object");
            self.skip_brackets();
            return self.finish(NodeKind::Parenthesized(value), start);
        }
        value
    }

    fn skip_brackets(&mut self) {
        let close = self.pairs.get(self.at).copied().unwrap_or(0) as usize;
        self.at = if close > self.at {
            close + 1
        } else {
            self.tokens.len() - 1
        };
    }

    fn postfix(&mut self, mut value: NodeId, start: u32) -> NodeId {
        loop {
            if self.stopped {
                return value;
            }
            match self.token().kind {
                Kind::Punct(".") => {
                    self.next();
                    value = self.member(value, start);
                }
                Kind::Punct("->") => {
                    let span = self.next().span;
                    self.report_help(
                        Code::PointerContext,
                        span,
                        "`->` is for pointers, which policy expressions cannot use",
                        "write `.` for a member",
                    );
                    value = self.member(value, start);
                }
                Kind::Punct("(") => {
                    let open = self.token().span;
                    let arguments = self.arguments("(", ")");
                    value = self.finish(
                        NodeKind::Call {
                            target: value,
                            arguments,
                            open,
                        },
                        start,
                    );
                }
                Kind::Punct("[") => {
                    let arguments = self.arguments("[", "]");
                    value = self.finish(
                        NodeKind::Element {
                            target: value,
                            arguments,
                        },
                        start,
                    );
                }
                Kind::Punct("?") if self.is_at(self.at + 1, ".") || self.is_index_behind() => {
                    self.next();
                    let rest = match self.deeper(Self::behind_question) {
                        Some(id) => id,
                        None => self.missing(),
                    };
                    return self.finish(
                        NodeKind::Conditional {
                            target: value,
                            rest,
                        },
                        start,
                    );
                }
                Kind::Punct("++") => {
                    self.next();
                    let op = UnaryOp::PostIncrement;
                    value = self.finish(NodeKind::Unary { op, operand: value }, start);
                }
                Kind::Punct("--") => {
                    self.next();
                    let op = UnaryOp::PostDecrement;
                    value = self.finish(NodeKind::Unary { op, operand: value }, start);
                }
                Kind::Punct("!") if self.is_forgiving() => {
                    let at = self.next().span;
                    self.later(at, "`!` behind a value", 8, "remove it");
                }
                _ => return value,
            }
        }
    }

    /// `?[` of a conditional index; `a ? [` is no C# 7.
    fn is_index_behind(&self) -> bool {
        self.is_at(self.at + 1, "[")
    }

    /// `!` behind a value, when no operand follows that it could belong to.
    fn is_forgiving(&self) -> bool {
        match self.peek(1).kind {
            Kind::Punct(punct) => !matches!(punct, "(" | "!" | "~" | "="),
            Kind::End | Kind::HoleEnd => true,
            _ => false,
        }
    }

    /// The chain behind `?`: it runs to the end of members, calls and indices.
    fn behind_question(&mut self) -> NodeId {
        let start = self.token().span.start;
        let first = if self.is("[") {
            let arguments = self.arguments("[", "]");
            self.finish(NodeKind::ElementOf { arguments }, start)
        } else {
            self.next();
            match self.identifier() {
                Some(name) => {
                    let types = self.generic_arguments();
                    self.finish(NodeKind::MemberOf { name, types }, start)
                }
                None => self.missing(),
            }
        };
        self.postfix(first, start)
    }

    /// The name behind a dot.
    fn member(&mut self, target: NodeId, start: u32) -> NodeId {
        let Some(name) = self.identifier() else {
            if matches!(self.token().kind, Kind::Keyword(_)) && !self.token().on_new_line {
                self.next();
            }
            let name = Span::at(self.previous_end());
            return self.finish(
                NodeKind::Member {
                    target,
                    name,
                    types: None,
                },
                start,
            );
        };
        let types = self.generic_arguments();
        self.finish(
            NodeKind::Member {
                target,
                name,
                types,
            },
            start,
        )
    }

    fn generic_arguments(&mut self) -> Option<List> {
        if self.is("<") && self.is_generic_at(self.at) {
            self.type_arguments()
        } else {
            None
        }
    }

    /// A value without operators.
    fn term(&mut self) -> NodeId {
        let token = self.token();
        let start = token.span.start;
        match token.kind {
            Kind::Number(number) => {
                self.next();
                self.finish(NodeKind::Number(number), start)
            }
            Kind::Character => {
                self.next();
                self.finish(NodeKind::Character, start)
            }
            Kind::Text => {
                self.next();
                self.finish(NodeKind::Text, start)
            }
            Kind::NamedValue => {
                self.next();
                self.finish(NodeKind::NamedValue, start)
            }
            Kind::InterpolationStart => self.interpolated(),
            Kind::Name => self.name(),
            Kind::Keyword(word) => self.keyword_term(word),
            Kind::Punct("(") => self.parenthesized(),
            Kind::Punct("[") => {
                self.later(
                    token.span,
                    "a collection expression",
                    12,
                    "write `new[] { ... }`",
                );
                self.skip_brackets();
                self.finish(NodeKind::Missing, start)
            }
            _ => self.no_term(),
        }
    }

    fn name(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.is_at(self.at + 1, "=>") {
            return self.lambda(false);
        }
        if self.is_word("async") {
            let next = self.peek(1);
            let named = next.kind == Kind::Name && self.is_at(self.at + 2, "=>");
            let listed = self.is_at(self.at + 1, "(") && self.is_lambda_at(self.at + 1);
            if named || listed {
                self.next();
                return self.lambda(true);
            }
            if self.is_at(self.at + 1, "delegate") {
                self.next();
                return self.anonymous_method(true);
            }
        }
        let name = self.next().span;
        if self.is("::") && self.is_name_at(self.at + 1) {
            self.next();
            let inner = self.name();
            return self.finish(
                NodeKind::Alias {
                    alias: name,
                    name: inner,
                },
                start,
            );
        }
        let types = self.generic_arguments();
        self.finish(NodeKind::Name { name, types }, start)
    }

    fn keyword_term(&mut self, word: &'static str) -> NodeId {
        let span = self.token().span;
        let start = span.start;
        let simple = match word {
            "null" => Some(NodeKind::Null),
            "true" => Some(NodeKind::True),
            "false" => Some(NodeKind::False),
            "this" => Some(NodeKind::This),
            "base" => Some(NodeKind::Base),
            _ => None,
        };
        if let Some(kind) = simple {
            self.next();
            return self.finish(kind, start);
        }
        match word {
            "new" => self.creation(),
            "typeof" | "sizeof" => {
                self.next();
                self.expect("(");
                let ty = self.ty();
                self.expect(")");
                let kind = if word == "typeof" {
                    NodeKind::TypeOf(ty)
                } else {
                    NodeKind::SizeOf(ty)
                };
                self.finish(kind, start)
            }
            "default" => {
                self.next();
                let ty = self.is("(").then(|| {
                    self.next();
                    let ty = self.ty();
                    self.expect(")");
                    ty
                });
                self.finish(NodeKind::Default(ty), start)
            }
            "checked" | "unchecked" => {
                self.next();
                self.expect("(");
                let value = self.expression();
                self.expect(")");
                self.finish(
                    NodeKind::Checked {
                        value,
                        checked: word == "checked",
                    },
                    start,
                )
            }
            "delegate" => self.anonymous_method(false),
            "static" if self.is_lambda_at(self.at + 1) || self.is_at(self.at + 2, "=>") => {
                self.next();
                self.later(span, "a static lambda", 9, "remove `static`");
                self.lambda(false)
            }
            "stackalloc" => {
                self.next();
                let ty = if self.is("[") {
                    None
                } else {
                    Some(self.ty_with(false, false))
                };
                if self.is("[") {
                    self.arguments("[", "]");
                }
                if self.is("{") {
                    self.skip_brackets();
                }
                self.finish(NodeKind::StackAlloc { ty }, start)
            }
            "throw" => {
                self.next();
                let value = self.expression();
                self.finish(NodeKind::Throw(Some(value)), start)
            }
            "void" => self.no_term(),
            _ if self.is_predefined_at(self.at) => {
                self.next();
                let typed_lambda = self.is("(") && self.is_lambda_at(self.at);
                if typed_lambda {
                    self.later(span, "a result type of a lambda", 10, "remove it");
                    return self.lambda(false);
                }
                if !self.is(".") {
                    let message = format!("`{word}` is a type, and a value is wanted here");
                    self.report(Code::BadTerm, span, message);
                }
                self.finish(NodeKind::Predefined, start)
            }
            _ => self.no_term(),
        }
    }

    /// Nothing here is a value.
    pub(super) fn no_term(&mut self) -> NodeId {
        if self.at_end() {
            let message = "the expression ends where a value is wanted";
            self.report(Code::TermExpected, self.gap(), message);
        } else if matches!(self.token().kind, Kind::HoleEnd | Kind::HoleFormat) {
            let message = "a value is missing in this `{}` of an interpolated string";
            self.report(Code::TermExpected, self.token().span, message);
        } else {
            let message = format!("a value is wanted {}", self.seen());
            self.report(Code::BadTerm, self.gap(), message);
            if self.token().kind == Kind::Unknown {
                self.next();
            }
        }
        self.missing()
    }

    fn parenthesized(&mut self) -> NodeId {
        if self.is_lambda_at(self.at) {
            return self.lambda(false);
        }
        let start = self.next().span.start;
        let mut elements = Vec::new();
        loop {
            let at = self.token().span.start;
            if self.is_tuple_declaration() {
                let value = self.declaration_expression();
                elements.push(self.finish(
                    NodeKind::Argument {
                        name: None,
                        mode: Mode::Value,
                        value,
                    },
                    at,
                ));
            } else {
                if let Kind::Keyword("ref" | "out" | "in") = self.token().kind {
                    let message = format!("a value is wanted {}", self.seen());
                    self.report(Code::BadTerm, self.token().span, message);
                }
                elements.push(self.argument());
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")");
        if elements.len() > 1 {
            return self.finish(NodeKind::Tuple(elements.into()), start);
        }
        let value = elements.first().map(|id| &self.nodes[id.index()].kind);
        let (value, named) = match value {
            Some(NodeKind::Argument { value, name, .. }) => (*value, name.is_some()),
            _ => (self.missing(), false),
        };
        if named {
            let span = self.gap();
            self.report(
                Code::TupleElement,
                span,
                "a tuple has at least two elements",
            );
        }
        self.finish(NodeKind::Parenthesized(value), start)
    }

    /// `int a` or `var b` inside the brackets of a deconstruction.
    fn is_tuple_declaration(&self) -> bool {
        let Some(scanned) = self.scan_type(self.at, true) else {
            return false;
        };
        self.is_name_at(scanned.end)
            && (self.is_at(scanned.end + 1, ",") || self.is_at(scanned.end + 1, ")"))
            && !matches!(self.word_at(scanned.end), "and" | "or" | "not")
            && self.deconstruction_around()
    }

    /// Whether the bracket that encloses the next token is followed by `=` or `in`.
    fn deconstruction_around(&self) -> bool {
        let mut depth = 0_i32;
        for at in self.at..(self.at + 200).min(self.tokens.len()) {
            match self.tokens[at].kind {
                Kind::Punct("(") => depth += 1,
                Kind::Punct(")") if depth == 0 => {
                    return self.is_at(at + 1, "=")
                        || self.is_at(at + 1, "in")
                        || self.is_at(at + 1, ",")
                        || self.is_at(at + 1, ")");
                }
                Kind::Punct(")") => depth -= 1,
                Kind::Punct(";" | "{" | "}") | Kind::End => return false,
                _ => {}
            }
        }
        false
    }
}
