//! Calls, and why they fail.

use super::Checker;
use super::arguments::Arg;
use super::overload::{Call, Choice, Miss};
use super::types::Ty;
use super::value::{Const, Group, Method, Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::table::TABLE;
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    /// `target(arguments)`
    pub(super) fn call(&mut self, node: NodeId, target: NodeId, arguments: &[NodeId]) -> Value {
        if self.is_nameof(target) {
            return self.nameof(node, arguments);
        }
        let value = self.value(target);
        let span = self.tree.span(node);
        match &value.what {
            What::Group(group) => {
                let group = Rc::clone(group);
                let args = self.arguments(arguments);
                return self.call_group(node, &group, args);
            }
            What::Type => {
                if value.ty != Ty::UNKNOWN {
                    let shown = self.show(value.ty);
                    let message = format!("`{shown}` is a type and cannot be called");
                    let at = self.name_span(target);
                    self.report(Problem::new(Code::NotCallable, at, message).help(format!(
                        "`new {shown}(...)` makes a value; `({shown})x` casts one"
                    )));
                }
            }
            What::Space(space) => {
                let message = format!("`{space}` is a namespace and cannot be called");
                self.error(Code::WrongKind, self.tree.span(target), message);
            }
            _ => {
                if value.ty == Ty::DYNAMIC {
                    self.refuse_dynamic(span);
                    let args = self.arguments(arguments);
                    self.abandon_arguments(&args);
                    return Value::of(Ty::DYNAMIC, What::Variable, node);
                }
                if self.types.is_delegate(value.ty) {
                    let mut args = self.arguments(arguments);
                    let method = Method::Invoke(value.ty);
                    let at = self.name_span(target);
                    let Some(call) = self.resolve(&[method], &args, None, "the function", at, span)
                    else {
                        let result = self.signature(method).result;
                        return Value::of(result, What::Value, node);
                    };
                    self.finish_arguments(&call, &mut args);
                    self.permit_method(method, span);
                    return returned(call.result, node);
                }
                if let Some(group) = self.extensions_beside(target) {
                    let args = self.arguments(arguments);
                    return self.call_group(node, &group, args);
                }
                if !value.is_unknown() && !self.types.is_opaque(value.ty) {
                    self.not_callable(target, &value);
                }
            }
        }
        let args = self.arguments(arguments);
        self.abandon_arguments(&args);
        Value::unknown(node)
    }

    /// The extension methods that a call means when the type has a property of
    /// their name: `x.Count()` where `Count` is a property.
    fn extensions_beside(&mut self, target: NodeId) -> Option<Group> {
        let (before, name, types) = match self.tree.kind(target) {
            NodeKind::Member {
                target,
                name,
                types,
            } => (Some(*target), *name, types),
            NodeKind::MemberOf { name, types } => (None, *name, types),
            _ => return None,
        };
        let text = self.tree.name(name).into_owned();
        let extensions = self.extension_methods(&text);
        if extensions.is_empty() {
            return None;
        }
        let receiver = match before {
            Some(before) => self.quietly(|c| c.value(before)).0,
            None => self.bound(target),
        };
        if !receiver.has_type() {
            return None;
        }
        let fits = extensions.iter().any(|method| {
            let signature = self.signature(*method);
            let first = signature.params.first().map(|p| p.ty);
            first.is_some_and(|ty| {
                self.shape_fits(&receiver, ty)
                    && (self.types.is_open(ty) || self.converts(&receiver, ty))
            })
        });
        let types = types.clone();
        let types = self.type_list(types.as_deref(), true).map(Rc::from);
        fits.then(|| Group {
            name: text.into(),
            name_node: target,
            target: Some(Rc::new(receiver)),
            methods: Vec::new(),
            extensions,
            types,
        })
    }

    fn not_callable(&mut self, target: NodeId, value: &Value) {
        let named = matches!(
            self.tree.kind(target),
            NodeKind::Member { .. } | NodeKind::MemberOf { .. } | NodeKind::Name { .. }
        );
        let at = self.name_span(target);
        if !named {
            let message = format!("a `{}` cannot be called", self.show(value.ty));
            let problem = Problem::new(Code::NotInvocable, at, message);
            let indexed = !self.indexers(value.ty).0.is_empty();
            self.report(if indexed {
                problem.help("write [\"name\"] to take an element")
            } else {
                problem
            });
            return;
        }
        let text = at.of(self.tree.text()).to_owned();
        let indexed = value.ty != Ty::STRING && !self.indexers(value.ty).0.is_empty();
        let help = if indexed {
            "write `[...]` to take an element".to_owned()
        } else {
            "leave the parentheses out".to_owned()
        };
        let message = format!("`{text}` is no method, so it cannot be called");
        self.report(Problem::new(Code::NotCallable, at, message).help(help));
    }

    pub(super) fn call_group(&mut self, node: NodeId, group: &Group, mut args: Vec<Arg>) -> Value {
        let span = self.tree.span(node);
        let at = self.name_span(group.name_node);
        let target = group.target.clone();
        if args
            .iter()
            .any(|arg| arg.value.ty == Ty::DYNAMIC && arg.value.has_type())
            && target.is_some()
        {
            self.refuse_dynamic(span);
            self.abandon_arguments(&args);
            return Value::of(Ty::DYNAMIC, What::Value, node);
        }
        if group
            .types
            .as_ref()
            .is_some_and(|types| types.contains(&Ty::UNKNOWN))
            && args.len() > 8
        {
            self.abandon_arguments(&args);
            return Value::unknown(node);
        }
        if self.omitted_types(group.name_node) {
            self.error(
                Code::OmittedTypes,
                at,
                "type arguments are missing between `<` and `>`",
            );
            self.abandon_arguments(&args);
            return Value::unknown(node);
        }
        let types = group.types.clone();
        let mut extension = false;
        let found = match self.choose(&group.methods, &args, types.as_deref()) {
            Choice::None(misses) => {
                if let Some(receiver) = target.as_ref().filter(|_| !group.extensions.is_empty()) {
                    args.insert(0, Arg::plain((**receiver).clone()));
                    extension = true;
                    match self.choose(&group.extensions, &args, types.as_deref()) {
                        Choice::None(others) => {
                            let near = if group.methods.is_empty() {
                                others
                            } else {
                                misses
                            };
                            let own = group.methods.is_empty();
                            if !own {
                                args.remove(0);
                            }
                            self.missed(&near, &args, &group.name, at, span, own);
                            self.abandon_arguments(&args);
                            return self.failed_call(node, group, &near);
                        }
                        choice => choice,
                    }
                } else {
                    self.missed(&misses, &args, &group.name, at, span, false);
                    self.abandon_arguments(&args);
                    return self.failed_call(node, group, &misses);
                }
            }
            choice => choice,
        };
        let call = match found {
            Choice::One(call) => *call,
            Choice::Ambiguous(a, b) => {
                self.ambiguous(&group.name, at, a, b);
                self.abandon_arguments(&args);
                let (x, y) = (self.signature(a).result, self.signature(b).result);
                let result = if x == y && !self.types.is_open(x) {
                    x
                } else {
                    Ty::UNKNOWN
                };
                return Value::new(result, node);
            }
            Choice::None(_) => return Value::unknown(node),
        };
        self.finish_arguments(&call, &mut args);
        if !extension {
            self.check_receiver(group, &call, span);
        }
        self.permit_method(call.method, span);
        self.note_member(node, call.method);
        self.note_variable(group, &args, &call);
        self.note_type(group.name_node, call.result);
        let mut value = returned(call.result, node);
        if group.name.as_ref() == "TryGetValue" {
            value.what = What::Value;
        }
        value
    }

    /// `F<>(...)`
    fn omitted_types(&self, name: NodeId) -> bool {
        let types = match self.tree.kind(name) {
            NodeKind::Member { types, .. }
            | NodeKind::MemberOf { types, .. }
            | NodeKind::Name { types, .. } => types,
            _ => return false,
        };
        let omitted = |id: &NodeId| matches!(self.tree.kind(*id), NodeKind::OmittedType);
        types.as_ref().is_some_and(|list| list.iter().any(omitted))
    }

    /// The result of a call that fails: known when all candidates agree.
    fn failed_call(&mut self, node: NodeId, group: &Group, misses: &[(Method, Miss)]) -> Value {
        let mut result = None;
        for (method, _) in misses {
            let signature = self.signature(*method);
            let mut ty = signature.result;
            if let Some(types) = group
                .types
                .as_ref()
                .filter(|t| t.len() == signature.type_parameters.len())
            {
                ty = self.types.close(ty, types);
            }
            if self.types.is_open(ty) || result.is_some_and(|r| r != ty) {
                return Value::unknown(node);
            }
            result = Some(ty);
        }
        match result {
            Some(ty) if ty != Ty::VOID => Value::new(ty, node),
            _ => Value::unknown(node),
        }
    }

    fn check_receiver(&mut self, group: &Group, call: &Call, span: Span) {
        let Some(target) = &group.target else {
            return;
        };
        let Some(member) = self.member(call.method) else {
            return;
        };
        let is_type = matches!(target.what, What::Type);
        if is_type && !member.is_static {
            let shown = self.show(target.ty);
            let message = format!(
                "`{}` needs a value of {shown}, and `{shown}` is the type",
                group.name
            );
            let lower = shown.to_lowercase();
            let help = format!("call it on a value: `{lower}.{}(...)`", group.name);
            self.report(Problem::new(Code::NeedsObject, span, message).help(help));
        } else if !is_type && member.is_static && member.kind != crate::table::MemberKind::Extension
        {
            let named = match self.tree.kind(target.node) {
                NodeKind::Name { name, .. } => self
                    .types
                    .def(target.ty)
                    .is_some_and(|def| TABLE.simple(def) == &*self.tree.name(*name)),
                _ => false,
            };
            if !named {
                let shown = self.show(target.ty);
                let message = format!(
                    "the `{}` that fits belongs to the type, not to a value of it",
                    group.name
                );
                let help = format!(
                    "write `{shown}.{}(...)`, or repair the arguments",
                    group.name
                );
                self.report(Problem::new(Code::StaticThroughValue, span, message).help(help));
            }
        }
    }

    fn nameof(&mut self, node: NodeId, arguments: &[NodeId]) -> Value {
        if let [argument] = arguments
            && let NodeKind::Argument { value, .. } = *self.tree.kind(*argument)
        {
            if !self.is_dotted(value) {
                let message = "`nameof` takes a name: `x`, `x.y` or a type";
                self.error(Code::NameOfValue, self.tree.span(value), message);
            }
            let around = std::mem::replace(&mut self.allowances, false);
            self.value(value);
            self.allowances = around;
            if self.omitted_types(value) {
                let span = self.tree.span(value);
                let message =
                    "an open generic type in `nameof` needs C# 14; policy expressions are C# 7";
                self.error(Code::LanguageVersion, span, message);
            }
            let name = match self.tree.kind(value) {
                NodeKind::Name { name, .. } | NodeKind::Member { name, .. } => *name,
                _ => Span::default(),
            };
            let text: Rc<str> = (&*self.tree.name(name)).into();
            return Value::constant(Ty::STRING, Const::Text(text), node);
        }
        let args = self.arguments(arguments);
        self.abandon_arguments(&args);
        self.error(
            Code::ArgumentCount,
            self.tree.span(node),
            "`nameof` takes one name",
        );
        Value::new(Ty::STRING, node)
    }

    fn is_dotted(&self, node: NodeId) -> bool {
        match self.tree.kind(node) {
            NodeKind::Name { .. }
            | NodeKind::Alias { .. }
            | NodeKind::Predefined
            | NodeKind::NamedValue
            | NodeKind::This => true,
            NodeKind::Member { target, .. } => self.is_dotted(*target),
            _ => false,
        }
    }
}

/// The value of a call.
pub(super) fn returned(ty: Ty, node: NodeId) -> Value {
    match ty {
        Ty::VOID => Value::of(Ty::VOID, What::Nothing, node),
        Ty::UNKNOWN => Value::unknown(node),
        ty => Value::new(ty, node),
    }
}
