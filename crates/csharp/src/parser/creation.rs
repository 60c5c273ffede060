//! `new`, lambdas and anonymous methods.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::span::Span;
use crate::tree::{List, Mode, NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn creation(&mut self) -> NodeId {
        let new = self.next().span;
        let start = new.start;
        if self.is("[") {
            let Some(rank) = self.empty_rank() else {
                let message = "elements of an array stand in braces: `new[] { ... }`";
                self.report(Code::TokenExpected, self.peek(1).span, message);
                self.arguments("[", "]");
                return self.finish(NodeKind::Missing, start);
            };
            for _ in 0..=rank {
                self.next();
            }
            if !self.is("{") {
                self.expect("{");
                return self.finish(NodeKind::Missing, start);
            }
            let initializer = self.array_initializer();
            return self.finish(NodeKind::NewImplicitArray { rank, initializer }, start);
        }
        if self.is("{") {
            return self.anonymous(start);
        }
        if self.is("(") && self.scan_type(self.at, false).is_none() {
            self.later(
                new,
                "`new` without a type",
                9,
                "write the type behind `new`",
            );
            self.arguments("(", ")");
            if self.is("{") {
                self.initializer();
            }
            return self.finish(NodeKind::Missing, start);
        }
        if self.at_end()
            || !matches!(self.token().kind, Kind::Name | Kind::NamedValue)
                && !self.is_predefined_at(self.at)
                && !self.is("(")
        {
            let message = format!("a type is missing behind `new`, {}", self.seen());
            self.report(Code::NewExpected, self.gap(), message);
            return self.finish(NodeKind::Missing, start);
        }
        let ty = self.ty_with(self.is_nullable_array(), false);
        if self.is("[") {
            return self.array(ty, start);
        }
        let arguments = self.is("(").then(|| self.arguments("(", ")"));
        let around = std::mem::replace(&mut self.in_array, false);
        let initializer = self.is("{").then(|| self.initializer());
        self.in_array = around;
        if arguments.is_none() && initializer.is_none() {
            let message = format!("`(` or `{{` is missing behind the type {}", self.seen());
            self.report(Code::NewExpected, self.gap(), message);
        }
        self.finish(
            NodeKind::New {
                ty,
                arguments,
                initializer,
            },
            start,
        )
    }

    /// `new int?[3]`: the `?` belongs to the element.
    fn is_nullable_array(&self) -> bool {
        let scanned = self.scan_type(self.at, false);
        scanned.is_some_and(|s| {
            self.is_at(s.end, "?") && (self.is_at(s.end + 1, "[") || self.is_at(s.end + 1, "("))
        })
    }

    fn array(&mut self, element: NodeId, start: u32) -> NodeId {
        let at = self.span(element).start;
        if self.empty_rank().is_some() {
            let open = self.token().span.start;
            let ty = self.array_ranks(element, at);
            let end = self.previous_end();
            let initializer = self.is("{").then(|| self.array_initializer());
            if initializer.is_none() {
                self.report(
                    Code::ArraySize,
                    Span::new(open, end),
                    "a new array needs a size, or elements in `{ }`",
                );
            }
            let sizes = List::default();
            return self.finish(
                NodeKind::NewArray {
                    ty,
                    sizes,
                    initializer,
                },
                start,
            );
        }
        let sizes = self.arguments("[", "]");
        let inner = self.array_ranks(element, at);
        let rank = u8::try_from(sizes.len()).unwrap_or(u8::MAX).max(1);
        let ty = self.finish(
            NodeKind::ArrayType {
                element: inner,
                rank,
            },
            at,
        );
        let initializer = self.is("{").then(|| self.array_initializer());
        self.finish(
            NodeKind::NewArray {
                ty,
                sizes,
                initializer,
            },
            start,
        )
    }

    /// `{ ... }` behind `new T`.
    pub(super) fn initializer(&mut self) -> NodeId {
        match self.deeper(Self::initializer_inner) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    pub(super) fn array_initializer(&mut self) -> NodeId {
        let around = std::mem::replace(&mut self.in_array, true);
        let id = self.initializer();
        self.in_array = around;
        id
    }

    fn initializer_inner(&mut self) -> NodeId {
        let start = self.token().span.start;
        let opened = self.at;
        self.expect("{");
        let mut items = Vec::new();
        while !self.is("}") && !self.at_end() && !self.stopped {
            let before = self.at;
            items.push(self.initializer_item());
            if self.eat(",") {
                continue;
            }
            if self.is("}") {
                break;
            }
            let message = format!("`,` or `}}` is missing {}", self.seen());
            self.report(Code::TokenExpected, self.gap(), message);
            let partner = self.pairs.get(opened).copied().unwrap_or(0) as usize;
            if self.is(";") || partner <= self.at {
                break;
            }
            if self.at == before || !(self.starts_expression() || self.is("{")) {
                self.at = partner;
            }
        }
        self.expect("}");
        self.finish(NodeKind::Initializer(items.into()), start)
    }

    fn initializer_item(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.is("{") {
            let id = self.initializer();
            let comma = self.at.saturating_sub(2);
            if self.is_at(comma, ",") && self.is_at(comma + 1, "}") && !self.in_array {
                let span = self.token_at(comma + 1).span;
                self.report(
                    Code::BadTerm,
                    span,
                    "an argument is missing between this comma and the brace",
                );
            }
            return id;
        }
        if self.is("[") {
            let arguments = self.arguments("[", "]");
            let target = self.finish(NodeKind::ElementOf { arguments }, start);
            self.expect("=");
            let value = self.initializer_value();
            return self.finish(NodeKind::InitializerMember { target, value }, start);
        }
        if matches!(self.token().kind, Kind::Name) && self.is_at(self.at + 1, "=") {
            let name = self.next().span;
            let target = self.add(NodeKind::MemberOf { name, types: None }, name);
            self.next();
            let value = self.initializer_value();
            return self.finish(NodeKind::InitializerMember { target, value }, start);
        }
        let value = self.expression();
        if let NodeKind::Assign { at, .. } = self.nodes[value.index()].kind {
            self.report(
                Code::BadInitializer,
                at,
                "only a member may stand before `=` in an initializer",
            );
        }
        value
    }

    fn initializer_value(&mut self) -> NodeId {
        if self.is("{") {
            self.initializer()
        } else {
            self.expression()
        }
    }

    fn anonymous(&mut self, start: u32) -> NodeId {
        let opened = self.at;
        self.next();
        let mut members = Vec::new();
        while !self.is("}") && !self.at_end() && !self.stopped {
            let at = self.token().span.start;
            let before = self.at;
            let named = self.is_name_at(self.at) && self.is_at(self.at + 1, "=");
            let name = named.then(|| {
                let name = self.next().span;
                self.next();
                name
            });
            let value = self.expression();
            members.push(self.finish(NodeKind::AnonymousMember { name, value }, at));
            if self.eat(",") {
                continue;
            }
            if self.is("}") {
                break;
            }
            let message = format!("`,` or `}}` is missing {}", self.seen());
            self.report(Code::TokenExpected, self.gap(), message);
            let partner = self.pairs.get(opened).copied().unwrap_or(0) as usize;
            if self.is(";") || partner <= self.at {
                break;
            }
            if self.at == before || !self.starts_expression() {
                self.at = partner;
            }
        }
        self.expect("}");
        self.finish(
            NodeKind::NewAnonymous {
                members: members.into(),
            },
            start,
        )
    }

    pub(super) fn lambda(&mut self, is_async: bool) -> NodeId {
        let start = match is_async {
            true => self.token_at(self.at.saturating_sub(1)).span.start,
            false => self.token().span.start,
        };
        let parameters: List = if self.is("(") {
            self.parameters(true)
        } else {
            let name = self.next().span;
            let kind = NodeKind::Parameter {
                mode: Mode::Value,
                is_params: false,
                ty: None,
                name,
                default: None,
            };
            Box::new([self.add(kind, name)])
        };
        let arrow = self.token().span;
        self.expect("=>");
        let body = if self.is("{") {
            self.block()
        } else {
            self.expression()
        };
        self.finish(
            NodeKind::Lambda {
                is_async,
                parameters,
                body,
                arrow,
            },
            start,
        )
    }

    pub(super) fn anonymous_method(&mut self, is_async: bool) -> NodeId {
        let start = self.next().span.start;
        let parameters = self.is("(").then(|| self.parameters(false));
        let body = self.block();
        self.finish(
            NodeKind::Delegate {
                is_async,
                parameters,
                body,
            },
            start,
        )
    }

    /// `(T a, ref U b)`, of a lambda also `(a, b)`.
    pub(super) fn parameters(&mut self, lambda: bool) -> List {
        self.expect("(");
        let mut parameters = Vec::new();
        while !self.is(")") && !self.at_end() && !self.stopped {
            let before = self.at;
            parameters.push(self.parameter(lambda));
            if !self.eat(",") {
                break;
            }
            if self.at == before {
                break;
            }
        }
        self.expect(")");
        parameters.into()
    }

    fn parameter(&mut self, lambda: bool) -> NodeId {
        let start = self.token().span.start;
        let mut mode = Mode::Value;
        let mut is_params = false;
        loop {
            match self.token().kind {
                Kind::Keyword("ref") => mode = Mode::Ref,
                Kind::Keyword("out") => mode = Mode::Out,
                Kind::Keyword("in") => mode = Mode::In,
                Kind::Keyword("params") => is_params = true,
                Kind::Keyword("this" | "readonly") => {}
                _ => break,
            }
            self.next();
        }
        let bare = self.is_name_at(self.at)
            && (self.is_at(self.at + 1, ",") || self.is_at(self.at + 1, ")"));
        let ty = if lambda && bare {
            None
        } else {
            Some(self.ty())
        };
        let name = self.identifier().unwrap_or(Span::at(self.previous_end()));
        let default = if self.is("=") {
            let span = self.next().span;
            if lambda {
                self.later(
                    span,
                    "a default value of a lambda's parameter",
                    12,
                    "remove it",
                );
            }
            Some(self.expression())
        } else {
            None
        };
        self.finish(
            NodeKind::Parameter {
                mode,
                is_params,
                ty,
                name,
                default,
            },
            start,
        )
    }
}
