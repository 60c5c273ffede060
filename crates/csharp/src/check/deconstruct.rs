//! Values that are taken apart.

use super::Checker;
use super::types::{Ty, Type};
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    /// Takes a value apart: `(a, b) = x`, `var (a, b) = x`.
    pub(super) fn deconstruct(&mut self, target: NodeId, value: &Value) {
        match self.tree.kind(target).clone() {
            NodeKind::Tuple(elements) => {
                let declares = |id: &NodeId| match *self.tree.kind(*id) {
                    NodeKind::Argument { value, .. } => {
                        matches!(self.tree.kind(value), NodeKind::Declaration { .. })
                    }
                    _ => false,
                };
                let count = elements.iter().filter(|id| declares(id)).count();
                if count > 0 && count < elements.len() {
                    let message = "declaring and assigning in one deconstruction needs C# 10; policy expressions are C# 7";
                    self.report(
                        Problem::new(Code::LanguageVersion, self.tree.span(target), message)
                            .help("declare all variables, or none"),
                    );
                }
                let parts = self.parts_of(value, elements.len(), target);
                for (element, part) in elements.iter().zip(parts) {
                    let inner = match *self.tree.kind(*element) {
                        NodeKind::Argument { value, .. } => value,
                        _ => *element,
                    };
                    self.deconstruct_part(inner, &part, value.node);
                }
            }
            NodeKind::Declaration { ty, name } => match self.tree.kind(name).clone() {
                NodeKind::Names(names) => {
                    let parts = self.parts_of(value, names.len(), target);
                    for (name, part) in names.iter().zip(parts) {
                        self.declare_part(*name, part);
                    }
                }
                _ => {
                    let declared = match ty {
                        Some(ty) if !self.is_var(ty) => self.type_of(ty),
                        _ => value.ty,
                    };
                    self.declare_part(name, declared);
                }
            },
            _ => {}
        }
    }

    pub(super) fn declare_part(&mut self, name: NodeId, ty: Ty) {
        match self.tree.kind(name).clone() {
            NodeKind::Local(span) => self.declare_variable(span, ty, name),
            NodeKind::Names(names) => {
                let value = Value::new(ty, name);
                let parts = self.parts_of(&value, names.len(), name);
                for (name, part) in names.iter().zip(parts) {
                    self.declare_part(*name, part);
                }
            }
            _ => {}
        }
    }

    pub(super) fn deconstruct_part(&mut self, target: NodeId, part: &Ty, source: NodeId) {
        match self.tree.kind(target) {
            NodeKind::Tuple(_) | NodeKind::Declaration { .. } => {
                let value = Value::new(*part, source);
                self.deconstruct(target, &value);
            }
            NodeKind::Name { name, types: None }
                if name.of(self.tree.text()) == "_" && self.scopes.find("_").is_none() => {}
            _ => {
                let left = self.value(target);
                match left.what {
                    What::Variable => {}
                    What::ReadOnly(code) => self.not_writable(code, &left),
                    _ => {
                        let message = "only a variable can take a part of the value";
                        self.error(Code::NotAssignable, self.tree.span(target), message);
                    }
                }
                let value = Value::new(*part, source);
                if !left.is_unknown() && !self.converts(&value, left.ty) {
                    self.no_conversion(&value, left.ty);
                }
            }
        }
    }

    /// The types of the parts of a value.
    pub(super) fn parts_of(&mut self, value: &Value, count: usize, target: NodeId) -> Vec<Ty> {
        let types = match self.types.get(value.ty) {
            Type::Tuple(types, _) => types.to_vec(),
            _ => match &value.what {
                What::Tuple(elements) => elements.iter().map(|e| e.ty).collect(),
                _ if value.ty == Ty::UNKNOWN
                    || self.types.is_opaque(value.ty)
                    || value.ty == Ty::DYNAMIC =>
                {
                    vec![Ty::UNKNOWN; count]
                }
                _ => {
                    let message = format!("a `{}` cannot be taken apart", self.show(value.ty));
                    self.error(Code::Deconstruction, self.tree.span(value.node), message);
                    return vec![Ty::UNKNOWN; count];
                }
            },
        };
        if types.len() != count {
            let message = format!(
                "the value has {} parts, and {count} names stand here",
                types.len()
            );
            self.error(Code::Deconstruction, self.tree.span(target), message);
            return vec![Ty::UNKNOWN; count];
        }
        types
    }
}
