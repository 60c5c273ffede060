//! `x.y`, `x?.y` and `x[y]`.

use super::Checker;
use super::lookup::Found;
use super::type_names::Place;
use super::types::Ty;
use super::value::{Const, Group, Method, Value, What};
use crate::problem::{Code, MOST_PROBLEMS, Problem};
use crate::span::Span;
use crate::table::{DefId, Member, MemberKind, TABLE};
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    /// `target.name`
    pub(super) fn member_access(
        &mut self,
        node: NodeId,
        target: NodeId,
        name: Span,
        types: Option<&[NodeId]>,
    ) -> Value {
        let target = self.value(target);
        if name.is_empty() {
            return Value::unknown(node);
        }
        self.member_of(node, target, name, types, true)
    }

    /// A member of something; `looked_at`: API Management's check sees it.
    pub(super) fn member_of(
        &mut self,
        node: NodeId,
        target: Value,
        name: Span,
        types: Option<&[NodeId]>,
        looked_at: bool,
    ) -> Value {
        if self.tree_is_named_value(name) {
            return Value::unknown(node);
        }
        let text = self.tree.name(name).into_owned();
        match &target.what {
            What::Space(space) => {
                let outer = Place::Space(space.to_string());
                let types = self.type_list(types, true);
                return match self.place_inside(
                    &outer,
                    name,
                    types.as_deref(),
                    self.tree.span(node),
                    true,
                ) {
                    Some(Place::Type(ty)) => Value::of(ty, What::Type, node),
                    Some(Place::Space(space)) => {
                        Value::of(Ty::UNKNOWN, What::Space(space.into()), node)
                    }
                    None => Value::unknown(node),
                };
            }
            What::Type => {}
            What::Group(group) => {
                let message = format!(
                    "`{}` is a method; call it: `{}(...)`",
                    group.name, group.name
                );
                let span = self.name_span(group.name_node);
                self.error(Code::BadContext, span, message);
                return Value::unknown(node);
            }
            What::Nothing => {
                let message = format!("nothing is returned here, so there is no `{text}`");
                self.error(Code::UnaryTypes, name, message);
                return Value::unknown(node);
            }
            What::Null | What::Default | What::Throw | What::Lambda => {
                let message = format!("this has no type, so there is no `{text}`");
                self.error(Code::UnaryTypes, self.tree.span(target.node), message);
                return Value::unknown(node);
            }
            What::Tuple(_) if target.is_untyped_tuple() => {
                let message = format!("this has no type, so there is no `{text}`");
                self.error(Code::UnaryTypes, self.tree.span(target.node), message);
                return Value::unknown(node);
            }
            _ => {}
        }
        if target.ty == Ty::DYNAMIC {
            if looked_at {
                self.refuse_dynamic(self.tree.span(node));
            }
            self.type_list(types, true);
            return Value::of(Ty::DYNAMIC, What::Variable, node);
        }
        self.find_in(node, target, name, &text, types, looked_at)
    }

    fn find_in(
        &mut self,
        node: NodeId,
        target: Value,
        name: Span,
        text: &str,
        types: Option<&[NodeId]>,
        looked_at: bool,
    ) -> Value {
        let is_type = matches!(target.what, What::Type);
        let ty = target.ty;
        let type_arguments: Option<Rc<[Ty]>> = self.type_list(types, true).map(Rc::from);
        match self.find_member(ty, text) {
            Found::Unknown => {
                if looked_at && let Some(def) = self.types.def(ty) {
                    self.refuse_type(def, self.tree.span(node));
                }
                Value::unknown(node)
            }
            Found::Element(element) => {
                if looked_at {
                    self.refuse_type(super::known::KNOWN.value_tuple, self.tree.span(node));
                }
                Value::of(element, What::Variable, node)
            }
            Found::AnonymousMember(ty) => {
                Value::of(ty, What::ReadOnly(Code::ReadOnlyProperty), node)
            }
            Found::EnumValue {
                def,
                value,
                allowed,
            } => {
                if !is_type {
                    self.static_through_value(ty, text, name);
                }
                if looked_at {
                    self.permit(def, text, allowed, self.tree.span(node));
                }
                let mut result = Value::constant(
                    self.types.named(def, &[]),
                    Const::Int(i128::from(value)),
                    node,
                );
                result.what = What::ReadOnly(Code::NotAssignable);
                result
            }
            Found::Member { owner, def, member } => {
                if types.is_some() {
                    let message = format!("`{text}` is no method and takes no type arguments");
                    self.error(Code::NotGeneric, name, message);
                }
                if looked_at {
                    self.permit(def, text, member.allowed, self.tree.span(node));
                }
                self.property(node, &target, owner, def, member, name)
            }
            Found::Methods(methods) => {
                let extensions = if is_type {
                    Vec::new()
                } else {
                    self.extension_methods(text)
                };
                self.group(
                    node,
                    name,
                    text,
                    target,
                    methods,
                    extensions,
                    type_arguments,
                )
            }
            Found::Nothing => {
                if !is_type {
                    let extensions = self.extension_methods(text);
                    if !extensions.is_empty() {
                        return self.group(
                            node,
                            name,
                            text,
                            target,
                            Vec::new(),
                            extensions,
                            type_arguments,
                        );
                    }
                    if matches!(text, "AsQueryable" | "AsParallel")
                        && self.element_type(ty).is_some()
                    {
                        let class = if text == "AsParallel" {
                            "ParallelEnumerable"
                        } else {
                            "Queryable"
                        };
                        if let Some(def) = TABLE.find("System.Linq", class, 0) {
                            self.refuse_type(def, self.tree.span(node));
                        }
                        return Value::unknown(node);
                    }
                } else if let Some(def) = self.types.def(ty)
                    && let Some(inner) = TABLE.find(
                        TABLE.full(def),
                        text,
                        type_arguments.as_ref().map_or(0, |t| t.len()),
                    )
                {
                    let ty = self
                        .types
                        .named(inner, type_arguments.as_deref().unwrap_or(&[]));
                    return Value::of(ty, What::Type, node);
                }
                self.no_member(&target, text, name);
                Value::unknown(node)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a group")]
    fn group(
        &mut self,
        node: NodeId,
        _name: Span,
        text: &str,
        target: Value,
        methods: Vec<Method>,
        extensions: Vec<Method>,
        types: Option<Rc<[Ty]>>,
    ) -> Value {
        let group = Group {
            name: text.into(),
            name_node: node,
            target: Some(Rc::new(target)),
            methods,
            extensions,
            types,
        };
        Value::of(Ty::UNKNOWN, What::Group(Rc::new(group)), node)
    }

    fn static_through_value(&mut self, ty: Ty, text: &str, name: Span) {
        let shown = self.show(ty);
        let problem = Problem::new(
            Code::StaticThroughValue,
            name,
            format!("`{text}` belongs to the type, not to a value of it"),
        );
        self.report(problem.help(format!("write {shown}.{text}")));
    }

    fn property(
        &mut self,
        node: NodeId,
        target: &Value,
        owner: Ty,
        def: DefId,
        member: &'static Member,
        name: Span,
    ) -> Value {
        let is_type = matches!(target.what, What::Type);
        let index = TABLE
            .def(def)
            .members
            .iter()
            .position(|m| std::ptr::eq(m, member));
        if let Some(index) = index.and_then(|n| u16::try_from(n).ok()) {
            self.note_member(node, Method::Member { owner, def, index });
        }
        let own = self.types.arguments(owner);
        let ty = match &member.result {
            Some(result) => self.types.resolve(result, &own),
            None => Ty::UNKNOWN,
        };
        if is_type && !member.is_static {
            let shown = self.show(target.ty);
            let problem = Problem::new(
                Code::NeedsObject,
                self.tree.span(node),
                format!(
                    "`{}` needs a value of {shown}, and `{shown}` is the type",
                    member.name
                ),
            );
            self.report(problem);
        } else if !is_type && member.is_static && !self.is_type_too(target) {
            self.static_through_value(target.ty, member.name, name);
        }
        let what = if member.can_write {
            What::Variable
        } else {
            What::ReadOnly(match (member.kind, member.is_constant, member.is_static) {
                (MemberKind::Field, true, _) => Code::NotAssignable,
                (MemberKind::Field, _, true) => Code::ReadOnlyStatic,
                (MemberKind::Field, _, false) => Code::ReadOnlyField,
                _ => Code::ReadOnlyProperty,
            })
        };
        let mut value = Value::of(ty, what, node);
        if member.is_constant {
            value.constant = Some(constant_field(def, member.name));
        }
        value
    }

    /// `Color Color`: a variable that bears its type's name.
    fn is_type_too(&self, target: &Value) -> bool {
        match self.tree.kind(target.node) {
            NodeKind::Name { name, .. } => {
                let text = self.tree.name(*name);
                self.types
                    .def(target.ty)
                    .is_some_and(|def| TABLE.simple(def) == text)
            }
            _ => false,
        }
    }

    fn no_member(&mut self, target: &Value, text: &str, name: Span) {
        if self.quiet > 0 || self.problems.len() >= MOST_PROBLEMS {
            self.failures += 1;
            return;
        }
        let is_type = matches!(target.what, What::Type);
        let shown = self.show(target.ty);
        let (code, message) = if is_type {
            (
                Code::NoMember,
                format!("the type `{shown}` has no static member `{text}`"),
            )
        } else {
            (
                Code::UnknownMember,
                format!("`{shown}` has no member `{text}`"),
            )
        };
        let mut problem = Problem::new(code, name, message);
        let names = if self.hints > 0 {
            self.member_names(target.ty, !is_type)
        } else {
            Vec::new()
        };
        if let Some(inner) = self.types.nullable_of(target.ty)
            && !matches!(self.find_member(inner, text), Found::Nothing)
        {
            problem = problem.help(format!(
                "it may be null: write `.Value.{text}`, or `?.{text}`"
            ));
        } else if target.ty == Ty::OBJECT {
            problem = problem.help(format!(
                "an object has only ToString, Equals, GetHashCode and GetType; cast it first: `((string)x).{text}`"
            ));
        } else if let Some(near) = self.near(text, names.iter().map(String::as_str)) {
            problem = problem.meant(text, near);
        } else if text == "Length" && names.iter().any(|n| n == "Count") {
            problem = problem.help("it has `Count`");
        } else if text == "Count" && names.iter().any(|n| n == "Length") {
            problem = problem.help("it has `Length`");
        }
        self.report(problem);
    }

    /// The span of the name at the end of an access.
    pub(super) fn name_span(&self, node: NodeId) -> Span {
        match self.tree.kind(node) {
            NodeKind::Member { name, .. } | NodeKind::MemberOf { name, .. } => {
                Span::new(name.start, self.tree.span(node).end.max(name.end))
            }
            _ => self.tree.span(node),
        }
    }

    /// `target?.rest`
    pub(super) fn conditional_access(
        &mut self,
        node: NodeId,
        target: NodeId,
        rest: NodeId,
    ) -> Value {
        let value = self.value(target);
        let value = self.readable(value);
        let span = self.tree.span(target);
        if matches!(
            value.what,
            What::Null | What::Default | What::Lambda | What::Nothing
        ) {
            self.error(
                Code::UnaryTypes,
                span,
                "this has no type, so `?` has no place behind it",
            );
        }
        let inner = match self.types.nullable_of(value.ty) {
            Some(inner) => inner,
            None => {
                if self.types.is_value_type(value.ty) && value.ty != Ty::UNKNOWN {
                    let shown = self.show(value.ty);
                    let at = Span::new(span.end, span.end + 1);
                    let message = format!("a {shown} is never null, so `?` has no place behind it");
                    self.report(Problem::new(Code::UnaryTypes, at, message).help("remove the `?`"));
                }
                value.ty
            }
        };
        self.bindings.push(Value {
            ty: inner,
            what: What::Value,
            constant: None,
            node: target,
        });
        let result = self.value(rest);
        self.bindings.pop();
        if let What::Group(_) = result.what {
            return self.readable(result);
        }
        if matches!(result.what, What::Nothing) {
            return Value::of(Ty::VOID, What::Nothing, node);
        }
        let ty = result.ty;
        let lifted = if self.types.is_value_type(ty) && self.types.nullable_of(ty).is_none() {
            self.types.nullable(ty)
        } else {
            ty
        };
        Value::new(lifted, node)
    }

    /// What stands before the `?` around.
    pub(super) fn bound(&self, node: NodeId) -> Value {
        match self.bindings.last() {
            Some(value) => value.clone(),
            None => Value::unknown(node),
        }
    }
}

/// The values of the constants that matter for overflows.
fn constant_field(def: DefId, name: &str) -> Const {
    let numeric = super::hierarchy::Numeric::of(super::types::predefined(
        super::types::keyword(def).unwrap_or(""),
    ));
    match (numeric.and_then(super::hierarchy::Numeric::range), name) {
        (Some((low, _)), "MinValue") => Const::Int(low),
        (Some((_, high)), "MaxValue") => Const::Int(high),
        _ => Const::Some,
    }
}
