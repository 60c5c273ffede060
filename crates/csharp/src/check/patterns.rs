//! Patterns behind `is` and `case`.

use super::Checker;
use super::types::Ty;
use super::value::{Value, What};
use crate::problem::{Code, Evidence, Problem};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    /// Reads a pattern that `value` is held against. Gives the constant, when
    /// it is one.
    pub(super) fn pattern(&mut self, node: NodeId, value: &Value) -> Option<Value> {
        let span = self.tree.span(node);
        match *self.tree.kind(node) {
            NodeKind::ConstantPattern(inner) => {
                let bound = self.value(inner);
                if let What::Type = bound.what {
                    self.note_type(node, bound.ty);
                    self.type_pattern(value, bound.ty, node, false);
                    return None;
                }
                let bound = match bound.what {
                    What::Null | What::Default => bound,
                    _ => self.typed(bound),
                };
                if bound.is_unknown() {
                    return None;
                }
                if bound.constant.is_none() && !matches!(bound.what, What::Default) {
                    let message = "a pattern holds a constant or a type, and this is neither";
                    self.report(
                        Problem::new(Code::NotConstant, span, message).help("compare with `==`"),
                    );
                    return None;
                }
                let open = value.ty == Ty::OBJECT
                    || value.is_unknown()
                    || value.ty == Ty::DYNAMIC
                    || matches!(value.what, What::Null);
                if !open {
                    if self.converts(&bound, value.ty) {
                        return Some(bound);
                    }
                    let boxed = bound.has_type() && self.reference(bound.ty, value.ty);
                    if !boxed {
                        self.no_conversion(&bound, value.ty);
                    }
                }
                Some(bound)
            }
            NodeKind::DeclarationPattern { ty, name } => {
                let declared = if self.is_var(ty) {
                    value.ty
                } else {
                    self.type_of(ty)
                };
                if let NodeKind::Local(span) = *self.tree.kind(name) {
                    self.declare_variable(span, declared, name);
                }
                self.type_pattern(value, declared, ty, true);
                None
            }
            NodeKind::VarPattern(name) => {
                match *self.tree.kind(name) {
                    NodeKind::Local(span) => self.declare_variable(span, value.ty, name),
                    NodeKind::Names(_) => {
                        let message = "a tuple pattern needs C# 8; policy expressions are C# 7";
                        self.error(Code::LanguageVersion, span, message);
                    }
                    _ => {}
                }
                None
            }
            NodeKind::LaterPattern | NodeKind::Missing | NodeKind::Parenthesized(_) => None,
            _ => {
                let ty = self.type_of(node);
                self.type_pattern(value, ty, node, false);
                None
            }
        }
    }

    /// Whether the value can be of that type at all. A plain `is T` that cannot
    /// hold is a warning of the compiler only.
    fn type_pattern(&mut self, value: &Value, ty: Ty, node: NodeId, declares: bool) {
        let span = self.tree.span(node);
        self.refuse_static(ty, span);
        if ty == Ty::UNKNOWN || value.is_unknown() {
            return;
        }
        if !declares {
            if value.ty != Ty::NULL && !self.as_converts(value.ty, ty) {
                let message = format!(
                    "a `{}` is never a `{}`, so this is never true",
                    self.show(value.ty),
                    self.show(ty)
                );
                let problem = Problem::new(Code::NeverOfType, span, message);
                self.report(problem.evidence(Evidence::Practice).warning());
            }
            return;
        }
        if value.ty == Ty::NULL {
            let message = "`null` has no type that a pattern could name";
            self.error(Code::PatternNull, self.tree.span(value.node), message);
        } else if self.types.nullable_of(ty).is_some() {
            let message = format!(
                "a pattern never gives null; write `{}`",
                self.show(self.types.bare(ty))
            );
            self.error(Code::PatternType, span, message);
        } else if !(self.standard_cast(value.ty, ty) && self.as_converts(value.ty, ty)) {
            let message = format!(
                "a `{}` can never be a `{}`",
                self.show(value.ty),
                self.show(ty)
            );
            self.error(Code::PatternType, span, message);
        }
    }
}
