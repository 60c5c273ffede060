//! Values that are known while compiling.

use super::Checker;
use super::hierarchy::Numeric;
use super::types::Ty;
use super::value::{Const, Value};
use crate::lexer::{Number, character_value, number_value, string_value};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{BinaryOp, NodeId};
use std::rc::Rc;

/// The longest text that is put together while compiling.
const LONGEST: usize = 1 << 10;

impl Checker<'_> {
    pub(super) fn number(&mut self, node: NodeId, number: Number) -> Value {
        let text = self.tree.span(node).of(self.tree.text());
        let (whole, real) = number_value(text);
        let n = whole.unwrap_or(0);
        let ty = match number {
            Number::Float => return Value::constant(Ty::FLOAT, Const::Real(real), node),
            Number::Double => return Value::constant(Ty::DOUBLE, Const::Real(real), node),
            Number::Decimal => return Value::constant(Ty::DECIMAL, Const::Real(real), node),
            Number::Int if i32::try_from(n).is_ok() => Ty::INT,
            Number::Int | Number::Unsigned if u32::try_from(n).is_ok() => Ty::UINT,
            Number::Int | Number::Long if i64::try_from(n).is_ok() => Ty::LONG,
            _ => Ty::ULONG,
        };
        Value::constant(ty, Const::Int(i128::from(n)), node)
    }

    pub(super) fn character(&mut self, node: NodeId) -> Value {
        let text = self.tree.span(node).of(self.tree.text());
        let code = character_value(text).map_or(0, u32::from);
        Value::constant(Ty::CHAR, Const::Int(i128::from(code)), node)
    }

    pub(super) fn text(&mut self, node: NodeId) -> Value {
        let text = self.tree.span(node).of(self.tree.text());
        let value = string_value(text);
        let constant = if value.len() > LONGEST || value.contains("{{") {
            Const::Some
        } else {
            Const::Text(value.into())
        };
        Value::constant(Ty::STRING, constant, node)
    }

    /// A constant in another type. `explicit`: a cast, which reports what does
    /// not fit.
    pub(super) fn constant_as(&mut self, value: &Value, to: Ty, explicit: bool) -> Option<Const> {
        let constant = value.constant.as_ref()?;
        let target = if self.types.is_enum(to) {
            Some(Numeric::Long)
        } else {
            Numeric::of(to)
        };
        match (constant, target) {
            (Const::Int(n), Some(numeric)) => match numeric.range() {
                Some((low, high)) if *n < low || *n > high => {
                    if explicit && !self.is_unchecked() {
                        self.out_of_range(value.node, to);
                    }
                    Some(Const::Some)
                }
                Some(_) => Some(Const::Int(*n)),
                None => Some(Const::Real(*n as f64)),
            },
            (Const::Real(real), Some(numeric)) => match numeric.range() {
                Some((low, high)) => {
                    let whole = real.trunc();
                    if whole < low as f64 || whole > high as f64 || whole.is_nan() {
                        if explicit && !self.is_unchecked() {
                            self.out_of_range(value.node, to);
                        }
                        return Some(Const::Some);
                    }
                    Some(Const::Int(whole as i128))
                }
                None => Some(Const::Real(*real)),
            },
            (Const::Some, Some(_)) => Some(Const::Some),
            (Const::Bool(_), _) if to == Ty::BOOL => Some(constant.clone()),
            (Const::Text(_) | Const::Some, _) if to == Ty::STRING => Some(constant.clone()),
            (Const::Null, _) if self.types.is_reference_type(to) => Some(Const::Null),
            _ => None,
        }
    }

    fn out_of_range(&mut self, node: NodeId, to: Ty) {
        let span = self.tree.span(node);
        let message = format!("this constant is out of the range of `{}`", self.show(to));
        let help = "write `unchecked(...)` around it if its lower bits are meant";
        self.report(Problem::new(Code::ConstantRange, span, message).help(help));
    }

    /// Two constants and an operator.
    pub(super) fn fold(
        &mut self,
        op: BinaryOp,
        left: &Const,
        right: &Const,
        ty: Ty,
        span: Span,
    ) -> Option<Const> {
        use BinaryOp as B;
        match (left, right) {
            (Const::Bool(a), Const::Bool(b)) => Some(Const::Bool(match op {
                B::ConditionalAnd | B::And => a & b,
                B::ConditionalOr | B::Or => a | b,
                B::Xor | B::NotEqual => a ^ b,
                B::Equal => a == b,
                _ => return None,
            })),
            (Const::Text(a), Const::Text(b)) => match op {
                B::Add if a.len() + b.len() <= LONGEST => {
                    if !self.step(((a.len() + b.len()) / 64) as u64) {
                        return Some(Const::Some);
                    }
                    Some(Const::Text(Rc::from(format!("{a}{b}"))))
                }
                B::Add => Some(Const::Some),
                B::Equal => Some(Const::Bool(a == b)),
                B::NotEqual => Some(Const::Bool(a != b)),
                _ => None,
            },
            (Const::Int(a), Const::Int(b)) => self.fold_whole(op, *a, *b, ty, span),
            (Const::Real(_) | Const::Int(_), Const::Real(_) | Const::Int(_)) => {
                let real = |c: &Const| match c {
                    Const::Real(r) => *r,
                    Const::Int(n) => *n as f64,
                    _ => f64::NAN,
                };
                let (a, b) = (real(left), real(right));
                Some(match op {
                    B::Add => Const::Real(a + b),
                    B::Subtract => Const::Real(a - b),
                    B::Multiply => Const::Real(a * b),
                    B::Divide if ty == Ty::DECIMAL && b == 0.0 => {
                        self.division_by_zero(span);
                        Const::Some
                    }
                    B::Divide => Const::Real(a / b),
                    B::Remainder => Const::Real(a % b),
                    B::Less => Const::Bool(a < b),
                    B::Greater => Const::Bool(a > b),
                    B::LessOrEqual => Const::Bool(a <= b),
                    B::GreaterOrEqual => Const::Bool(a >= b),
                    B::Equal => Const::Bool(a == b),
                    B::NotEqual => Const::Bool(a != b),
                    _ => return None,
                })
            }
            (Const::Null, Const::Null) => match op {
                B::Equal => Some(Const::Bool(true)),
                B::NotEqual => Some(Const::Bool(false)),
                _ => None,
            },
            (Const::Text(_), Const::Null) | (Const::Null, Const::Text(_)) => match op {
                B::Equal => Some(Const::Bool(false)),
                B::NotEqual => Some(Const::Bool(true)),
                B::Add => Some(Const::Some),
                _ => None,
            },
            (Const::Some, _) | (_, Const::Some) => Some(Const::Some),
            _ => None,
        }
    }

    fn fold_whole(&mut self, op: BinaryOp, a: i128, b: i128, ty: Ty, span: Span) -> Option<Const> {
        use BinaryOp as B;
        let result = match op {
            B::Add => a + b,
            B::Subtract => a - b,
            B::Multiply => a.checked_mul(b)?,
            B::Divide | B::Remainder => {
                if b == 0 {
                    self.division_by_zero(span);
                    return Some(Const::Some);
                }
                if op == B::Divide { a / b } else { a % b }
            }
            B::ShiftLeft | B::ShiftRight => {
                let wide = matches!(ty, Ty::LONG | Ty::ULONG);
                let count = u32::try_from(b & if wide { 63 } else { 31 }).unwrap_or(0);
                if op == B::ShiftRight {
                    a >> count
                } else {
                    let (low, high) = Numeric::of(ty).and_then(Numeric::range)?;
                    let size = high - low + 1;
                    let shifted = (a << count).rem_euclid(size);
                    if shifted > high {
                        shifted - size
                    } else {
                        shifted
                    }
                }
            }
            B::And => a & b,
            B::Or => a | b,
            B::Xor => a ^ b,
            B::Less => return Some(Const::Bool(a < b)),
            B::Greater => return Some(Const::Bool(a > b)),
            B::LessOrEqual => return Some(Const::Bool(a <= b)),
            B::GreaterOrEqual => return Some(Const::Bool(a >= b)),
            B::Equal => return Some(Const::Bool(a == b)),
            B::NotEqual => return Some(Const::Bool(a != b)),
            _ => return None,
        };
        if let Some((low, high)) = Numeric::of(ty).and_then(Numeric::range)
            && (result < low || result > high)
        {
            if !self.is_unchecked() {
                let message = format!(
                    "this computes a constant that a `{}` cannot hold",
                    self.show(ty)
                );
                let help = "make one of the numbers a `long`: write `L` behind it";
                self.report(Problem::new(Code::Overflow, span, message).help(help));
            }
            return Some(Const::Some);
        }
        Some(Const::Int(result))
    }

    fn division_by_zero(&mut self, span: Span) {
        self.error(Code::DivisionByZero, span, "this divides by zero");
    }
}
