//! `for`, `foreach` and `goto`.

use super::Parser;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn for_statement(&mut self) -> NodeId {
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

    pub(super) fn expressions(&mut self, into: &mut Vec<NodeId>, end: &str) {
        loop {
            into.push(self.expression());
            if !self.eat(",") || self.is(end) {
                return;
            }
        }
    }

    pub(super) fn foreach(&mut self) -> NodeId {
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

    pub(super) fn goto(&mut self) -> NodeId {
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
}
