//! Operators with two operands.

use super::Checker;
use super::arguments::Arg;
use super::hierarchy::Numeric;
use super::overload::Choice;
use super::types::Ty;
use super::value::{Const, Method, Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::table::{MemberKind, TABLE};
use crate::tree::{BinaryOp, NodeId, NodeKind};

/// The name that a type gives an operator.
fn operator_name(op: BinaryOp) -> Option<&'static str> {
    use BinaryOp as B;
    Some(match op {
        B::Multiply => "Multiply",
        B::Divide => "Division",
        B::Remainder => "Modulus",
        B::Add => "Addition",
        B::Subtract => "Subtraction",
        B::ShiftLeft => "LeftShift",
        B::ShiftRight => "RightShift",
        B::Less => "LessThan",
        B::Greater => "GreaterThan",
        B::LessOrEqual => "LessThanOrEqual",
        B::GreaterOrEqual => "GreaterThanOrEqual",
        B::Equal => "Equality",
        B::NotEqual => "Inequality",
        B::And => "BitwiseAnd",
        B::Xor => "ExclusiveOr",
        B::Or => "BitwiseOr",
        B::ConditionalAnd | B::ConditionalOr | B::Coalesce => return None,
    })
}

pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp as B;
    matches!(
        op,
        B::Less | B::Greater | B::LessOrEqual | B::GreaterOrEqual | B::Equal | B::NotEqual
    )
}

