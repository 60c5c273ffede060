//! `{ A = 1 }`, `{ [k] = v }` and `{ a, { b, c } }` behind `new T`.

use super::Checker;
use super::arguments::Arg;
use super::known::KNOWN;
use super::lookup::Found;
use super::overload::Choice;
use super::types::{Ty, Type};
use super::value::{Method, Value, What};
use crate::problem::{Code, Problem};
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    pub(super) fn initializer(&mut self, node: NodeId, ty: Ty) {
        let NodeKind::Initializer(items) = self.tree.kind(node) else {
            return;
        };
        self.note_type(node, ty);
        let target = Value::new(ty, node);
        for item in items {
            match *self.tree.kind(*item) {
                NodeKind::InitializerMember {
                    target: member,
                    value,
                } => {
                    self.initializer_member(&target, member, value);
                }
                NodeKind::Initializer(ref inner) => self.add_element(&target, *item, inner),
                _ => self.add_element(&target, *item, std::slice::from_ref(item)),
            }
        }
    }

    fn initializer_member(&mut self, target: &Value, member: NodeId, value: NodeId) {
        let left = match self.tree.kind(member) {
            NodeKind::ElementOf { arguments } => {
                let args = self.arguments(arguments);
                self.element_of(member, target, args, false)
            }
            NodeKind::MemberOf { name, .. } => {
                // A name that the type lacks is reported as everywhere.
                self.member_of(member, target.clone(), *name, None, false)
            }
            _ => Value::unknown(member),
        };
        let left = self.readable(left);
        self.note_type(member, left.ty);
        if let NodeKind::Initializer(_) = self.tree.kind(value) {
            if matches!(self.types.get(left.ty), Type::Array(..)) {
                let message = "an array needs `new[]` before its elements";
                self.error(Code::NoCollection, self.tree.span(value), message);
            }
            self.initializer(value, left.ty);
            return;
        }
        let right = self.value(value);
        if let What::ReadOnly(code) = left.what {
            let text = self.tree.span(member).of(self.tree.text()).to_owned();
            let message = format!("`{text}` can be read only");
            self.error(code, self.tree.span(member), message);
        }
        if !left.is_unknown() {
            self.convert(&right, left.ty);
        }
    }

    /// One element of a collection: a call of its `Add`.
    fn add_element(&mut self, target: &Value, node: NodeId, values: &[NodeId]) {
        let mut args = Vec::new();
        for value in values {
            if let NodeKind::Assign { .. } = self.tree.kind(*value) {
                self.error(
                    Code::BadInitializer,
                    self.tree.span(*value),
                    "this is no element of the collection",
                );
            }
            let bound = self.value(*value);
            let bound = match bound.what {
                What::Type | What::Space(_) => self.readable(bound),
                _ => bound,
            };
            args.push(Arg::plain(bound));
        }
        if target.ty == Ty::UNKNOWN || self.types.is_opaque(target.ty) {
            self.abandon_arguments(&args);
            return;
        }
        if self.types.as_def(target.ty, KNOWN.enumerable).is_none() {
            let shown = self.show(target.ty);
            let message = format!(
                "`{shown}` is no collection; its initializer holds assignments such as `Name = value`"
            );
            self.error(Code::NoCollection, self.tree.span(node), message);
            self.abandon_arguments(&args);
            return;
        }
        let methods: Vec<Method> = match self.find_member(target.ty, "Add") {
            Found::Methods(methods) => methods,
            _ => Vec::new(),
        };
        if methods.is_empty() {
            let message = format!("`{}` has no `Add`", self.show(target.ty));
            self.error(Code::UnknownMember, self.tree.span(node), message);
            self.abandon_arguments(&args);
            return;
        }
        let span = self.tree.span(node);
        match self.choose(&methods, &args, None) {
            Choice::One(call) => {
                self.finish_arguments(&call, &mut args);
            }
            Choice::Ambiguous(a, b) => {
                self.ambiguous("Add", span, a, b);
                self.abandon_arguments(&args);
            }
            Choice::None(misses) => {
                let before = self.problems.len();
                self.missed(&misses, &args, "Add", span, span, false);
                self.abandon_arguments(&args);
                if self.quiet == 0 && self.problems.len() == before {
                    let message = format!("`{}` cannot take this element", self.show(target.ty));
                    self.report(Problem::new(Code::InitializerArguments, span, message));
                }
            }
        }
    }
}
