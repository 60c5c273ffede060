//! `foreach`, and what it runs over.

use super::Checker;
use super::known::KNOWN;
use super::lookup::Found;
use super::types::{Ty, Type};
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    pub(super) fn foreach(
        &mut self,
        ty: Option<NodeId>,
        name: NodeId,
        source: NodeId,
        body: NodeId,
    ) {
        self.scoped(|c| {
            let value = c.value(source);
            let value = c.typed(value);
            let element = match c.element_type(value.ty) {
                Some(element) => element,
                None => {
                    let shown = match value.what {
                        What::Null => "null".to_owned(),
                        _ => c.show(value.ty),
                    };
                    let message =
                        format!("a `{shown}` is no collection that `foreach` can run over");
                    let help = if value.ty == Ty::OBJECT {
                        "cast it: `(JArray)x`"
                    } else {
                        ""
                    };
                    c.report(
                        Problem::new(Code::NotEnumerable, c.tree.span(source), message).help(help),
                    );
                    Ty::UNKNOWN
                }
            };
            let declared = match ty {
                Some(ty) if !c.is_var(ty) => {
                    let declared = c.type_of(ty);
                    let from = Value::new(element, name);
                    if declared != Ty::UNKNOWN
                        && element != Ty::UNKNOWN
                        && !c.casts(&from, declared)
                    {
                        let message = format!(
                            "an element is a `{}`, which can never be a `{}`",
                            c.show(element),
                            c.show(declared)
                        );
                        c.error(Code::NoCast, c.tree.span(ty), message);
                    }
                    declared
                }
                _ => element,
            };
            match c.tree.kind(name) {
                NodeKind::Local(span) => {
                    let span = *span;
                    c.declare_variable(span, declared, name);
                    c.fix_local(span, declared, "foreach");
                }
                NodeKind::Names(_) => {
                    let value = Value::new(declared, name);
                    c.deconstruct_names(name, &value);
                }
                NodeKind::Tuple(_) => {
                    let value = Value::new(declared, name);
                    c.deconstruct(name, &value);
                }
                _ => {}
            }
            c.scoped(|c| c.statement(body));
        });
    }

    pub(super) fn deconstruct_names(&mut self, names: NodeId, value: &Value) {
        let NodeKind::Names(list) = self.tree.kind(names) else {
            return;
        };
        let types = match self.types.get(value.ty) {
            Type::Tuple(types, _) if types.len() == list.len() => types.to_vec(),
            _ => vec![Ty::UNKNOWN; list.len()],
        };
        for (name, ty) in list.iter().zip(types) {
            match *self.tree.kind(*name) {
                NodeKind::Local(span) => self.declare_variable(span, ty, *name),
                NodeKind::Names(_) => self.deconstruct_names(*name, &Value::new(ty, *name)),
                _ => {}
            }
        }
    }

    /// The type of the elements that `foreach` gives; `None` when it cannot.
    pub(super) fn element_type(&mut self, ty: Ty) -> Option<Ty> {
        if ty == Ty::UNKNOWN
            || ty == Ty::DYNAMIC
            || self.types.is_opaque(ty) && !matches!(self.types.get(ty), Type::Array(..))
        {
            return Some(if ty == Ty::DYNAMIC {
                Ty::DYNAMIC
            } else {
                Ty::UNKNOWN
            });
        }
        if let Type::Array(element, _) = *self.types.get(ty) {
            return Some(element);
        }
        if let Found::Methods(methods) = self.find_member(ty, "GetEnumerator") {
            for method in methods {
                let signature = self.signature(method);
                if signature.params.is_empty()
                    && let Found::Member { owner, member, .. } =
                        self.find_member(signature.result, "Current")
                {
                    let own = self.types.arguments(owner);
                    let current = member
                        .result
                        .as_ref()
                        .map(|result| self.types.resolve(result, &own))?;
                    // A generic sequence says more than `object`.
                    if current != Ty::OBJECT {
                        return Some(current);
                    }
                }
            }
        }
        if let Some(found) = self.types.as_def(ty, KNOWN.enumerable_of) {
            return self.types.arguments(found).first().copied();
        }
        let plain = self.types.as_def(ty, KNOWN.enumerable).is_some()
            || self.types.def(ty) == Some(KNOWN.enumerable);
        plain.then_some(Ty::OBJECT)
    }
}
