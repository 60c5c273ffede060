//! Expressions, one function for each that no other file has.

use super::Checker;
use super::known::KNOWN;
use super::types::{Ty, Type, predefined};
use super::value::{Const, Value, What};
use crate::problem::{Code, Problem};
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    /// What an expression is. Its type is noted.
    pub(super) fn value(&mut self, node: NodeId) -> Value {
        if !self.step(1) {
            return Value::unknown(node);
        }
        let value = self.value_inner(node);
        self.note_type(node, value.ty);
        self.note_condition(node, value.constant.as_ref());
        value
    }

    fn value_inner(&mut self, node: NodeId) -> Value {
        let tree = self.tree;
        let span = tree.span(node);
        match tree.kind(node) {
            NodeKind::Missing | NodeKind::NamedValue => Value::unknown(node),
            NodeKind::Null => Value {
                ty: Ty::NULL,
                what: What::Null,
                constant: Some(Const::Null),
                node,
            },
            NodeKind::True => Value::constant(Ty::BOOL, Const::Bool(true), node),
            NodeKind::False => Value::constant(Ty::BOOL, Const::Bool(false), node),
            NodeKind::Number(number) => self.number(node, *number),
            NodeKind::Character => self.character(node),
            NodeKind::Text => self.text(node),
            NodeKind::Interpolated(parts) => self.interpolated(node, parts),
            NodeKind::Name { name, types } => self.simple_name(node, *name, types.as_deref()),
            NodeKind::Alias { .. } => match self.place(node, true) {
                Some(super::type_names::Place::Type(ty)) => Value::of(ty, What::Type, node),
                Some(super::type_names::Place::Space(space)) => {
                    Value::of(Ty::UNKNOWN, What::Space(space.into()), node)
                }
                None => Value::unknown(node),
            },
            NodeKind::Predefined => Value::of(predefined(span.of(tree.text())), What::Type, node),
            NodeKind::Member {
                target,
                name,
                types,
            } => self.member_access(node, *target, *name, types.as_deref()),
            NodeKind::MemberOf { name, types } => {
                let target = self.bound(node);
                self.member_of(node, target, *name, types.as_deref(), false)
            }
            NodeKind::ElementOf { arguments } => {
                let target = self.bound(node);
                let args = self.arguments(arguments);
                self.element_of(node, &target, args, false)
            }
            NodeKind::Conditional { target, rest } => self.conditional_access(node, *target, *rest),
            NodeKind::Call {
                target, arguments, ..
            } => self.call(node, *target, arguments),
            NodeKind::Element { target, arguments } => {
                let value = self.value(*target);
                let result = self.element_access(node, value, arguments);
                self.variable_element(*target, arguments);
                result
            }
            NodeKind::This | NodeKind::Base => {
                let word = span.of(tree.text());
                let code = if word == "this" {
                    Code::NoThis
                } else {
                    Code::NoBase
                };
                let message = format!("there is no `{word}` in a policy expression");
                self.report(
                    Problem::new(code, span, message).help("what an expression has is `context`"),
                );
                Value::unknown(node)
            }
            NodeKind::Parenthesized(inner) => {
                let value = self.value(*inner);
                match value.what {
                    // Brackets around a lambda or method leave it what it is.
                    What::Lambda | What::Group(_) => value,
                    // A type in brackets is neither a cast nor a value.
                    What::Type | What::Space(_) => self.readable(value),
                    _ => Value { node, ..value },
                }
            }
            NodeKind::Tuple(elements) => self.tuple(node, elements),
            NodeKind::Cast { ty, value } => self.cast(node, *ty, *value),
            NodeKind::Unary { op, operand } => self.unary(node, *op, *operand),
            NodeKind::Binary { .. } => self.binary_chain(node),
            NodeKind::Assign {
                op,
                at,
                target,
                value,
            } => self.assignment(node, *op, *at, *target, *value),
            NodeKind::Choice { condition, yes, no } => self.choice(node, *condition, *yes, *no),
            NodeKind::Is { value, pattern } => {
                let value = self.value(*value);
                let value = self.typed_or_null(value);
                self.pattern(*pattern, &value);
                Value::new(Ty::BOOL, node)
            }
            NodeKind::As { value, ty } => self.as_cast(node, *value, *ty),
            NodeKind::Lambda { .. } | NodeKind::Delegate { .. } => {
                Value::of(Ty::UNKNOWN, What::Lambda, node)
            }
            NodeKind::New {
                ty,
                arguments,
                initializer,
            } => self.creation(node, *ty, arguments.as_deref(), *initializer),
            NodeKind::NewArray {
                ty,
                sizes,
                initializer,
            } => self.new_array(node, *ty, sizes, *initializer),
            NodeKind::NewImplicitArray { rank, initializer } => {
                self.implicit_array(node, *rank, *initializer)
            }
            NodeKind::NewAnonymous { members } => self.anonymous(node, members),
            NodeKind::TypeOf(ty) => {
                if !matches!(tree.kind(*ty), NodeKind::Name { types: Some(_), .. }) {
                    self.type_of(*ty);
                }
                let ty = self.types.named(KNOWN.ty, &[]);
                Value::new(ty, node)
            }
            NodeKind::SizeOf(ty) => {
                self.type_of(*ty);
                Value::constant(Ty::INT, Const::Some, node)
            }
            NodeKind::Default(None) => Value::of(Ty::UNKNOWN, What::Default, node),
            NodeKind::Default(Some(ty)) => {
                let named = self.type_of(*ty);
                if named == Ty::VOID {
                    self.error(
                        Code::VoidHere,
                        tree.span(*ty),
                        "`void` is no type of values",
                    );
                }
                let mut value = Value::new(named, node);
                if self.types.is_value_type(named) {
                    value.constant = super::hierarchy::Numeric::of(named).map(|_| Const::Int(0));
                }
                value
            }
            NodeKind::Checked { value, checked } => {
                let around = std::mem::replace(&mut self.unchecked, u32::from(!checked));
                let inner = self.value(*value);
                self.unchecked = around;
                let inner = self.typed(inner);
                Value {
                    node,
                    what: What::Value,
                    ..inner
                }
            }
            NodeKind::Throw(value) => {
                if !self.throws.contains(&node) {
                    let message =
                        "`throw` may stand behind `??`, `?`, `:` and `=>`, and as a statement";
                    self.error(Code::ThrowHere, tree.span(node), message);
                }
                if let Some(value) = value {
                    self.thrown(*value);
                }
                Value::of(Ty::UNKNOWN, What::Throw, node)
            }
            NodeKind::Await(value) => self.awaited_value(node, *value),
            NodeKind::Ref(value) => {
                let inner = self.value(*value);
                if !self.refs.contains(&node) {
                    let message = "a value is wanted here, and no reference";
                    self.error(Code::RefHere, tree.span(node), message);
                } else if inner.has_type()
                    && !matches!(inner.what, What::Variable)
                    && !self.is_choice(*value)
                {
                    let span = tree.span(*value);
                    self.error(Code::RefArgument, span, "`ref` needs a variable behind it");
                }
                Value { node, ..inner }
            }
            NodeKind::StackAlloc { ty } => {
                if let Some(ty) = ty {
                    self.type_of(*ty);
                }
                self.error(
                    Code::PointerContext,
                    span,
                    "policy expressions cannot use `stackalloc`; write `new T[n]`",
                );
                Value::unknown(node)
            }
            NodeKind::Query(clauses) => self.query(node, clauses),
            NodeKind::Declaration { ty, name } => {
                let declared = match ty {
                    Some(ty) if !self.is_var(*ty) => self.type_of(*ty),
                    _ => Ty::UNKNOWN,
                };
                if let NodeKind::Local(span) = *tree.kind(*name) {
                    self.declare_variable(span, declared, *name);
                }
                Value::of(declared, What::Variable, node)
            }
            NodeKind::Initializer(items) => {
                for item in items {
                    self.value(*item);
                }
                Value::unknown(node)
            }
            NodeKind::NullableType(_) | NodeKind::ArrayType { .. } | NodeKind::TupleType(_) => {
                let ty = self.type_of(node);
                Value::of(ty, What::Type, node)
            }
            _ => Value::unknown(node),
        }
    }

    /// A value that may also be null without a type.
    fn typed_or_null(&mut self, value: Value) -> Value {
        if matches!(value.what, What::Null) {
            value
        } else {
            self.typed(value)
        }
    }

    fn interpolated(&mut self, node: NodeId, parts: &[NodeId]) -> Value {
        for part in parts {
            if let NodeKind::Hole {
                value, alignment, ..
            } = *self.tree.kind(*part)
            {
                let bound = self.value(value);
                if !matches!(bound.what, What::Null) {
                    self.typed(bound);
                }
                if let Some(alignment) = alignment {
                    let bound = self.value(alignment);
                    self.convert(&bound, Ty::INT);
                }
            }
        }
        Value::of(Ty::STRING, What::Interpolated, node)
    }

    fn tuple(&mut self, node: NodeId, elements: &[NodeId]) -> Value {
        let mut values = Vec::new();
        let mut names: Vec<Option<Rc<str>>> = Vec::new();
        for element in elements {
            let (name, inner) = match *self.tree.kind(*element) {
                NodeKind::Argument { name, value, .. } => (name, value),
                _ => (None, *element),
            };
            let value = self.value(inner);
            let value = match value.what {
                What::Null | What::Lambda | What::Default => value,
                _ => self.typed(value),
            };
            let inferred = match self.tree.kind(inner) {
                NodeKind::Name { name, types: None }
                | NodeKind::Member {
                    name, types: None, ..
                } => Some(*name),
                _ => None,
            };
            names.push(
                name.or(inferred)
                    .map(|span| Rc::from(&*self.tree.name(span))),
            );
            values.push(value);
        }
        let whole = values.iter().all(Value::has_type);
        let ty = if whole {
            let types: Vec<Ty> = values.iter().map(|v| v.ty).collect();
            self.types.make(Type::Tuple(types.into(), names.into()))
        } else {
            Ty::UNKNOWN
        };
        Value::of(ty, What::Tuple(values.into()), node)
    }

    /// Whether a node is `?:`, in brackets or not: it may be one of two variables.
    fn is_choice(&self, node: NodeId) -> bool {
        match self.tree.kind(node) {
            NodeKind::Parenthesized(inner) => self.is_choice(*inner),
            kind => matches!(kind, NodeKind::Choice { .. }),
        }
    }

    fn cast(&mut self, node: NodeId, ty: NodeId, value: NodeId) -> Value {
        let to = self.type_of(ty);
        self.refuse_static(to, self.tree.span(ty));
        let value = self.value(value);
        let span = self.tree.span(node);
        let value = match value.what {
            What::Lambda | What::Group(_) if self.types.is_delegate(to) => {
                self.convert(&value, to);
                return Value::new(to, node);
            }
            What::Null | What::Default | What::Tuple(_) | What::Throw => value,
            _ => self.typed(value),
        };
        self.note_cast(&value, to);
        if to == Ty::VOID {
            self.error(
                Code::VoidHere,
                self.tree.span(ty),
                "`void` is no type of values",
            );
            return Value::unknown(node);
        }
        let mut result = Value::new(to, node);
        if value.is_unknown() || to == Ty::UNKNOWN {
            return result;
        }
        if !self.casts(&value, to) {
            if matches!(value.what, What::Null) {
                self.no_conversion(&value, to);
                return result;
            }
            let (from, shown) = (self.show(value.ty), self.show(to));
            let message = format!("a `{from}` can never be a `{shown}`");
            let help = if value.ty == Ty::STRING {
                format!("`{shown}.Parse(...)` reads a text, where the type has it")
            } else if to == Ty::STRING {
                "write `.ToString()` behind it".to_owned()
            } else {
                String::new()
            };
            self.report(Problem::new(Code::NoCast, span, message).help(help));
            return result;
        }
        if value.constant.is_some() {
            let whole = Value { node, ..value };
            result.constant = self.constant_as(&whole, to, true);
        }
        result
    }

    fn as_cast(&mut self, node: NodeId, value: NodeId, ty: NodeId) -> Value {
        let value = self.value(value);
        let value = self.typed_or_null(value);
        let to = self.type_of(ty);
        self.refuse_static(to, self.tree.span(ty));
        let span = self.tree.span(node);
        if self.types.is_value_type(to) && self.types.nullable_of(to).is_none() {
            let shown = self.show(to);
            let message = format!("`as` gives null when it fails, and a `{shown}` is never null");
            self.report(
                Problem::new(Code::AsValueType, span, message)
                    .help(format!("write `as {shown}?`, or a cast")),
            );
        } else if !self.as_converts(value.ty, to) {
            let message = format!(
                "a `{}` can never be a `{}`",
                self.show(value.ty),
                self.show(to)
            );
            self.error(Code::NoAsConversion, span, message);
        }
        Value::new(to, node)
    }

    /// Whether an expression may stand as a statement.
    pub(super) fn is_statement_expression(&self, node: NodeId) -> bool {
        match self.tree.kind(node) {
            NodeKind::Call { target, .. } => !self.is_nameof(*target),
            NodeKind::Assign { .. } | NodeKind::New { .. } | NodeKind::Await(_) => true,
            NodeKind::Unary { op, .. } => matches!(op.text(), "++" | "--"),
            NodeKind::Conditional { rest, .. } => self.is_statement_expression(*rest),
            NodeKind::Missing | NodeKind::NamedValue => true,
            _ => false,
        }
    }

    /// Whether overflows of constants do not matter here: `unchecked` is around.
    pub(super) fn is_unchecked(&self) -> bool {
        self.unchecked > 0
    }
}
