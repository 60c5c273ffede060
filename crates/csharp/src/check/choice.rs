//! Conditions, `?:`, `throw` and `await`.

use super::known::KNOWN;
use super::types::Ty;
use super::value::{Const, Value, What};
use super::{Checker, FrameKind};
use crate::problem::{Code, Problem};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    pub(super) fn choice(
        &mut self,
        node: NodeId,
        condition: NodeId,
        yes: NodeId,
        no: NodeId,
    ) -> Value {
        let condition = self.condition_value(condition);
        let yes = self.value(yes);
        let no = self.value(no);
        let (yes, no) = (self.branch(yes), self.branch(no));
        if matches!(yes.what, What::Throw) {
            return Value::new(no.ty, node);
        }
        if matches!(no.what, What::Throw) {
            return Value::new(yes.ty, node);
        }
        if yes.is_unknown() || no.is_unknown() {
            return Value::new(Ty::UNKNOWN, node);
        }
        let ty = self.choice_type(&yes, &no);
        let Some(ty) = ty else {
            let shown = |checker: &Self, value: &Value| match value.what {
                What::Null => "null".to_owned(),
                What::Lambda => "a lambda".to_owned(),
                What::Nothing => "nothing".to_owned(),
                What::Default => "default".to_owned(),
                _ => checker.show(value.ty),
            };
            let message = format!(
                "the two values of `?:` share no type: `{}` and `{}`",
                shown(self, &yes),
                shown(self, &no)
            );
            let help = "cast one of them to the type that is meant";
            // A text is what is meant most; the other value is the odd one.
            let odd = if no.ty == Ty::STRING && yes.ty != Ty::STRING {
                yes.node
            } else {
                no.node
            };
            let span = self.tree.span(odd);
            self.report(Problem::new(Code::ConditionalTypes, span, message).help(help));
            return Value::unknown(node);
        };
        for value in [&yes, &no] {
            if matches!(
                value.what,
                What::Null | What::Default | What::Lambda | What::Group(_)
            ) {
                self.convert(value, ty);
            }
        }
        let mut value = Value::new(ty, node);
        if let (Some(Const::Bool(which)), Some(a), Some(b)) =
            (&condition.constant, &yes.constant, &no.constant)
        {
            value.constant = Some(if *which { a.clone() } else { b.clone() });
        }
        value
    }

    pub(super) fn branch(&mut self, value: Value) -> Value {
        match value.what {
            What::Type | What::Space(_) => self.readable(value),
            _ => value,
        }
    }

    pub(super) fn choice_type(&mut self, yes: &Value, no: &Value) -> Option<Ty> {
        let tuple = |v: &Value| matches!(v.what, What::Tuple(_)) && v.ty != Ty::UNKNOWN;
        let (a, b) = (yes.has_type() || tuple(yes), no.has_type() || tuple(no));
        match (a, b) {
            (true, true) => {
                if self.same(yes.ty, no.ty) {
                    return Some(yes.ty);
                }
                let (to_no, to_yes) = (self.converts(yes, no.ty), self.converts(no, yes.ty));
                match (to_no, to_yes) {
                    (true, false) => Some(no.ty),
                    (false, true) => Some(yes.ty),
                    // Two small numbers: the type that holds both.
                    (true, true) => Some(if self.standard(yes.ty, no.ty) {
                        no.ty
                    } else {
                        yes.ty
                    }),
                    _ => None,
                }
            }
            (true, false) => self.converts(no, yes.ty).then_some(yes.ty),
            (false, true) => self.converts(yes, no.ty).then_some(no.ty),
            (false, false) => None,
        }
    }

    /// The condition of `if`, `?:` and their like.
    pub(super) fn condition_value(&mut self, node: NodeId) -> Value {
        let value = self.value(node);
        let value = self.readable(value);
        if !value.is_unknown() && !self.converts(&value, Ty::BOOL) {
            if let NodeKind::Assign { at, op: None, .. } = *self.tree.kind(node) {
                let message = format!(
                    "`=` assigns, and gives a `{}` where a condition is wanted",
                    self.show(value.ty)
                );
                self.report(
                    Problem::new(Code::NoConversion, self.tree.span(node).to(at), message)
                        .help("write `==` to compare"),
                );
            } else {
                self.no_conversion(&value, Ty::BOOL);
            }
        }
        value
    }

    pub(super) fn thrown(&mut self, node: NodeId) {
        let value = self.value(node);
        if matches!(value.what, What::Null) {
            return;
        }
        let value = self.typed(value);
        if !value.is_unknown()
            && !self.types.is_opaque(value.ty)
            && value.ty != Ty::DYNAMIC
            && !self.types.derives(value.ty, KNOWN.exception)
        {
            let message = format!(
                "only an exception can be thrown, and this is a `{}`",
                self.show(value.ty)
            );
            self.report(
                Problem::new(Code::NotException, self.tree.span(node), message)
                    .help("throw new Exception(\"...\")"),
            );
        }
    }

    pub(super) fn awaited_value(&mut self, node: NodeId, value: NodeId) -> Value {
        let value = self.value(value);
        let value = self.readable(value);
        let body = self
            .frames
            .last()
            .is_none_or(|frame| frame.kind == FrameKind::Body);
        if body {
            let message = "policy expressions are not async; there is nothing to await";
            self.error(Code::NeedsAsync, self.tree.span(node), message);
        }
        if self.types.def(value.ty) == Some(KNOWN.task_of) {
            let inner = self.types.arguments(value.ty).first().copied();
            return Value::new(inner.unwrap_or(Ty::UNKNOWN), node);
        }
        if self.types.def(value.ty) == Some(KNOWN.task) {
            return Value::of(Ty::VOID, What::Nothing, node);
        }
        Value::unknown(node)
    }
}
