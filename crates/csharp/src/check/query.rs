//! Queries. Their clauses are calls of LINQ's methods, and API Management does
//! not look at them.

use super::Checker;
use super::known::KNOWN;
use super::scope::{Local, LocalKind};
use super::types::Ty;
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    pub(super) fn query(&mut self, node: NodeId, clauses: &[NodeId]) -> Value {
        let element = self.scoped(|c| {
            let mut element = Ty::UNKNOWN;
            for clause in clauses {
                element = c.clause(*clause, element);
            }
            element
        });
        if element == Ty::UNKNOWN {
            return Value::new(Ty::UNKNOWN, node);
        }
        let ty = self.types.named(KNOWN.enumerable_of, &[element]);
        Value::new(ty, node)
    }

    /// Reads a clause; the type of the elements behind it.
    fn clause(&mut self, node: NodeId, element: Ty) -> Ty {
        match *self.tree.kind(node) {
            NodeKind::From { ty, name, source } => {
                let ty = self.range(ty, source);
                self.range_variable(name, ty, node);
                ty
            }
            NodeKind::Let { name, value } => {
                let value = self.value(value);
                let value = self.typed(value);
                self.range_variable(name, value.ty, node);
                element
            }
            NodeKind::Where(condition) => {
                self.condition_value(condition);
                element
            }
            NodeKind::Join {
                ty,
                name,
                source,
                left,
                right,
                into,
            } => {
                let ty = self.range(ty, source);
                self.element_value(left);
                self.scoped(|c| {
                    c.range_variable(name, ty, node);
                    c.element_value(right);
                });
                match into {
                    Some(into) => {
                        let group = self.types.named(KNOWN.enumerable_of, &[ty]);
                        self.range_variable(into, group, node);
                    }
                    None => self.range_variable(name, ty, node),
                }
                element
            }
            NodeKind::OrderBy(ref keys) => {
                for key in keys {
                    self.element_value(*key);
                }
                element
            }
            NodeKind::Select(value) => self.element_value(value),
            NodeKind::Group { value, by, .. } => {
                let value = self.element_value(value);
                let key = self.element_value(by);
                self.types.named(KNOWN.grouping, &[key, value])
            }
            NodeKind::Into { name } => {
                self.range_variable(name, element, node);
                element
            }
            _ => element,
        }
    }

    fn element_value(&mut self, node: NodeId) -> Ty {
        let value = self.value(node);
        let value = self.typed(value);
        if matches!(value.what, What::Null) {
            Ty::UNKNOWN
        } else {
            value.ty
        }
    }

    fn range_variable(&mut self, name: Span, ty: Ty, node: NodeId) {
        let kind = LocalKind::Fixed("query");
        self.declare(name, Local::Variable { ty, node, kind });
    }

    /// The elements of a source.
    fn range(&mut self, ty: Option<NodeId>, source: NodeId) -> Ty {
        let declared = ty.map(|ty| self.type_of(ty));
        let value = self.value(source);
        let value = self.typed(value);
        if value.is_unknown() || value.ty == Ty::DYNAMIC || self.types.is_opaque(value.ty) {
            return declared.unwrap_or(Ty::UNKNOWN);
        }
        if let Some(ty) = declared
            && self.types.as_def(value.ty, KNOWN.enumerable).is_some()
        {
            return ty;
        }
        if let Some(found) = self.types.as_def(value.ty, KNOWN.enumerable_of) {
            let element = self.types.arguments(found).first().copied();
            return declared.or(element).unwrap_or(Ty::UNKNOWN);
        }
        let message = format!(
            "a `{}` is no sequence that a query can run over",
            self.show(value.ty)
        );
        self.report(Problem::new(
            Code::QueryPattern,
            self.tree.span(source),
            message,
        ));
        declared.unwrap_or(Ty::UNKNOWN)
    }
}
