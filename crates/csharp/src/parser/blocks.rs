//! `switch`, `try` and `using`.

use super::Parser;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn switch(&mut self) -> NodeId {
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

    pub(super) fn ends_section(&self) -> bool {
        let default = self.is("default") && self.is_at(self.at + 1, ":");
        default || self.is("case") || self.is("}") || self.at_end()
    }

    pub(super) fn section(&mut self) -> NodeId {
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

    pub(super) fn try_statement(&mut self) -> NodeId {
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

    pub(super) fn catch(&mut self) -> NodeId {
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

    pub(super) fn using(&mut self) -> NodeId {
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
