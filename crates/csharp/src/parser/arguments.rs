//! Arguments of calls and indices.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::tree::{List, Mode, NodeId, NodeKind};

impl Parser<'_> {
    /// `(a, name: b, out var c)`
    pub(super) fn arguments(&mut self, open: &str, close: &str) -> List {
        let opened = self.at;
        self.expect(open);
        let mut arguments = Vec::new();
        while !self.is(close) && !self.at_end() && !self.stopped {
            if self.is(",") {
                let span = self.token().span;
                let message = "an argument is missing before this comma";
                self.report(Code::ArgumentMissing, span, message);
                self.next();
                continue;
            }
            let before = self.at;
            arguments.push(self.argument());
            if self.eat(",") {
                if self.is(close) {
                    let message = format!("an argument is missing before `{close}`");
                    let span = self.gap();
                    self.report(Code::ArgumentMissing, span, message);
                }
                continue;
            }
            if self.is(close) {
                break;
            }
            // Something stands between the arguments. If a closing bracket
            // follows at this level, read on behind what is not understood.
            let message = match close {
                ")" => format!("`,` or `)` is missing {}", self.seen()),
                _ => format!("`,` or `]` is missing {}", self.seen()),
            };
            let code = match self.token().kind {
                Kind::Punct(";" | "}" | "]") | Kind::End if close == ")" => {
                    Code::CloseParenExpected
                }
                _ => Code::TokenExpected,
            };
            self.report(code, self.gap(), message);
            let partner = self.pairs.get(opened).copied().unwrap_or(0) as usize;
            if !self.starts_expression() || self.at == before {
                if partner > self.at && !self.is(";") {
                    self.at = partner;
                }
                break;
            }
        }
        if close == "]" && arguments.is_empty() && self.is("]") {
            let span = self.token().span;
            self.report(
                Code::EmptyIndex,
                span,
                "an index is missing between `[` and `]`",
            );
        }
        self.expect(close);
        arguments.into()
    }

    pub(super) fn argument(&mut self) -> NodeId {
        let start = self.token().span.start;
        let named = self.is_name_at(self.at)
            && self.is_at(self.at + 1, ":")
            && !self.is_at(self.at + 1, "::");
        let name = named.then(|| {
            let name = self.next().span;
            self.next();
            name
        });
        let mode = match self.token().kind {
            Kind::Keyword("ref") => Mode::Ref,
            Kind::Keyword("out") => Mode::Out,
            Kind::Keyword("in") => Mode::In,
            _ => Mode::Value,
        };
        if mode != Mode::Value {
            self.next();
        }
        let value = if mode == Mode::Out && self.is_declaration_at(self.at) {
            self.declaration_expression()
        } else {
            self.expression()
        };
        self.finish(NodeKind::Argument { name, mode, value }, start)
    }

    /// `var x` or `T x` in place of a value.
    pub(super) fn declaration_expression(&mut self) -> NodeId {
        let start = self.token().span.start;
        let ty = Some(self.ty());
        let name = self.designation();
        self.finish(NodeKind::Declaration { ty, name }, start)
    }
}