impl Checker<'_> {
    /// A chain of operators, from its innermost left operand on.
    pub(super) fn binary_chain(&mut self, node: NodeId) -> Value {
        let mut chain = Vec::new();
        let mut at = node;
        while let NodeKind::Binary {
            op,
            left,
            right,
            at: place,
        } = *self.tree.kind(at)
        {
            chain.push((at, op, right, place));
            at = left;
        }
        let mut left = self.value(at);
        for (node, op, right, place) in chain.into_iter().rev() {
            if !self.step(1) {
                return Value::unknown(node);
            }
            let right = self.value(right);
            left = self.binary(node, op, place, left, right);
            self.note_type(node, left.ty);
            self.note_condition(node, left.constant.as_ref());
        }
        left
    }

    pub(super) fn binary(
        &mut self,
        node: NodeId,
        op: BinaryOp,
        at: Span,
        left: Value,
        right: Value,
    ) -> Value {
        let (left, right) = (self.operand(left), self.operand(right));
        let span = self.tree.span(node);
        if op == BinaryOp::Coalesce {
            return self.coalesce(node, &left, &right);
        }
        let truth =
            is_comparison(op) || matches!(op, BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr);
        let broken = |v: &Value| {
            matches!(
                v.what,
                What::Nothing | What::Lambda | What::Throw | What::OutVar
            )
        };
        if broken(&left) || broken(&right) {
            self.wrong_operands(op, at, span, &left, &right);
            return Value::new(if truth { Ty::BOOL } else { Ty::UNKNOWN }, node);
        }
        if left.is_unknown() || right.is_unknown() {
            // A type may define any operator, and its result.
            return Value::new(Ty::UNKNOWN, node);
        }
        if left.ty == Ty::DYNAMIC || right.ty == Ty::DYNAMIC {
            return Value::new(Ty::DYNAMIC, node);
        }
        let result = match op {
            BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr => (self.converts(&left, Ty::BOOL)
                && self.converts(&right, Ty::BOOL))
            .then_some((Ty::BOOL, Ty::BOOL)),
            _ => self.operator_type(op, &left, &right, span),
        };
        let Some((ty, operands)) = result else {
            self.wrong_operands(op, at, span, &left, &right);
            let guess = if truth {
                Ty::BOOL
            } else if op == BinaryOp::Add && (left.ty == Ty::STRING || right.ty == Ty::STRING) {
                Ty::STRING
            } else {
                Ty::UNKNOWN
            };
            return Value::new(guess, node);
        };
        self.practice_binary(node, op, &left, &right, at);
        let mut value = Value::new(ty, node);
        if let (Some(a), Some(b)) = (&left.constant, &right.constant) {
            let (a, b) = (a.clone(), b.clone());
            let known = ty == Ty::STRING
                && (left.ty != Ty::STRING && left.ty != Ty::NULL
                    || right.ty != Ty::STRING && right.ty != Ty::NULL);
            if !known {
                value.constant = self.fold(op, &a, &b, operands, span);
            }
        }
        value
    }

    /// A method or type is no operand.
    fn operand(&mut self, value: Value) -> Value {
        if value.is_value() {
            value
        } else {
            self.readable(value)
        }
    }

    /// The result type, and the type in which operands are computed.
    fn operator_type(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Option<(Ty, Ty)> {
        let (a, b) = (self.types.bare(left.ty), self.types.bare(right.ty));
        let lifted = a != left.ty || b != right.ty || left.ty == Ty::NULL || right.ty == Ty::NULL;
        let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
        // Numbers.
        let (x, y) = (Numeric::of(a), Numeric::of(b));
        if (x.is_some() || left.ty == Ty::NULL)
            && (y.is_some() || right.ty == Ty::NULL)
            && (x.is_some() || y.is_some())
        {
            let (x, y) = (x.or(y)?, y.or(x)?);
            return self.numeric(op, x, y, left, right, lifted, span);
        }
        if let Some(ty) = self.enum_operator(op, left, right, a, b, lifted) {
            return Some((ty, a));
        }
        // Truth values.
        let is_bool = |ty: Ty| ty == Ty::BOOL || ty == Ty::NULL;
        if is_bool(a) && is_bool(b) && (a == Ty::BOOL || b == Ty::BOOL) {
            return match op {
                BinaryOp::Equal | BinaryOp::NotEqual => Some((Ty::BOOL, Ty::BOOL)),
                BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => Some((
                    if lifted {
                        self.types.nullable(Ty::BOOL)
                    } else {
                        Ty::BOOL
                    },
                    Ty::BOOL,
                )),
                _ => None,
            };
        }
        let texts = left.ty == Ty::STRING && right.ty == Ty::STRING;
        if !texts && let Some(ty) = self.user_operator(op, left, right, lifted) {
            return Some((ty, ty));
        }
        if op == BinaryOp::Add && (left.ty == Ty::STRING || right.ty == Ty::STRING) {
            return Some((Ty::STRING, Ty::STRING));
        }
        let null = |value: &Value| matches!(value.what, What::Null);
        if op == BinaryOp::Add
            && (null(left) || null(right))
            && left.ty != right.ty
            && !self.types.is_delegate(a)
            && !self.types.is_delegate(b)
        {
            // `null` is a text here: anything and a text make a text.
            return Some((Ty::STRING, Ty::STRING));
        }
        if matches!(op, BinaryOp::Add | BinaryOp::Subtract)
            && self.types.is_delegate(a)
            && self.converts(right, left.ty)
        {
            return Some((left.ty, left.ty));
        }
        if equality && self.comparable(left, right) {
            return Some((Ty::BOOL, Ty::OBJECT));
        }
        None
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "both operands, as types and as values"
    )]
    fn numeric(
        &mut self,
        op: BinaryOp,
        x: Numeric,
        y: Numeric,
        left: &Value,
        right: &Value,
        lifted: bool,
        span: Span,
    ) -> Option<(Ty, Ty)> {
        use BinaryOp as B;
        if matches!(op, B::ShiftLeft | B::ShiftRight) {
            let count = y.is_whole() && y.widens_to(Numeric::Int);
            if !x.is_whole() || !count {
                return None;
            }
            let ty = if x < Numeric::Int { Ty::INT } else { x.ty() };
            return Some((if lifted { self.types.nullable(ty) } else { ty }, ty));
        }
        let common = self.promoted(x, y, left, right, op, span)?;
        if common == Ty::UNKNOWN {
            return Some((
                if is_comparison(op) {
                    Ty::BOOL
                } else {
                    Ty::UNKNOWN
                },
                Ty::UNKNOWN,
            ));
        }
        if is_comparison(op) {
            return Some((Ty::BOOL, common));
        }
        let whole = Numeric::of(common).is_some_and(Numeric::is_whole);
        if matches!(op, B::And | B::Or | B::Xor) && !whole {
            return None;
        }
        Some((
            if lifted {
                self.types.nullable(common)
            } else {
                common
            },
            common,
        ))
    }

    /// The type in which two numbers are computed.
    fn promoted(
        &mut self,
        x: Numeric,
        y: Numeric,
        left: &Value,
        right: &Value,
        op: BinaryOp,
        span: Span,
    ) -> Option<Ty> {
        use Numeric as N;
        let either = |n: N| x == n || y == n;
        if either(N::Decimal) {
            return (!either(N::Float) && !either(N::Double)).then_some(Ty::DECIMAL);
        }
        if either(N::Double) {
            return Some(Ty::DOUBLE);
        }
        if either(N::Float) {
            return Some(Ty::FLOAT);
        }
        if either(N::ULong) {
            let (other, value) = if x == N::ULong { (y, right) } else { (x, left) };
            let signed = matches!(other, N::SByte | N::Short | N::Int | N::Long);
            let positive = matches!(value.constant, Some(Const::Int(n)) if n >= 0);
            if signed && !positive {
                if op != BinaryOp::Coalesce {
                    let message = format!(
                        "`{}` fits no type of both `ulong` and `{}`",
                        op.text(),
                        self.show(other.ty())
                    );
                    self.report(
                        Problem::new(Code::AmbiguousOperator, span, message)
                            .help("cast one of the two"),
                    );
                }
                return Some(Ty::UNKNOWN);
            }
            return Some(Ty::ULONG);
        }
        if either(N::Long) {
            return Some(Ty::LONG);
        }
        if either(N::UInt) {
            let (other, value) = if x == N::UInt { (y, right) } else { (x, left) };
            let signed = matches!(other, N::SByte | N::Short | N::Int);
            let positive = matches!(value.constant, Some(Const::Int(n)) if n >= 0);
            return Some(if signed && !positive {
                Ty::LONG
            } else {
                Ty::UINT
            });
        }
        Some(Ty::INT)
    }

    fn enum_operator(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
        a: Ty,
        b: Ty,
        lifted: bool,
    ) -> Option<Ty> {
        use BinaryOp as B;
        let (x, y) = (self.types.is_enum(a), self.types.is_enum(b));
        if !x && !y {
            return None;
        }
        let same = a == b
            || left.ty == Ty::NULL
            || right.ty == Ty::NULL
            || x && self.converts(right, a)
            || y && self.converts(left, b);
        let own = if x { a } else { b };
        let whole = |ty: Ty| Numeric::of(ty).is_some_and(|n| n.widens_to(Numeric::Int));
        let result = match op {
            _ if is_comparison(op) => return same.then_some(Ty::BOOL),
            B::And | B::Or | B::Xor if same => own,
            B::Subtract if x && y && a == b => Ty::INT,
            B::Add if x && whole(b) || y && whole(a) => own,
            B::Subtract if x && whole(b) => own,
            B::Add | B::Subtract if left.ty == Ty::NULL || right.ty == Ty::NULL => {
                return Some(Ty::UNKNOWN);
            }
            _ => return None,
        };
        Some(if lifted {
            self.types.nullable(result)
        } else {
            result
        })
    }

    /// An operator that one of the two types defines.
    fn user_operator(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
        lifted: bool,
    ) -> Option<Ty> {
        let name = operator_name(op)?;
        let mut methods: Vec<Method> = Vec::new();
        for side in [left.ty, right.ty] {
            let side = self.types.bare(side);
            for owner in self.types.bases(side).iter().copied() {
                let Some(def) = self.types.def(owner) else {
                    continue;
                };
                for (index, member) in TABLE.def(def).named(name) {
                    let method = Method::Member { owner, def, index };
                    if member.kind == MemberKind::Operator && !methods.contains(&method) {
                        methods.push(method);
                    }
                }
            }
        }
        if methods.is_empty() {
            return None;
        }
        let args = [Arg::plain(left.clone()), Arg::plain(right.clone())];
        if let Choice::One(call) = self.choose(&methods, &args, None) {
            return Some(call.result);
        }
        if !lifted {
            return None;
        }
        // The same for nullable operands.
        let bare = |checker: &Self, value: &Value| {
            // `null` may be any of them.
            let ty = if value.ty == Ty::NULL {
                Ty::UNKNOWN
            } else {
                checker.types.bare(value.ty)
            };
            Arg::plain(Value::new(ty, value.node))
        };
        let args = [bare(self, left), bare(self, right)];
        let values = args
            .iter()
            .any(|arg| self.types.is_value_type(arg.value.ty));
        match self.choose(&methods, &args, None) {
            Choice::One(call) if values && call.result == Ty::UNKNOWN => Some(Ty::UNKNOWN),
            Choice::One(call) if values => Some(match is_comparison(op) {
                true => call.result,
                false => self.types.nullable(call.result),
            }),
            _ => None,
        }
    }
}
