//! Local variables and local functions.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{List, NodeId, NodeKind};

impl Parser<'_> {
    /// A declaration whose type starts at the next token.
    pub(super) fn declaration(&mut self, start: u32) -> NodeId {
        if self.is_word("var") && self.is_at(self.at + 1, "(") {
            let value = self.deconstruction();
            self.expect(";");
            return self.finish(NodeKind::Expression(value), start);
        }
        if let Some(scanned) = self.scan_type(self.at, true)
            && self.is_name_at(scanned.end)
            && (self.is_at(scanned.end + 1, "(") || self.is_at(scanned.end + 1, "<"))
        {
            if self.is_word("record") {
                let span = self.token().span;
                self.later(span, "a record", 9, "use an anonymous type");
            }
            return self.local_function(false, start);
        }
        self.local_declaration(false, start)
    }

    /// `var (a, b) = value`
    fn deconstruction(&mut self) -> NodeId {
        let start = self.token().span.start;
        let ty = Some(self.ty_with(false, false));
        let name = self.designation();
        let target = self.finish(NodeKind::Declaration { ty, name }, start);
        let at = self.token().span;
        self.expect("=");
        let value = self.expression();
        self.finish(
            NodeKind::Assign {
                op: None,
                at,
                target,
                value,
            },
            start,
        )
    }

    pub(super) fn local_declaration(&mut self, is_const: bool, start: u32) -> NodeId {
        let ty = self.ty();
        let id = self.variables(is_const, ty, start);
        if !self.eat(";") {
            let message = format!("`;` is missing {}", self.seen());
            self.report(Code::SemicolonExpected, self.gap(), message);
        }
        id
    }

    /// `a = 1, b`
    pub(super) fn variables(&mut self, is_const: bool, ty: NodeId, start: u32) -> NodeId {
        let mut variables = Vec::new();
        loop {
            let at = self.token().span.start;
            let Some(name) = self.identifier() else {
                break;
            };
            if self.is("[") {
                let span = self.token().span;
                let message = "the brackets of an array stand behind its type: `int[] a`";
                self.report(Code::TokenExpected, span, message);
                self.arguments("[", "]");
            }
            let value = self.eat("=").then(|| {
                if self.is("{") {
                    self.array_initializer()
                } else {
                    self.expression()
                }
            });
            variables.push(self.finish(NodeKind::Variable { name, value }, at));
            if !self.eat(",") {
                break;
            }
        }
        let variables: List = variables.into();
        self.finish(
            NodeKind::LocalDeclaration {
                is_const,
                ty,
                variables,
            },
            start,
        )
    }

    pub(super) fn local_function(&mut self, is_async: bool, start: u32) -> NodeId {
        let result = if self.is("void") {
            let span = self.next().span;
            self.add(NodeKind::Predefined, span)
        } else {
            self.ty()
        };
        let name = self.identifier().unwrap_or(Span::at(self.previous_end()));
        let mut type_parameters = Vec::new();
        if self.eat("<") {
            while let Some(name) = self.identifier() {
                type_parameters.push(self.add(NodeKind::TypeParameter(name), name));
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(">");
        }
        let parameters = self.parameters(false);
        let mut constraints = Vec::new();
        while self.is_word("where") {
            constraints.push(self.constraint());
        }
        let mut is_value = false;
        let body = if self.is("{") {
            Some(self.block())
        } else if self.eat("=>") {
            is_value = true;
            let value = self.expression();
            self.expect(";");
            Some(value)
        } else {
            if self.is(";") {
                let message = "a local function needs a body";
                self.report(Code::LocalNeedsBody, name, message);
                self.next();
            } else {
                let message = format!("`;` is missing {}", self.seen());
                self.report(Code::SemicolonExpected, self.gap(), message);
            }
            None
        };
        let kind = NodeKind::LocalFunction {
            is_async,
            result,
            name,
            type_parameters: type_parameters.into(),
            parameters,
            constraints: constraints.into(),
            body,
            is_value,
        };
        self.finish(kind, start)
    }

    fn constraint(&mut self) -> NodeId {
        let start = self.next().span.start;
        let name = self.identifier().unwrap_or(Span::at(self.previous_end()));
        self.expect(":");
        let (mut is_class, mut is_struct) = (false, false);
        let mut types = Vec::new();
        loop {
            match self.token().kind {
                Kind::Keyword("class") => {
                    is_class = true;
                    self.next();
                }
                Kind::Keyword("struct") => {
                    is_struct = true;
                    self.next();
                }
                Kind::Keyword("new") => {
                    self.next();
                    self.expect("(");
                    self.expect(")");
                }
                _ => types.push(self.ty()),
            }
            if !self.eat(",") {
                break;
            }
        }
        self.finish(
            NodeKind::Constraint {
                name,
                types: types.into(),
                is_class,
                is_struct,
            },
            start,
        )
    }
}
