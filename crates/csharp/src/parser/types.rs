//! Types.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::tree::{List, NodeId, NodeKind};

impl Parser<'_> {
    /// A type, with `?` and `[]`.
    pub(super) fn ty(&mut self) -> NodeId {
        self.ty_with(true, true)
    }

    /// A type. `nullable`: a `?` belongs to it; `arrays`: so do `[]`.
    pub(super) fn ty_with(&mut self, nullable: bool, arrays: bool) -> NodeId {
        match self.deeper(|parser| parser.ty_inner(nullable, arrays)) {
            Some(id) => id,
            None => self.missing(),
        }
    }

    fn ty_inner(&mut self, nullable: bool, arrays: bool) -> NodeId {
        let start = self.token().span.start;
        if self.is("ref") {
            self.next();
            if self.is("readonly") {
                self.next();
            }
            let inner = self.ty();
            return self.finish(NodeKind::RefType(inner), start);
        }
        let mut ty = if self.is_predefined_at(self.at) {
            self.next();
            self.finish(NodeKind::Predefined, start)
        } else if self.is("(") {
            self.tuple_type()
        } else if matches!(self.token().kind, Kind::Name | Kind::NamedValue) {
            self.type_name()
        } else {
            let message = format!("a type is missing {}", self.seen());
            self.report(Code::IdentifierExpected, self.gap(), message);
            return self.missing();
        };
        loop {
            if nullable && self.is("?") && !self.is_at(self.at + 1, ".") {
                self.next();
                ty = self.finish(NodeKind::NullableType(ty), start);
            } else if self.is("*") {
                self.next();
                ty = self.finish(NodeKind::PointerType(ty), start);
            } else if arrays && self.is("[") && self.empty_rank().is_some() {
                ty = self.array_ranks(ty, start);
            } else {
                return ty;
            }
        }
    }

    /// The rank of `[]` or `[,]` at the next token.
    pub(super) fn empty_rank(&self) -> Option<u8> {
        let mut at = self.at + 1;
        let mut rank = 1_u8;
        while self.is_at(at, ",") {
            at += 1;
            rank = rank.saturating_add(1);
        }
        self.is_at(at, "]").then_some(rank)
    }

    /// `[][,]` behind a type: the first is the outermost.
    pub(super) fn array_ranks(&mut self, element: NodeId, start: u32) -> NodeId {
        let mut ranks = Vec::new();
        while self.is("[") {
            let Some(rank) = self.empty_rank() else {
                break;
            };
            for _ in 0..=rank {
                self.next();
            }
            ranks.push(rank);
        }
        let mut ty = element;
        for rank in ranks.into_iter().rev() {
            ty = self.finish(NodeKind::ArrayType { element: ty, rank }, start);
        }
        ty
    }

    fn tuple_type(&mut self) -> NodeId {
        let start = self.next().span.start;
        let mut elements = Vec::new();
        loop {
            let at = self.token().span.start;
            let ty = self.ty();
            let name = self.is_name_at(self.at).then(|| self.next().span);
            elements.push(self.finish(NodeKind::TupleElement { ty, name }, at));
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")");
        self.finish(NodeKind::TupleType(elements.into()), start)
    }

    /// `A.B<C>`
    fn type_name(&mut self) -> NodeId {
        let start = self.token().span.start;
        if self.token().kind == Kind::NamedValue {
            self.next();
            return self.finish(NodeKind::NamedValue, start);
        }
        let name = self.next().span;
        if self.is("::") && self.is_name_at(self.at + 1) {
            self.next();
            let inner = self.type_name();
            return self.finish(
                NodeKind::Alias {
                    alias: name,
                    name: inner,
                },
                start,
            );
        }
        let types = self.type_arguments();
        let mut id = self.finish(NodeKind::Name { name, types }, start);
        while self.is(".") {
            self.next();
            let Some(name) = self.identifier() else {
                return id;
            };
            let types = self.type_arguments();
            id = self.finish(
                NodeKind::Member {
                    target: id,
                    name,
                    types,
                },
                start,
            );
        }
        id
    }

    /// `<T, U>` when it stands here.
    pub(super) fn type_arguments(&mut self) -> Option<List> {
        if !self.is("<") {
            return None;
        }
        self.next();
        let mut types = Vec::new();
        loop {
            if self.is(",") || self.is(">") {
                let at = self.token().span.start;
                types.push(self.finish(NodeKind::OmittedType, at));
            } else {
                types.push(self.ty());
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect(">");
        Some(types.into())
    }
}
