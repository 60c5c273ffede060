//! Queries: `from x in xs where ... select ...`.

use super::Parser;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> NodeId {
        let start = self.token().span.start;
        let mut clauses = vec![self.from()];
        loop {
            if self.stopped {
                break;
            }
            let at = self.token().span.start;
            if self.is_word("from") {
                clauses.push(self.from());
            } else if self.is_word("let") {
                self.next();
                let name = self.identifier().unwrap_or(Span::at(at));
                self.expect("=");
                let value = self.expression();
                clauses.push(self.finish(NodeKind::Let { name, value }, at));
            } else if self.is_word("where") {
                self.next();
                let condition = self.expression();
                clauses.push(self.finish(NodeKind::Where(condition), at));
            } else if self.is_word("join") {
                clauses.push(self.join());
            } else if self.is_word("orderby") {
                self.next();
                let mut keys = Vec::new();
                loop {
                    keys.push(self.expression());
                    if self.is_word("ascending") || self.is_word("descending") {
                        self.next();
                    }
                    if !self.eat(",") {
                        break;
                    }
                }
                clauses.push(self.finish(NodeKind::OrderBy(keys.into()), at));
            } else if self.is_word("select") || self.is_word("group") {
                let group = self.is_word("group");
                self.next();
                let value = self.expression();
                if group {
                    if self.is_word("by") {
                        self.next();
                    } else {
                        let message = format!("`by` is missing {}", self.seen());
                        self.report(Code::TokenExpected, self.gap(), message);
                    }
                    let by = self.expression();
                    clauses.push(self.finish(
                        NodeKind::Group {
                            value,
                            by,
                            into: None,
                        },
                        at,
                    ));
                } else {
                    clauses.push(self.finish(NodeKind::Select(value), at));
                }
                if !self.is_word("into") {
                    return self.finish(NodeKind::Query(clauses.into()), start);
                }
                let at = self.next().span.start;
                let name = self.identifier().unwrap_or(Span::at(at));
                clauses.push(self.finish(NodeKind::Into { name }, at));
            } else {
                let message = "a query ends with `select` or `group ... by`";
                self.report(Code::QueryEnd, self.gap(), message);
                break;
            }
        }
        self.finish(NodeKind::Query(clauses.into()), start)
    }

    /// `T x in`, or `x in`.
    fn range(&mut self) -> (Option<NodeId>, Span) {
        let typed = !self.is_at(self.at + 1, "in");
        let ty = typed.then(|| self.ty());
        let name = self.identifier().unwrap_or(Span::at(self.previous_end()));
        self.expect("in");
        (ty, name)
    }

    fn from(&mut self) -> NodeId {
        let start = self.next().span.start;
        let (ty, name) = self.range();
        let source = self.expression();
        self.finish(NodeKind::From { ty, name, source }, start)
    }

    fn join(&mut self) -> NodeId {
        let start = self.next().span.start;
        let (ty, name) = self.range();
        let source = self.expression();
        self.query_word("on");
        let left = self.expression();
        self.query_word("equals");
        let right = self.expression();
        let into = self.is_word("into").then(|| {
            self.next();
            self.identifier().unwrap_or(Span::at(self.previous_end()))
        });
        self.finish(
            NodeKind::Join {
                ty,
                name,
                source,
                left,
                right,
                into,
            },
            start,
        )
    }

    fn query_word(&mut self, word: &str) {
        if self.is_word(word) {
            self.next();
        } else {
            let message = format!("`{word}` is missing {}", self.seen());
            self.report(Code::TokenExpected, self.gap(), message);
        }
    }
}
