//! `??`, and operators that do not take their operands.

use super::Checker;
use super::operators::is_comparison;
use super::types::Ty;
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{BinaryOp, NodeId};

impl Checker<'_> {
    /// Whether references of the two types can be equal.
    pub(super) fn comparable(&mut self, left: &Value, right: &Value) -> bool {
        if let (What::Tuple(a), What::Tuple(b)) = (&left.what, &right.what) {
            return a.len() == b.len();
        }
        let (a, b) = (left.ty, right.ty);
        let nothing = |value: &Value| matches!(value.what, What::Null | What::Default);
        if nothing(left) && nothing(right) {
            return matches!(left.what, What::Null) || matches!(right.what, What::Null);
        }
        let null_fits = |checker: &Self, ty: Ty| {
            !checker.types.is_value_type(ty) || checker.types.nullable_of(ty).is_some()
        };
        if matches!(left.what, What::Null) {
            return null_fits(self, b);
        }
        if matches!(right.what, What::Null) {
            return null_fits(self, a);
        }
        if let (super::types::Type::Tuple(x, _), super::types::Type::Tuple(y, _)) =
            (self.types.get(a), self.types.get(b))
        {
            return x.len() == y.len();
        }
        if self.types.is_opaque(a) || self.types.is_opaque(b) {
            return true;
        }
        if matches!(left.what, What::Default) || matches!(right.what, What::Default) {
            return true;
        }
        if self.types.is_value_type(a) || self.types.is_value_type(b) {
            return false;
        }
        self.reference_cast(a, b) || self.reference_cast(b, a)
    }

    pub(super) fn wrong_operands(
        &mut self,
        op: BinaryOp,
        at: Span,
        span: Span,
        left: &Value,
        right: &Value,
    ) {
        let shown = |checker: &Self, value: &Value| match value.what {
            What::Nothing => "void".to_owned(),
            What::Lambda => "lambda".to_owned(),
            What::Default => "default".to_owned(),
            What::Null => "null".to_owned(),
            _ => checker.show(value.ty),
        };
        let (a, b) = (shown(self, left), shown(self, right));
        let text = op.text();
        let help = if (left.ty == Ty::OBJECT) != (right.ty == Ty::OBJECT) {
            let other = if left.ty == Ty::OBJECT { &b } else { &a };
            format!("cast the object: `({other})x`")
        } else if (left.ty == Ty::STRING) != (right.ty == Ty::STRING) && is_comparison(op) {
            "compare two texts, or two numbers: `int.Parse(x)`, `x.ToString()`".to_owned()
        } else if left.ty == Ty::STRING && right.ty == Ty::STRING && is_comparison(op) {
            "texts have an order only by string.Compare".to_owned()
        } else if self.types.derives(left.ty, super::known::KNOWN.token)
            || self.types.derives(right.ty, super::known::KNOWN.token)
        {
            "cast the token to the type that it holds: `(int)token`".to_owned()
        } else {
            String::new()
        };
        // The operator alone when the operands are on several lines.
        let place = if span.of(self.tree.text()).contains('\n') {
            at
        } else {
            span
        };
        let message = format!("`{text}` does not take `{a}` and `{b}`");
        self.report(Problem::new(Code::OperatorTypes, place, message).help(help));
    }

    pub(super) fn coalesce(&mut self, node: NodeId, left: &Value, right: &Value) -> Value {
        if left.is_unknown() {
            return Value::new(Ty::UNKNOWN, node);
        }
        let span = self.tree.span(node);
        let inner = self.types.nullable_of(left.ty);
        let untyped = !left.has_type();
        let value = self.types.is_value_type(left.ty) && inner.is_none();
        if untyped && !matches!(left.what, What::Tuple(_)) || value {
            if matches!(left.what, What::Null) && right.has_type() && self.converts(left, right.ty)
            {
                return Value::new(right.ty, node);
            }
            self.wrong_operands(BinaryOp::Coalesce, span, span, left, right);
            return Value::new(
                if right.has_type() {
                    right.ty
                } else {
                    Ty::UNKNOWN
                },
                node,
            );
        }
        if left.ty == Ty::DYNAMIC || right.ty == Ty::DYNAMIC {
            return Value::new(Ty::DYNAMIC, node);
        }
        if let Some(inner) = inner
            && self.converts(right, inner)
        {
            return Value::new(
                if right.is_unknown() {
                    Ty::UNKNOWN
                } else {
                    inner
                },
                node,
            );
        }
        if right.is_unknown() {
            return Value::new(Ty::UNKNOWN, node);
        }
        if self.converts(right, left.ty) {
            self.convert(right, left.ty);
            return Value::new(left.ty, node);
        }
        if right.has_type() {
            let from = Value::new(inner.unwrap_or(left.ty), left.node);
            if self.converts(&from, right.ty) {
                return Value::new(right.ty, node);
            }
        }
        self.wrong_operands(BinaryOp::Coalesce, span, span, left, right);
        Value::new(left.ty, node)
    }
}
