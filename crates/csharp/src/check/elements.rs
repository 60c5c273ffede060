//! `x[y]`.

use super::Checker;
use super::types::{Ty, Type};
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::tree::{Mode, NodeId};

impl Checker<'_> {
    /// `target[arguments]`
    pub(super) fn element_access(
        &mut self,
        node: NodeId,
        target: Value,
        arguments: &[NodeId],
    ) -> Value {
        let target = self.readable(target);
        let args = self.arguments(arguments);
        self.element_of(node, &target, args, true)
    }

    pub(super) fn element_of(
        &mut self,
        node: NodeId,
        target: &Value,
        mut args: Vec<super::arguments::Arg>,
        looked_at: bool,
    ) -> Value {
        for arg in &mut args {
            if matches!(
                arg.value.what,
                What::Group(_) | What::Type | What::Space(_) | What::Nothing
            ) {
                arg.value = self.readable(arg.value.clone());
            }
        }
        let span = self.tree.span(node);
        if target.ty == Ty::DYNAMIC {
            if looked_at {
                self.refuse_dynamic(span);
            }
            return Value::of(Ty::DYNAMIC, What::Variable, node);
        }
        if matches!(
            target.what,
            What::Null | What::Default | What::Lambda | What::Nothing | What::Throw
        ) || target.is_untyped_tuple()
        {
            self.error(
                Code::NotIndexable,
                span,
                "this has no type, so it cannot be indexed",
            );
            return Value::unknown(node);
        }
        if target.ty == Ty::UNKNOWN {
            return Value::unknown(node);
        }
        if let Type::Array(element, rank) = *self.types.get(target.ty) {
            return self.array_element(node, element, rank, &args);
        }
        let (indexers, unknown) = self.indexers(target.ty);
        if indexers.is_empty() {
            if unknown {
                if looked_at && let Some(def) = self.types.def(target.ty) {
                    self.refuse_type(def, span);
                }
                return Value::unknown(node);
            }
            let shown = self.show(target.ty);
            let mut problem = Problem::new(
                Code::NotIndexable,
                span,
                format!("a `{shown}` cannot be indexed with `[...]`"),
            );
            if target.ty == Ty::OBJECT {
                problem = problem.help("cast it first: ((JObject)x)[\"name\"], or ask for the type: GetValueOrDefault<JObject>(\"name\")");
            }
            self.report(problem);
            return Value::unknown(node);
        }
        let Some(call) = self.resolve(&indexers, &args, None, "[...]", span, span) else {
            return Value::unknown(node);
        };
        self.finish_arguments(&call, &mut args);
        if looked_at {
            self.permit_method(call.method, span);
        }
        self.note_member(node, call.method);
        let writable = self
            .member(call.method)
            .is_some_and(|member| member.can_write);
        let what = if writable {
            What::Variable
        } else {
            What::ReadOnly(Code::ReadOnlyProperty)
        };
        Value::of(call.result, what, node)
    }

    pub(super) fn array_element(
        &mut self,
        node: NodeId,
        element: Ty,
        rank: u8,
        args: &[super::arguments::Arg],
    ) -> Value {
        if args.len() != usize::from(rank) {
            let message = format!(
                "the array has {rank} dimension{}, and {} indices stand here",
                if rank == 1 { "" } else { "s" },
                args.len()
            );
            self.error(Code::IndexCount, self.tree.span(node), message);
        }
        for arg in args {
            if arg.mode != Mode::Value {
                let message = "an index is a value, and takes no `ref`, `out` or `in`";
                self.error(
                    Code::ArgumentModeExtra,
                    self.tree.span(arg.value.node),
                    message,
                );
            }
            let fits = [Ty::INT, Ty::UINT, Ty::LONG, Ty::ULONG]
                .into_iter()
                .any(|ty| self.converts(&arg.value, ty));
            if !fits {
                self.no_conversion(&arg.value, Ty::INT);
            }
        }
        Value::of(element, What::Variable, node)
    }
}
