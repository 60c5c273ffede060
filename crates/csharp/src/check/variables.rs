//! Uses of `context.Variables`.

use super::Checker;
use super::VariableRead;
use super::arguments::Arg;
use super::overload::Call;
use super::types::Ty;
use super::value::{Const, Group, Value};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    /// Remembers a use of `context.Variables`.
    pub(super) fn note_variable(&mut self, group: &Group, args: &[Arg], call: &Call) {
        let Some(target) = &group.target else {
            return;
        };
        if self.quiet > 0 || !self.is_variables(target.node) {
            return;
        }
        let optional = matches!(
            &*group.name,
            "GetValueOrDefault" | "ContainsKey" | "TryGetValue"
        );
        let key = args
            .iter()
            .find(|arg| arg.value.ty == Ty::STRING && arg.value.node != target.node);
        if let (true, Some(key)) = (optional, key) {
            let ty = (!call.types.is_empty())
                .then_some(call.result)
                .filter(|ty| !matches!(*ty, Ty::UNKNOWN | Ty::OBJECT | Ty::VOID));
            self.variable_read(&key.value.clone(), ty, true);
        }
    }

    pub(super) fn variable_read(&mut self, key: &Value, ty: Option<Ty>, optional: bool) {
        let span = self.tree.span(key.node);
        let name = match &key.constant {
            Some(Const::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        let ty = ty.map(|ty| self.show(ty));
        if let (Some(name), Some(wanted)) = (&name, &ty) {
            self.cast_of_variable(name, wanted, span);
        }
        let read = VariableRead {
            name,
            span,
            ty,
            optional,
        };
        self.variables.insert((span.start, span.end), read);
    }

    /// Whether a node is `context.Variables`.
    pub(super) fn is_variables(&self, node: NodeId) -> bool {
        match self.tree.kind(node) {
            NodeKind::Parenthesized(inner) => self.is_variables(*inner),
            NodeKind::Member { target, name, .. } => {
                let text = self.tree.text();
                name.of(text) == "Variables"
                    && matches!(self.tree.kind(*target), NodeKind::Name { name, .. } if name.of(text) == "context")
            }
            _ => false,
        }
    }
}
