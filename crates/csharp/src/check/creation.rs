//! `new`.

use super::Checker;
use super::types::{Ty, Type};
use super::value::{Method, Value, What};
use crate::problem::{Code, Problem};
use crate::table::{TABLE, TypeKind};
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    /// `new T(...) { ... }`
    pub(super) fn creation(
        &mut self,
        node: NodeId,
        ty_node: NodeId,
        arguments: Option<&[NodeId]>,
        initializer: Option<NodeId>,
    ) -> Value {
        let ty = self.type_of(ty_node);
        let mut args = self.arguments(arguments.unwrap_or(&[]));
        let at = self.tree.span(ty_node);
        self.construct(node, ty, &mut args, at);
        if let Some(initializer) = initializer {
            self.initializer(initializer, ty);
        }
        if ty == Ty::VOID {
            Value::unknown(node)
        } else {
            Value::new(ty, node)
        }
    }

    fn construct(
        &mut self,
        node: NodeId,
        ty: Ty,
        args: &mut [super::arguments::Arg],
        at: crate::span::Span,
    ) {
        let span = self.tree.span(node);
        let shown = self.show(ty);
        let Some(def) = self.types.def(ty) else {
            match self.types.get(ty) {
                Type::Dynamic | Type::Void => {
                    let message = format!("there are no new values of `{shown}`");
                    self.error(Code::AbstractType, at, message);
                }
                _ => {}
            }
            self.abandon_arguments(args);
            return;
        };
        let kind = TABLE.def(def).kind;
        match kind {
            TypeKind::Opaque => {
                self.refuse_type(def, span);
                self.abandon_arguments(args);
                return;
            }
            TypeKind::Interface | TypeKind::Abstract => {
                let what = if kind == TypeKind::Interface {
                    "an interface"
                } else {
                    "abstract"
                };
                let message = format!("`{shown}` is {what}; there are no new values of it");
                self.error(Code::AbstractType, span, message);
                self.abandon_arguments(args);
                return;
            }
            TypeKind::Static => {
                self.refuse_static(ty, at);
                self.abandon_arguments(args);
                return;
            }
            TypeKind::Delegate => {
                if let [arg] = args {
                    let value = arg.value.clone();
                    self.convert(&value, ty);
                } else {
                    let message = format!("a new `{shown}` takes one method or lambda");
                    self.error(Code::ConstructorCount, at, message);
                }
                self.refuse_type(def, span);
                return;
            }
            _ => {}
        }
        let constructors: Vec<Method> = TABLE
            .def(def)
            .constructors()
            .map(|(index, _)| Method::Member {
                owner: ty,
                def,
                index,
            })
            .collect();
        if args
            .iter()
            .any(|arg| arg.value.ty == Ty::DYNAMIC && arg.value.has_type())
        {
            self.refuse_dynamic(span);
            self.abandon_arguments(args);
            return;
        }
        if constructors.is_empty() {
            // A value type has always one without parameters.
            if !(args.is_empty() && self.types.is_value_type(ty)) {
                let message = format!("`{shown}` has no constructor that can be called");
                self.error(Code::ConstructorCount, at, message);
            }
            self.abandon_arguments(args);
            return;
        }
        if args.is_empty() && self.types.is_value_type(ty) {
            self.permit(def, ".ctor", true, span);
            return;
        }
        let name = format!("new {shown}");
        let Some(call) = self.resolve(&constructors, args, None, &name, at, span) else {
            return;
        };
        self.finish_arguments(&call, args);
        self.permit_method(call.method, span);
        self.note_member(node, call.method);
    }

    /// `new T[n] { ... }`
    pub(super) fn new_array(
        &mut self,
        node: NodeId,
        ty_node: NodeId,
        sizes: &[NodeId],
        initializer: Option<NodeId>,
    ) -> Value {
        let ty = self.type_of(ty_node);
        let mut length = None;
        for size in sizes {
            let inner = match *self.tree.kind(*size) {
                NodeKind::Argument { value, .. } => value,
                _ => *size,
            };
            let value = self.value(inner);
            let value = self.typed(value);
            if !value.is_unknown()
                && ![Ty::INT, Ty::UINT, Ty::LONG, Ty::ULONG]
                    .into_iter()
                    .any(|ty| self.converts(&value, ty))
            {
                self.no_conversion(&value, Ty::INT);
            }
            length = match value.constant {
                Some(super::value::Const::Int(n)) => Some(n),
                _ => None,
            };
        }
        if let Some(initializer) = initializer {
            let (element, rank) = match *self.types.get(ty) {
                Type::Array(element, rank) => (element, rank),
                _ => (Ty::UNKNOWN, 1),
            };
            let count = self.array_initializer(initializer, element, rank);
            if let Some(n) =
                length.filter(|n| sizes.len() == 1 && i128::try_from(count).ok() != Some(*n))
            {
                let message = format!("the array has {n} elements, and {count} stand here");
                self.report(
                    Problem::new(Code::ArrayLength, self.tree.span(initializer), message)
                        .help("leave the number out"),
                );
            }
        }
        Value::new(ty, node)
    }

    /// The elements of an array; how many there are.
    pub(super) fn array_initializer(&mut self, node: NodeId, element: Ty, rank: u8) -> usize {
        let NodeKind::Initializer(items) = self.tree.kind(node) else {
            let value = self.value(node);
            self.convert(&value, element);
            return 1;
        };
        for item in items {
            if rank > 1 {
                self.array_initializer(*item, element, rank - 1);
                continue;
            }
            if matches!(self.tree.kind(*item), NodeKind::Initializer(_)) {
                let message = "an element of the array is wanted here, not more braces";
                self.error(Code::BadInitializer, self.tree.span(*item), message);
                continue;
            }
            let value = self.value(*item);
            if !value.is_unknown() {
                self.convert(&value, element);
            }
        }
        self.note_type(node, element);
        items.len()
    }

    /// `new[] { ... }`
    pub(super) fn implicit_array(&mut self, node: NodeId, rank: u8, initializer: NodeId) -> Value {
        let mut values = Vec::new();
        self.elements(initializer, rank, &mut values);
        let Some(element) = self.common_type(&values).filter(|ty| *ty != Ty::NULL) else {
            let message = "the elements of this array share no type";
            let help = "write the type: `new object[] { ... }`";
            self.report(Problem::new(Code::NoArrayType, self.tree.span(node), message).help(help));
            return Value::unknown(node);
        };
        for value in &values {
            self.convert(value, element);
        }
        let ty = self.types.make(Type::Array(element, rank));
        Value::new(ty, node)
    }

    fn elements(&mut self, node: NodeId, rank: u8, into: &mut Vec<Value>) {
        let NodeKind::Initializer(items) = self.tree.kind(node) else {
            return;
        };
        for item in items {
            if rank > 1 {
                self.elements(*item, rank - 1, into);
                continue;
            }
            let value = self.value(*item);
            let value = match value.what {
                What::Null | What::Lambda | What::Default => value,
                _ => self.typed(value),
            };
            into.push(value);
        }
    }

    /// `new { a = 1, x.b }`
    pub(super) fn anonymous(&mut self, node: NodeId, members: &[NodeId]) -> Value {
        let mut list: Vec<(Rc<str>, Ty)> = Vec::new();
        for member in members {
            let NodeKind::AnonymousMember { name, value } = *self.tree.kind(*member) else {
                continue;
            };
            let bound = self.value(value);
            let span = self.tree.span(value);
            let broken = matches!(
                bound.what,
                What::Null | What::Default | What::Lambda | What::Nothing
            );
            let bound = if broken {
                let message = "a member of an anonymous type needs a value with a type";
                self.report(
                    Problem::new(Code::AnonymousMember, self.tree.span(*member), message)
                        .help("cast it: `a = (string)null`"),
                );
                self.abandon_arguments(&[super::arguments::Arg::plain(bound)]);
                Value::unknown(value)
            } else {
                self.readable(bound)
            };
            let named = name.or(self.implied_name(value));
            let Some(name) = named else {
                let message = "a member of an anonymous type needs a name: `name = value`";
                self.error(Code::BadInitializer, span, message);
                continue;
            };
            let name: Rc<str> = (&*self.tree.name(name)).into();
            if list.iter().any(|(n, _)| *n == name) {
                let message = format!("the anonymous type has a member `{name}` already");
                self.error(Code::DuplicateLocal, span, message);
                continue;
            }
            list.push((name, bound.ty));
        }
        let ty = self.types.make(Type::Anonymous(list.into()));
        Value::new(ty, node)
    }

    fn implied_name(&self, value: NodeId) -> Option<crate::span::Span> {
        match self.tree.kind(value) {
            NodeKind::Name { name, types: None }
            | NodeKind::Member {
                name, types: None, ..
            }
            | NodeKind::MemberOf { name, types: None } => Some(*name),
            NodeKind::Conditional { rest, .. } => self.implied_name(*rest),
            _ => None,
        }
    }
}
