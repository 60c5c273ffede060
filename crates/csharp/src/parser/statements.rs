//! Statements.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    /// One statement, which always reads at least one token.
    pub(super) fn statement_into(&mut self, statements: &mut Vec<NodeId>) {
        let before = self.at;
        let statement = self.statement();
        statements.push(statement);
        if self.at == before && !self.at_end() {
            let message = format!("a statement is wanted {}", self.seen());
            let span = self.token().span;
            self.report(Code::BadTerm, span, message);
            self.next();
        }
    }

    pub(super) fn statement(&mut self) -> NodeId {
        match self.deeper(Self::statement_inner) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    /// `{ ... }`
    pub(super) fn block(&mut self) -> NodeId {
        match self.deeper(Self::block_inner) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    fn block_inner(&mut self) -> NodeId {
        let start = self.token().span.start;
        if !self.expect("{") {
            return self.missing();
        }
        let mut statements = Vec::new();
        while !self.is("}") && !self.at_end() {
            self.statement_into(&mut statements);
        }
        self.expect("}");
        self.finish(NodeKind::Block(statements.into()), start)
    }

    fn statement_inner(&mut self) -> NodeId {
        let token = self.token();
        let start = token.span.start;
        match token.kind {
            Kind::Punct("{") => self.block(),
            Kind::Punct(";") => {
                self.next();
                self.finish(NodeKind::Empty, start)
            }
            Kind::Punct("[") => self.attributed(),
            Kind::Keyword(word) => match self.keyword_statement(word) {
                Some(id) => id,
                None => self.declaration_or_expression(),
            },
            Kind::Name => self.word_statement(),
            _ => self.declaration_or_expression(),
        }
    }

    fn attributed(&mut self) -> NodeId {
        let start = self.token().span.start;
        let close = self.pairs.get(self.at).copied().unwrap_or(0) as usize;
        let span = Span::new(start, self.token_at(close.max(self.at)).span.end);
        if close > self.at && self.is_declaration_at(close + 1) {
            self.at = close + 1;
            self.report(
                Code::AttributeHere,
                span,
                "attributes have no place in an expression",
            );
            return self.declaration_or_expression();
        }
        self.declaration_or_expression()
    }

    fn keyword_statement(&mut self, word: &'static str) -> Option<NodeId> {
        let span = self.token().span;
        let start = span.start;
        Some(match word {
            "if" => self.if_statement(),
            "while" => {
                self.next();
                let condition = self.condition();
                let body = self.embedded();
                self.finish(NodeKind::While { condition, body }, start)
            }
            "do" => {
                self.next();
                let body = self.embedded();
                self.expect("while");
                let condition = self.condition();
                self.expect(";");
                self.finish(NodeKind::Do { body, condition }, start)
            }
            "for" => self.for_statement(),
            "foreach" => self.foreach(),
            "return" | "throw" => {
                self.next();
                let value = (!self.is(";")).then(|| self.expression());
                self.expect(";");
                let kind = if word == "return" {
                    NodeKind::Return(value)
                } else {
                    NodeKind::Throw(value)
                };
                self.finish(kind, start)
            }
            "break" | "continue" => {
                self.next();
                self.expect(";");
                let kind = if word == "break" {
                    NodeKind::Break
                } else {
                    NodeKind::Continue
                };
                self.finish(kind, start)
            }
            "goto" => self.goto(),
            "switch" => self.switch(),
            "try" => self.try_statement(),
            "using" => self.using(),
            "lock" => {
                self.next();
                let value = self.condition();
                let body = self.embedded();
                self.finish(NodeKind::Lock { value, body }, start)
            }
            "checked" | "unchecked" if self.is_at(self.at + 1, "{") => {
                self.next();
                let body = self.block();
                self.finish(
                    NodeKind::CheckedBlock {
                        body,
                        checked: word == "checked",
                    },
                    start,
                )
            }
            "unsafe" => {
                self.next();
                self.problems.push(crate::problem::Problem::new(
                    Code::UnsafeCode,
                    span,
                    "policy expressions cannot use unsafe code",
                ));
                let body = self.block();
                self.finish(NodeKind::Unsafe(body), start)
            }
            "fixed" => {
                self.report(
                    Code::PointerContext,
                    span,
                    "policy expressions cannot use pointers",
                );
                self.next();
                self.skip_group();
                let body = self.embedded();
                self.finish(NodeKind::Unsafe(body), start)
            }
            "const" => {
                self.next();
                self.local_declaration(true, start)
            }
            "else" => {
                self.report(Code::ElseWithoutIf, span, "this `else` has no `if`");
                self.next();
                self.embedded()
            }
            "case" | "default" if word == "case" || self.is_at(self.at + 1, ":") => {
                let message = format!("`{word}` stands in a `switch`");
                self.report(Code::CloseBraceExpected, self.gap(), message);
                self.next();
                self.missing()
            }
            "catch" | "finally" => {
                let message = format!("this `{word}` has no `try`");
                self.report(Code::CatchExpected, span, message);
                self.next();
                if self.is("(") {
                    self.skip_group();
                }
                self.embedded()
            }
            "static" | "readonly" | "volatile" | "extern" | "virtual" | "sealed" | "abstract"
            | "override" | "public" | "private" | "protected" | "internal" => self.modified(word),
            "class" | "struct" | "interface" | "enum" | "namespace" => {
                let message =
                    format!("`{word}` declares a type, which cannot stand in an expression");
                self.report(Code::CloseBraceExpected, span, message);
                self.next();
                while !self.at_end() && !self.is("{") && !self.is(";") {
                    self.next();
                }
                if self.is("{") {
                    self.skip_group();
                }
                self.missing()
            }
            _ => return None,
        })
    }

    fn skip_group(&mut self) {
        let close = self.pairs.get(self.at).copied().unwrap_or(0) as usize;
        self.at = if close > self.at {
            close + 1
        } else {
            (self.at + 1).min(self.tokens.len() - 1)
        };
    }

    /// A statement behind modifiers that have no place here.
    fn modified(&mut self, word: &'static str) -> NodeId {
        let span = self.next().span;
        let scanned = self.scan_type(self.at, true);
        let function = scanned.is_some_and(|s| {
            self.is_name_at(s.end) && (self.is_at(s.end + 1, "(") || self.is_at(s.end + 1, "<"))
        });
        if word == "static" && function {
            self.later(span, "a static local function", 8, "remove `static`");
        } else if matches!(word, "public" | "private" | "protected" | "internal") {
            let message = format!("`{word}` has no place in an expression");
            self.report(Code::CloseBraceExpected, span, message);
        } else {
            let message = format!("`{word}` has no place before a local declaration");
            self.report(Code::BadModifier, span, message);
        }
        self.statement()
    }

    /// Words that start a statement without being reserved.
    fn word_statement(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.is_at(self.at + 1, ":") && !self.is_at(self.at + 1, "::") {
            let name = self.next().span;
            self.next();
            let statement = if self.is("}") {
                self.add(NodeKind::Empty, name)
            } else {
                self.statement()
            };
            return self.finish(NodeKind::Labeled { name, statement }, start);
        }
        if self.is_word("yield")
            && (self.is_at(self.at + 1, "return") || self.is_at(self.at + 1, "break"))
        {
            self.next();
            let value = match self.next().kind {
                Kind::Keyword("return") => Some(self.expression()),
                _ => None,
            };
            self.expect(";");
            return self.finish(NodeKind::Yield(value), start);
        }
        if self.is_word("await")
            && (self.is_at(self.at + 1, "foreach") || self.is_at(self.at + 1, "using"))
        {
            let span = self.next().span;
            self.later(
                span,
                "`await foreach`",
                8,
                "policy expressions are not async",
            );
            return self.statement();
        }
        if self.is_word("async") && self.is_declaration_at(self.at + 1) {
            self.next();
            return self.local_function(true, start);
        }
        self.declaration_or_expression()
    }

    fn declaration_or_expression(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.is("ref") || self.is_declaration_at(self.at) {
            return self.declaration(start);
        }
        // `int.Parse(...)` is an expression, `int` without name a declaration.
        if self.is_predefined_at(self.at) && !self.is_at(self.at + 1, ".") {
            return self.local_declaration(false, start);
        }
        if let Some(scanned) = self.scan_type(self.at, true)
            && scanned.certain
            && self.is_name_at(self.at)
            && self.is_at(scanned.end, "=")
            && !self.is_at(scanned.end - 1, "?")
        {
            return self.local_declaration(false, start);
        }
        let value = self.expression();
        if self.stopped {
            return value;
        }
        // A named value may hold whole statements.
        let unknown = matches!(self.nodes[value.index()].kind, NodeKind::NamedValue);
        if !self.eat(";") && !unknown {
            let message = format!("`;` is missing {}", self.seen());
            self.report(Code::SemicolonExpected, self.gap(), message);
        }
        self.finish(NodeKind::Expression(value), start)
    }

    /// `(condition)`
    pub(super) fn condition(&mut self) -> NodeId {
        self.expect("(");
        let condition = self.expression();
        if !self.expect(")") && !self.is("{") && !self.is(";") {
            self.skip_to_statement();
        }
        condition
    }

    /// Reads over what stands before the body of a statement, on the same line.
    pub(super) fn skip_to_statement(&mut self) {
        while !self.at_end()
            && !self.token().on_new_line
            && !self.is("{")
            && !self.is(";")
            && !self.is("}")
        {
            self.next();
        }
    }

    /// The body of `if`, `while` and their like.
    pub(super) fn embedded(&mut self) -> NodeId {
        if self.is("}") || self.at_end() {
            let message = format!("a statement is wanted {}", self.seen());
            self.report(Code::BadTerm, self.gap(), message);
            return self.missing();
        }
        self.statement()
    }

    fn if_statement(&mut self) -> NodeId {
        let start = self.next().span.start;
        let condition = self.condition();
        let then = self.embedded();
        let otherwise = self.eat("else").then(|| self.embedded());
        self.finish(
            NodeKind::If {
                condition,
                then,
                otherwise,
            },
            start,
        )
    }
}
