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
        if !self.eat(";") {
            let message = format!("`;` is missing {}", self.seen());
            self.report(Code::SemicolonExpected, self.gap(), message);
        }
        self.finish(NodeKind::Expression(value), start)
    }

    /// `(condition)`
    fn condition(&mut self) -> NodeId {
        self.expect("(");
        let condition = self.expression();
        if !self.expect(")") && !self.is("{") && !self.is(";") {
            self.skip_to_statement();
        }
        condition
    }

    /// Reads over what stands before the body of a statement, on the same line.
    fn skip_to_statement(&mut self) {
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
    fn embedded(&mut self) -> NodeId {
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

    fn for_statement(&mut self) -> NodeId {
        let start = self.next().span.start;
        self.expect("(");
        let mut first = Vec::new();
        if !self.is(";") {
            if self.is_declaration_at(self.at) {
                let at = self.token().span.start;
                let ty = self.ty();
                first.push(self.variables(false, ty, at));
            } else {
                self.expressions(&mut first, ";");
            }
        }
        self.expect(";");
        let condition = (!self.is(";")).then(|| self.expression());
        self.expect(";");
        let mut step = Vec::new();
        if !self.is(")") {
            self.expressions(&mut step, ")");
        }
        self.expect(")");
        let body = self.embedded();
        self.finish(
            NodeKind::For {
                start: first.into(),
                condition,
                step: step.into(),
                body,
            },
            start,
        )
    }

    fn expressions(&mut self, into: &mut Vec<NodeId>, end: &str) {
        loop {
            into.push(self.expression());
            if !self.eat(",") || self.is(end) {
                return;
            }
        }
    }

    fn foreach(&mut self) -> NodeId {
        let start = self.next().span.start;
        self.expect("(");
        let mut ty = None;
        let name;
        if self.is_word("var") && self.is_at(self.at + 1, "(") {
            self.next();
            name = self.designation();
        } else if self.is("(") {
            name = self.expression();
        } else {
            ty = Some(self.ty());
            if self.is("in") {
                let span = self.token().span;
                let message =
                    "`foreach` declares its variable: a type and a name stand before `in`";
                self.report(Code::BadForeach, span, message);
                name = self.missing();
            } else {
                name = self.designation();
            }
        }
        self.expect("in");
        let source = self.expression();
        if !self.expect(")") && !self.is("{") {
            self.skip_to_statement();
        }
        let body = self.embedded();
        self.finish(
            NodeKind::ForEach {
                ty,
                name,
                source,
                body,
            },
            start,
        )
    }

    fn goto(&mut self) -> NodeId {
        let start = self.next().span.start;
        let kind = if self.eat("case") {
            NodeKind::GotoCase(Some(self.expression()))
        } else if self.eat("default") {
            NodeKind::GotoCase(None)
        } else {
            NodeKind::Goto(self.identifier().unwrap_or(Span::at(self.previous_end())))
        };
        self.expect(";");
        self.finish(kind, start)
    }

    fn switch(&mut self) -> NodeId {
        let start = self.next().span.start;
        let value = self.condition();
        self.expect("{");
        let mut sections = Vec::new();
        while (self.is("case") || self.is("default")) && !self.stopped {
            sections.push(self.section());
        }
        self.expect("}");
        self.finish(
            NodeKind::Switch {
                value,
                sections: sections.into(),
            },
            start,
        )
    }

    fn ends_section(&self) -> bool {
        let default = self.is("default") && self.is_at(self.at + 1, ":");
        default || self.is("case") || self.is("}") || self.at_end()
    }

    fn section(&mut self) -> NodeId {
        let start = self.token().span.start;
        let mut labels: Vec<NodeId> = Vec::new();
        while self.is("case") || self.is("default") && self.is_at(self.at + 1, ":") {
            let at = self.token().span.start;
            if self.eat("default") {
                self.expect(":");
                labels.push(self.finish(NodeKind::DefaultCase, at));
                continue;
            }
            self.next();
            let pattern = self.pattern(true);
            self.later_pattern_words();
            let when = self.is_word("when").then(|| {
                self.next();
                self.expression()
            });
            self.expect(":");
            labels.push(self.finish(NodeKind::Case { pattern, when }, at));
        }
        if labels.is_empty() {
            self.next();
            self.expect(":");
        }
        let mut statements = Vec::new();
        while !self.ends_section() {
            self.statement_into(&mut statements);
        }
        self.finish(
            NodeKind::Section {
                labels: labels.into(),
                statements: statements.into(),
            },
            start,
        )
    }

    fn try_statement(&mut self) -> NodeId {
        let start = self.next().span.start;
        let body = self.block();
        let mut catches = Vec::new();
        while self.is("catch") && !self.stopped {
            catches.push(self.catch());
        }
        let finally = self.eat("finally").then(|| self.block());
        if catches.is_empty() && finally.is_none() {
            // The compiler marks the brace that ends the block.
            let end = self.previous_end();
            let span = Span::new(end.saturating_sub(1), end);
            self.report(
                Code::CatchExpected,
                span,
                "this `try` has no `catch` and no `finally`",
            );
        }
        self.finish(
            NodeKind::Try {
                body,
                catches: catches.into(),
                finally,
            },
            start,
        )
    }

    fn catch(&mut self) -> NodeId {
        let start = self.next().span.start;
        let mut ty = None;
        let mut name = None;
        if self.eat("(") {
            ty = Some(self.ty());
            if self.is_name_at(self.at) {
                name = Some(self.next().span);
            }
            self.expect(")");
        }
        let filter = self.is_word("when").then(|| {
            self.next();
            self.condition()
        });
        let body = self.block();
        self.finish(
            NodeKind::Catch {
                ty,
                name,
                filter,
                body,
            },
            start,
        )
    }

    fn using(&mut self) -> NodeId {
        let using = self.next().span;
        let start = using.start;
        if !self.is("(") {
            if self.is_declaration_at(self.at) && !self.is_at(self.at + 1, ".") {
                self.later(
                    using,
                    "a `using` declaration",
                    8,
                    "write `using (var x = ...) { }`",
                );
                return self.local_declaration(false, start);
            }
            let message =
                "`using` in an expression is followed by `(`; namespaces cannot be imported";
            self.report_help(
                Code::IdentifierExpected,
                self.gap(),
                message,
                "write names in full, such as System.Net.WebUtility",
            );
            while !self.at_end() && !self.is(";") {
                self.next();
            }
            self.next();
            return self.missing();
        }
        self.next();
        let resource = if self.is_declaration_at(self.at) {
            let at = self.token().span.start;
            let ty = self.ty();
            self.variables(false, ty, at)
        } else {
            self.expression()
        };
        self.expect(")");
        let body = self.embedded();
        self.finish(NodeKind::Using { resource, body }, start)
    }
}
