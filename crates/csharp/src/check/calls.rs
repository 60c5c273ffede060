//! Calls, and why they fail.

use super::Checker;
use super::VariableRead;
use super::arguments::Arg;
use super::overload::{Call, Choice, Miss, Wanted};
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

    pub(super) fn ambiguous(&mut self, name: &str, at: Span, a: Method, b: Method) {
        let (x, y) = (self.show_method(name, a), self.show_method(name, b));
        let message = format!("the call fits both {x} and {y}");
        self.report(
            Problem::new(Code::AmbiguousCall, at, message)
                .help("cast an argument to the type that is meant"),
        );
    }

    fn show_method(&mut self, name: &str, method: Method) -> String {
        let signature = self.signature(method);
        let list: Vec<String> = signature.params.iter().map(|p| self.show(p.ty)).collect();
        format!("`{name}({})`", list.join(", "))
    }

    /// Reports why no method fits. `receiver`: the first argument stands before
    /// the dot.
    pub(super) fn missed(
        &mut self,
        misses: &[(Method, Miss)],
        args: &[Arg],
        name: &str,
        at: Span,
        whole: Span,
        receiver: bool,
    ) {
        if self.quiet > 0 {
            self.failures += 1;
            return;
        }
        if args.iter().any(|arg| arg.value.is_unknown())
            && misses.iter().any(|(_, m)| matches!(m, Miss::Inference(_)))
        {
            // What is unknown may be what inference lacks.
            return;
        }
        let near = misses.iter().filter(|(_, miss)| match miss {
            // An extension method of the right name for other receivers says little.
            Miss::Type(0, ..) => !receiver,
            _ => true,
        });
        let near: Vec<(Method, Miss)> = near.cloned().collect();
        let mut best: Option<(u32, (Method, Miss))> = None;
        for (method, miss) in near {
            let rank = self.rank(&miss, args);
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                best = Some((rank, (method, miss)));
            }
        }
        let Some((method, miss)) = best
            .map(|(_, miss)| miss)
            .or_else(|| misses.first().cloned())
        else {
            let message = format!("nothing named {name} can be called here");
            self.error(Code::ArgumentCount, at, message);
            return;
        };
        let skipped = usize::from(receiver);
        let shown_span = |n: usize| args.get(n).map_or(at, |arg| self.tree.span(arg.value.node));
        match miss {
            Miss::TypeCount(0) => {
                let message = format!("`{name}` takes no type arguments");
                self.error(Code::NotGeneric, at, message);
            }
            Miss::TypeCount(n) => {
                let message = format!(
                    "`{name}` takes {n} type argument{}",
                    if n == 1 { "" } else { "s" }
                );
                self.error(Code::TypeArguments, at, message);
            }
            Miss::Type(0, ty, _) if receiver => {
                let span = shown_span(0);
                let from = args.first().map_or(Ty::UNKNOWN, |arg| arg.value.ty);
                let (from, to) = (self.show(from), self.show(ty));
                let signature = self.show_method(name, method);
                let message =
                    format!("`{name}` with these arguments is for `{to}`, and this is a `{from}`");
                self.report(
                    Problem::new(Code::ExtensionReceiver, span, message)
                        .help(format!("the nearest is {signature}")),
                );
            }
            Miss::Type(n, ty, _) => {
                let Some(arg) = args.get(n) else {
                    return;
                };
                self.wrong_argument(&arg.value.clone(), ty, name, n + 1 - skipped, method);
            }
            Miss::Mode(n, wanted) => {
                let span = shown_span(n);
                let (code, message) = match wanted {
                    Wanted::Value => (
                        Code::ArgumentModeExtra,
                        format!(
                            "argument {} of `{name}` is passed without `ref` or `out`",
                            n + 1 - skipped
                        ),
                    ),
                    Wanted::Ref => (
                        Code::ArgumentMode,
                        format!(
                            "argument {} of `{name}` is passed by `ref`",
                            n + 1 - skipped
                        ),
                    ),
                    Wanted::Out => (
                        Code::ArgumentMode,
                        format!(
                            "argument {} of `{name}` is passed by `out`",
                            n + 1 - skipped
                        ),
                    ),
                };
                self.error(code, span, message);
            }
            Miss::Inference(Some((first, second))) => {
                let (a, b) = (self.show(first), self.show(second));
                let message = format!("`{name}` cannot be for both `{a}` and `{b}`");
                let (code, span) = if receiver {
                    (Code::ExtensionReceiver, shown_span(0))
                } else {
                    (Code::NoInference, at)
                };
                self.report(Problem::new(code, span, message).help(format!(
                    "give it values of one type, or say which: `{name}<{a}>(...)`"
                )));
            }
            Miss::Inference(None) => {
                let message =
                    format!("the type arguments of `{name}` do not follow from its arguments");
                self.report(
                    Problem::new(Code::NoInference, at, message)
                        .help(format!("write them: `{name}<...>(...)`")),
                );
            }
            Miss::Name(n) => {
                let (text, span) = args
                    .get(n)
                    .and_then(|arg| arg.name.clone())
                    .unwrap_or(("".into(), at));
                let signature = self.signature(method);
                let names: Vec<String> = signature
                    .params
                    .iter()
                    .map(|p| p.name.to_string())
                    .collect();
                let mut problem = Problem::new(
                    Code::ArgumentName,
                    span,
                    format!("`{name}` has no parameter `{text}`"),
                );
                problem = match self.near(&text, names.iter().map(String::as_str)) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("its parameters: {}", names.join(", "))),
                };
                self.report(problem);
            }
            Miss::NameTwice(n) => {
                let span = args
                    .get(n)
                    .and_then(|arg| arg.name.clone())
                    .map_or(at, |(_, span)| span);
                self.error(
                    Code::ArgumentTwice,
                    span,
                    "this parameter has an argument already",
                );
            }
            Miss::Constraint(_, ty, value) => {
                let code = if value {
                    Code::ReferenceConstraint
                } else {
                    Code::ValueConstraint
                };
                let kind = if value { "class" } else { "struct" };
                let message = format!(
                    "`{name}` wants a type argument that is a {kind}, and `{}` is none that fits",
                    self.show(ty)
                );
                self.error(code, at, message);
            }
            Miss::Count(_) | Miss::Missing(_) => {
                self.wrong_count(misses, args.len() - skipped, name, at, whole, receiver);
            }
        }
    }

    /// How near a method is to fitting.
    fn rank(&mut self, miss: &Miss, args: &[Arg]) -> u32 {
        match miss {
            Miss::TypeCount(_) => 0,
            Miss::Count(_) | Miss::Missing(_) => 1,
            Miss::Name(_) | Miss::NameTwice(_) => 2,
            Miss::Inference(_) => 3,
            Miss::Mode(..) => 4,
            Miss::Type(n, ty, fitting) => {
                // A delegate with as many parameters as the lambda is meant.
                let lambda = args
                    .get(*n)
                    .filter(|arg| matches!(arg.value.what, What::Lambda))
                    .map(|arg| arg.value.node);
                let wanted = self.delegate(*ty).map(|d| d.params.len());
                let other = lambda.is_some_and(|node| self.parameter_count(node) != wanted);
                if other {
                    4
                } else {
                    5 + u32::try_from(*fitting).unwrap_or(0).min(1000)
                }
            }
            Miss::Constraint(..) => 2000,
        }
    }

    fn wrong_argument(&mut self, value: &Value, ty: Ty, name: &str, number: usize, method: Method) {
        let span = self.tree.span(value.node);
        match &value.what {
            What::Group(_) | What::Type | What::Space(_) if !self.types.is_delegate(ty) => {
                self.readable(value.clone());
                return;
            }
            What::Lambda => {
                self.lambda_mismatch(value.node, ty);
                return;
            }
            What::Null => {
                let message = format!(
                    "argument {number} of `{name}` is a `{}`, which is never null",
                    self.show(ty)
                );
                self.error(Code::ArgumentType, span, message);
                return;
            }
            What::Nothing => {
                let message = format!(
                    "nothing is returned here, and `{name}` wants a `{}`",
                    self.show(ty)
                );
                self.error(Code::ArgumentType, span, message);
                return;
            }
            _ => {}
        }
        let (wanted, given) = (self.show(ty), self.show(value.ty));
        let signature = self.show_method(name, method);
        let message =
            format!("argument {number} of `{name}` must be a `{wanted}`, and this is a `{given}`");
        let help = if ty == Ty::STRING && value.ty == Ty::OBJECT {
            "cast it: `(string)x`".to_owned()
        } else if value.ty == Ty::STRING
            && (ty == Ty::CHAR || self.is_open_array(ty) == Some(Ty::CHAR))
        {
            "a character stands in single quotes: 'a'".to_owned()
        } else if ty == Ty::STRING && value.ty == Ty::CHAR {
            "a text stands in double quotes: \"a\"".to_owned()
        } else {
            format!("the nearest is {signature}")
        };
        self.report(Problem::new(Code::ArgumentType, span, message).help(help));
    }

    fn wrong_count(
        &mut self,
        misses: &[(Method, Miss)],
        count: usize,
        name: &str,
        at: Span,
        whole: Span,
        receiver: bool,
    ) {
        let constructor = misses
            .iter()
            .any(|(m, _)| self.member(*m).is_some_and(|m| m.name == ".ctor"));
        let plural = if count == 1 { "" } else { "s" };
        if let [(_, Miss::Missing(parameter))] = misses {
            let message = format!("`{name}` needs an argument for `{parameter}`");
            self.error(
                if constructor {
                    Code::ConstructorCount
                } else {
                    Code::MissingArgument
                },
                at,
                message,
            );
            return;
        }
        let mut forms: Vec<String> = Vec::new();
        for (method, _) in misses.iter().take(4) {
            let signature = self.signature(*method);
            let list: Vec<String> = signature
                .params
                .iter()
                .skip(usize::from(receiver))
                .map(|p| format!("{} {}", self.show(p.ty), p.name))
                .collect();
            forms.push(format!("{name}({})", list.join(", ")));
        }
        let code = if constructor {
            Code::ConstructorCount
        } else {
            Code::ArgumentCount
        };
        let at = if name == "[...]" { whole } else { at };
        let message = format!("`{name}` takes no {count} argument{plural}");
        self.report(Problem::new(code, at, message).help(format!("it is: {}", forms.join("; "))));
    }

    /// Remembers a use of `context.Variables`.
    fn note_variable(&mut self, group: &Group, args: &[Arg], call: &Call) {
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
                .filter(|ty| !matches!(*ty, Ty::UNKNOWN | Ty::OBJECT | Ty::VOID | Ty::BOOL));
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

/// The value of a call.
pub(super) fn returned(ty: Ty, node: NodeId) -> Value {
    match ty {
        Ty::VOID => Value::of(Ty::VOID, What::Nothing, node),
        Ty::UNKNOWN => Value::unknown(node),
        ty => Value::new(ty, node),
    }
}
