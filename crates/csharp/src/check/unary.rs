//! Operators with one operand, and assignments.

use super::Checker;
use super::hierarchy::Numeric;
use super::scope::LocalKind;
use super::types::Ty;
use super::value::{Const, Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{AssignOp, NodeId, NodeKind, UnaryOp};

impl Checker<'_> {
    pub(super) fn unary(&mut self, node: NodeId, op: UnaryOp, operand: NodeId) -> Value {
        let value = self.value(operand);
        let value = self.readable(value);
        let span = self.tree.span(node);
        if value.is_unknown() {
            return Value::new(Ty::UNKNOWN, node);
        }
        if matches!(op, UnaryOp::AddressOf | UnaryOp::Dereference) {
            self.error(
                Code::PointerContext,
                span,
                "policy expressions cannot use pointers",
            );
            return Value::unknown(node);
        }
        if value.ty == Ty::DYNAMIC {
            return Value::new(Ty::DYNAMIC, node);
        }
        if matches!(
            op,
            UnaryOp::PreIncrement
                | UnaryOp::PreDecrement
                | UnaryOp::PostIncrement
                | UnaryOp::PostDecrement
        ) {
            return self.increment(node, op, &value);
        }
        let bare = self.types.bare(value.ty);
        let lifted = bare != value.ty;
        let numeric = Numeric::of(bare);
        let ty = match (op, numeric) {
            (UnaryOp::Not, _) => (bare == Ty::BOOL).then_some(Ty::BOOL),
            (UnaryOp::Plus, Some(n)) => Some(if n < Numeric::Int { Ty::INT } else { n.ty() }),
            (UnaryOp::Minus, Some(Numeric::ULong)) => {
                self.is_smallest_long(operand).then_some(Ty::LONG)
            }
            (UnaryOp::Minus, Some(Numeric::UInt)) => Some(if self.is_smallest_int(operand) {
                Ty::INT
            } else {
                Ty::LONG
            }),
            (UnaryOp::Minus, Some(n)) => Some(if n < Numeric::Int { Ty::INT } else { n.ty() }),
            (UnaryOp::Complement, Some(n)) if n.is_whole() => {
                Some(if n < Numeric::Int { Ty::INT } else { n.ty() })
            }
            (UnaryOp::Complement, _) if self.types.is_enum(bare) => Some(bare),
            (UnaryOp::Minus | UnaryOp::Plus, _)
                if self.types.def(bare) == Some(super::known::KNOWN.time_span) =>
            {
                Some(bare)
            }
            _ => None,
        };
        let has_type = value.has_type();
        let Some(ty) = ty.filter(|_| has_type) else {
            let shown = match value.what {
                What::Null => "null".to_owned(),
                What::Nothing => "void".to_owned(),
                _ => self.show(value.ty),
            };
            let message = format!("`{}` does not take a `{shown}`", op.text());
            let help = if value.ty == Ty::OBJECT && op == UnaryOp::Not {
                "cast it: `!(bool)x`"
            } else {
                ""
            };
            self.report(Problem::new(Code::UnaryTypes, span, message).help(help));
            return Value::new(
                if op == UnaryOp::Not {
                    Ty::BOOL
                } else {
                    Ty::UNKNOWN
                },
                node,
            );
        };
        let mut result = Value::new(if lifted { self.types.nullable(ty) } else { ty }, node);
        result.constant = match (op, &value.constant) {
            (UnaryOp::Not, Some(Const::Bool(b))) => Some(Const::Bool(!b)),
            (UnaryOp::Plus, Some(c)) => Some(c.clone()),
            (UnaryOp::Minus, Some(Const::Int(n))) => {
                let n = -*n;
                let range = Numeric::of(ty).and_then(Numeric::range);
                if range.is_some_and(|(low, high)| n < low || n > high) && !self.is_unchecked() {
                    let message = format!(
                        "this computes a constant that a `{}` cannot hold",
                        self.show(ty)
                    );
                    self.error(Code::Overflow, span, message);
                }
                Some(Const::Int(n))
            }
            (UnaryOp::Minus, Some(Const::Real(r))) => Some(Const::Real(-r)),
            (UnaryOp::Complement, Some(Const::Int(n))) => {
                Some(match Numeric::of(ty).and_then(Numeric::range) {
                    Some((0, high)) => Const::Int(high - *n),
                    _ => Const::Int(!*n),
                })
            }
            (_, Some(_)) => Some(Const::Some),
            _ => None,
        };
        result
    }

    /// `-2147483648` is an `int` though its digits are not.
    fn is_smallest_int(&self, operand: NodeId) -> bool {
        matches!(self.tree.kind(operand), NodeKind::Number(_))
            && self.tree.span(operand).of(self.tree.text()) == "2147483648"
    }

    fn is_smallest_long(&self, operand: NodeId) -> bool {
        let text = self.tree.span(operand).of(self.tree.text());
        matches!(self.tree.kind(operand), NodeKind::Number(_))
            && text.trim_end_matches(['l', 'L']) == "9223372036854775808"
    }

    fn increment(&mut self, node: NodeId, op: UnaryOp, value: &Value) -> Value {
        let span = self.tree.span(value.node);
        match value.what {
            What::Variable => {}
            What::ReadOnly(code) => self.not_writable(code, value),
            _ => {
                let message = format!("`{}` changes a variable, and this is none", op.text());
                self.error(Code::IncrementTarget, span, message);
                return Value::new(value.ty, node);
            }
        }
        let bare = self.types.bare(value.ty);
        if Numeric::of(bare).is_none() && !self.types.is_enum(bare) && value.ty != Ty::UNKNOWN {
            let message = format!("`{}` does not take a `{}`", op.text(), self.show(value.ty));
            self.error(Code::UnaryTypes, self.tree.span(node), message);
        }
        Value::new(value.ty, node)
    }

    pub(super) fn not_writable(&mut self, code: Code, value: &Value) {
        let span = self.name_span(value.node);
        let text: String = span.of(self.tree.text()).chars().take(60).collect();
        let (message, help) = match code {
            Code::ReadOnlyProperty if self.is_element(value.node) => (
                "this element can be read only".to_owned(),
                "policy expressions do not write context; <set-variable>, <set-header> and their like do",
            ),
            Code::ReadOnlyProperty => (
                format!("`{text}` can be read only"),
                "policy expressions do not write context; <set-variable>, <set-header> and their like do. To compare, write `==`",
            ),
            Code::ReadOnlyLoop => (
                format!("`{text}` is the variable of a loop and cannot be written"),
                "use a variable of your own",
            ),
            Code::NotAssignable => (format!("`{text}` is a constant"), ""),
            _ => (format!("`{text}` can be read only"), ""),
        };
        self.report(Problem::new(code, span, message).help(help));
    }

    fn is_element(&self, node: NodeId) -> bool {
        matches!(
            self.tree.kind(node),
            NodeKind::Element { .. } | NodeKind::ElementOf { .. }
        )
    }

    pub(super) fn assignment(
        &mut self,
        node: NodeId,
        op: AssignOp,
        at: Span,
        target: NodeId,
        source: NodeId,
    ) -> Value {
        if op.is_none() {
            match *self.tree.kind(target) {
                NodeKind::Name { name, types: None }
                    if name.of(self.tree.text()) == "_" && self.scopes.find("_").is_none() =>
                {
                    let value = self.value(source);
                    let value = self.typed(value);
                    return Value::new(value.ty, node);
                }
                NodeKind::Tuple(_) | NodeKind::Declaration { .. } => {
                    let value = self.value(source);
                    let value = self.typed(value);
                    self.deconstruct(target, &value);
                    return Value::new(value.ty, node);
                }
                _ => {}
            }
        }
        let left = self.value(target);
        let left = if left.is_value() {
            left
        } else {
            self.not_a_variable(&left)
        };
        let right = self.value(source);
        match left.what {
            What::Variable => {}
            What::ReadOnly(code) => self.not_writable(code, &left),
            _ if matches!(self.tree.kind(target), NodeKind::Conditional { .. }) => {
                let message = "an assignment behind `?.` needs C# 14; policy expressions are C# 7";
                self.report(
                    Problem::new(Code::LanguageVersion, at, message)
                        .help("test for null with `if`"),
                );
            }
            _ => {
                let span = self.tree.span(target);
                let message = "only a variable, a property or an element can stand before `=`";
                self.report(
                    Problem::new(Code::NotAssignable, span, message).help("to compare, write `==`"),
                );
            }
        }
        if left.is_unknown() || left.ty == Ty::DYNAMIC {
            if let What::Lambda = right.what {
                self.abandon_lambda(right.node);
            }
            return Value::new(left.ty, node);
        }
        match op {
            None => self.convert(&right, left.ty),
            Some(op) => {
                let result = self.binary(node, op, at, left.clone(), right.clone());
                let back = self.converts(&result, left.ty);
                let cast = !back && self.converts(&right, left.ty) && self.casts(&result, left.ty);
                if !result.is_unknown() && !back && !cast {
                    self.no_conversion(&result, left.ty);
                }
            }
        }
        Value::new(left.ty, node)
    }

    /// A type, namespace or method before `=`.
    fn not_a_variable(&mut self, value: &Value) -> Value {
        let span = self.name_span(value.node);
        let code = match value.what {
            What::Group(_) => Code::ReadOnlyLoop,
            _ => Code::WrongKind,
        };
        let text: String = span.of(self.tree.text()).chars().take(60).collect();
        let message = format!("`{text}` is no variable, so nothing can be assigned to it");
        self.error(code, span, message);
        Value::unknown(value.node)
    }

    pub(super) fn fix_local(&mut self, span: Span, ty: Ty, what: &'static str) {
        self.settle(span, ty, LocalKind::Fixed(what));
    }
}
