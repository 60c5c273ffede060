//! Statements.

use super::known::KNOWN;
use super::lookup::Found;
use super::scope::{Local, LocalKind};
use super::types::{Ty, Type, TypeVariable};
use super::value::{Const, Param, Signature, SignatureType, Value, What};
use super::{Checker, Frame, FrameKind, Function};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{Mode, NodeId, NodeKind};
use std::collections::BTreeSet;
use std::rc::Rc;

impl Checker<'_> {
    pub(super) fn statement(&mut self, node: NodeId) {
        if !self.step(1) {
            return;
        }
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Block(list) => self.scoped(|c| c.statements(list)),
            NodeKind::LocalDeclaration {
                is_const,
                ty,
                variables,
            } => self.local_declaration(*is_const, *ty, variables, None),
            NodeKind::LocalFunction { .. } => self.function_body(node),
            NodeKind::Expression(value) => self.expression_statement(*value),
            NodeKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.condition_value(*condition);
                self.scoped(|c| c.statement(*then));
                if let Some(otherwise) = otherwise {
                    self.scoped(|c| c.statement(*otherwise));
                }
            }
            NodeKind::While { condition, body } => self.scoped(|c| {
                c.condition_value(*condition);
                c.scoped(|c| c.statement(*body));
            }),
            NodeKind::Do { body, condition } => {
                self.scoped(|c| c.statement(*body));
                self.scoped(|c| c.condition_value(*condition));
            }
            NodeKind::For {
                start,
                condition,
                step,
                body,
            } => self.scoped(|c| {
                for first in start {
                    match tree.kind(*first) {
                        NodeKind::LocalDeclaration { .. } => c.statement(*first),
                        _ => c.expression_statement(*first),
                    }
                }
                if let Some(condition) = condition {
                    c.condition_value(*condition);
                }
                for expression in step {
                    c.expression_statement(*expression);
                }
                c.scoped(|c| c.statement(*body));
            }),
            NodeKind::ForEach {
                ty,
                name,
                source,
                body,
            } => self.foreach(*ty, *name, *source, *body),
            NodeKind::Return(value) => self.return_statement(node, *value),
            NodeKind::Throw(Some(value)) => self.thrown(*value),
            NodeKind::GotoCase(Some(value)) => {
                self.value(*value);
            }
            NodeKind::Labeled { statement, .. } => self.statement(*statement),
            NodeKind::Switch { value, sections } => self.switch(*value, sections),
            NodeKind::Try {
                body,
                catches,
                finally,
            } => {
                self.statement(*body);
                self.catches(catches);
                if let Some(finally) = finally {
                    self.statement(*finally);
                }
            }
            NodeKind::Using { resource, body } => self.using(*resource, *body),
            NodeKind::Lock { value, body } => {
                let value = self.value(*value);
                self.typed(value);
                self.scoped(|c| c.statement(*body));
            }
            NodeKind::CheckedBlock { body, checked } => {
                let around = std::mem::replace(&mut self.unchecked, u32::from(!checked));
                self.statement(*body);
                self.unchecked = around;
            }
            NodeKind::Unsafe(body) => self.statement(*body),
            NodeKind::Yield(value) => self.yield_statement(node, *value),
            _ => {}
        }
    }

    /// Statements of one block; its local functions are known from its start.
    fn statements(&mut self, list: &[NodeId]) {
        for statement in list {
            if let NodeKind::LocalFunction { .. } = self.tree.kind(*statement) {
                self.declare_function(*statement);
            }
        }
        for statement in list {
            self.statement(*statement);
        }
    }

    fn expression_statement(&mut self, node: NodeId) {
        if let NodeKind::Assign { .. } = self.tree.kind(node) {
            self.value(node);
            return;
        }
        let value = self.value(node);
        if self.is_statement_expression(node) {
            if let What::Lambda = value.what {
                self.abandon_lambda(node);
            }
            return;
        }
        if let What::Lambda = value.what {
            self.abandon_lambda(node);
        }
        let message =
            "this does nothing: a statement is an assignment, a call, `++`, `--` or `new`";
        let help = match self.tree.kind(node) {
            NodeKind::Binary {
                op: crate::tree::BinaryOp::Equal,
                ..
            } => "`==` compares; write `=` to assign",
            _ => "write `return` in front, if it is the result",
        };
        self.report(Problem::new(Code::NotAStatement, self.tree.span(node), message).help(help));
    }

    /// `fixed`: the variables cannot be written, and why.
    fn local_declaration(
        &mut self,
        is_const: bool,
        ty: NodeId,
        variables: &[NodeId],
        fixed: Option<&'static str>,
    ) {
        let inferred = self.is_var(ty);
        let declared = if inferred {
            Ty::UNKNOWN
        } else {
            self.type_of(ty)
        };
        if !inferred {
            self.refuse_static(declared, self.tree.span(ty));
            if declared == Ty::VOID {
                self.error(
                    Code::VoidHere,
                    self.tree.span(ty),
                    "`void` is no type of values",
                );
            }
        }
        for variable in variables {
            let NodeKind::Variable { name, value } = *self.tree.kind(*variable) else {
                continue;
            };
            self.declare(
                name,
                Local::Variable {
                    ty: declared,
                    node: *variable,
                    kind: LocalKind::Unborn,
                },
            );
            let mut constant = None;
            let mut settled = declared;
            match value {
                Some(value) if inferred => settled = self.inferred(name, value),
                Some(value) => constant = self.initial_value(value, declared, is_const),
                None if is_const => {
                    let message = "a constant needs a value";
                    self.error(Code::ConstWithoutValue, name, message);
                }
                None if inferred => {
                    let message = "`var` takes its type from a value, and none stands here";
                    self.report(
                        Problem::new(Code::NoVarValue, name, message)
                            .help("write the type, or a value"),
                    );
                }
                None => {}
            }
            let kind = match (is_const, fixed) {
                (true, _) => LocalKind::Constant(constant.unwrap_or(Const::Some)),
                (_, Some(what)) => LocalKind::Fixed(what),
                _ => LocalKind::Plain,
            };
            self.settle(name, settled, kind);
        }
    }

    fn initial_value(&mut self, node: NodeId, declared: Ty, is_const: bool) -> Option<Const> {
        if let NodeKind::Initializer(_) = self.tree.kind(node) {
            match *self.types.get(declared) {
                Type::Array(element, rank) => {
                    self.array_initializer(node, element, rank);
                }
                Type::Unknown => {
                    self.value(node);
                }
                _ => {
                    let message = "elements in braces make an array, and this is none";
                    self.report(
                        Problem::new(Code::NoConversion, self.tree.span(node), message)
                            .help("write `new T { ... }`"),
                    );
                }
            }
            return None;
        }
        let value = self.value(node);
        if declared == Ty::UNKNOWN || value.is_unknown() {
            if let What::Lambda = value.what {
                self.abandon_lambda(value.node);
            }
        } else {
            self.convert(&value, declared);
        }
        if is_const
            && value.constant.is_none()
            && !value.is_unknown()
            && !matches!(value.what, What::Default)
        {
            let message = "a constant needs a value that is known while compiling";
            self.report(
                Problem::new(Code::NotConstant, self.tree.span(node), message)
                    .help("leave `const` out"),
            );
        }
        self.constant_as(&value, declared, false)
    }

    /// The type that `var` takes from a value.
    fn inferred(&mut self, name: Span, node: NodeId) -> Ty {
        let value = self.value(node);
        let span = name.to(self.tree.span(node));
        let reason = match &value.what {
            What::Null => "`null` has no type of its own",
            What::Default => "`default` has no type of its own",
            What::Nothing => "nothing is returned here",
            What::Lambda => {
                let message =
                    "a type of its own for a lambda needs C# 10; policy expressions are C# 7";
                let problem = Problem::new(Code::LanguageVersion, self.tree.span(node), message);
                self.report(
                    problem
                        .help("write the type of the delegate, or put the code where it is used"),
                );
                self.abandon_lambda(value.node);
                return Ty::UNKNOWN;
            }
            What::Group(_) => {
                self.readable(value);
                return Ty::UNKNOWN;
            }
            What::Tuple(_) if value.ty == Ty::UNKNOWN => return Ty::UNKNOWN,
            What::Throw => return Ty::UNKNOWN,
            _ => {
                if let NodeKind::Initializer(_) = self.tree.kind(node) {
                    let message = "`var` takes no type from elements in braces";
                    self.report(
                        Problem::new(Code::NoVarType, span, message).help("write `new[] { ... }`"),
                    );
                    return Ty::UNKNOWN;
                }
                return self.readable(value).ty;
            }
        };
        let message = format!("`var` takes its type from the value, and {reason}");
        self.report(
            Problem::new(Code::NoVarType, span, message).help("write the type instead of `var`"),
        );
        Ty::UNKNOWN
    }

    fn foreach(&mut self, ty: Option<NodeId>, name: NodeId, source: NodeId, body: NodeId) {
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

    fn deconstruct_names(&mut self, names: NodeId, value: &Value) {
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

    fn return_statement(&mut self, node: NodeId, value: Option<NodeId>) {
        let Some((result, kind)) = self.frames.last().map(|f| (f.result, f.kind)) else {
            return;
        };
        let span = self.tree.span(node);
        let Some(value) = value else {
            match (result, kind) {
                (None, FrameKind::Lambda) => {
                    let value = Value::of(Ty::VOID, What::Nothing, node);
                    if let Some(frame) = self.frames.last_mut() {
                        frame.returns.push(value);
                    }
                }
                (Some(Ty::VOID), _) => {}
                _ => {
                    let message = "`return` needs a value here";
                    let at = Span::new(span.start, span.start + 6);
                    self.error(Code::ReturnsNothing, at, message);
                }
            }
            return;
        };
        let bound = self.value(value);
        match (result, kind) {
            (Some(Ty::VOID), _) => {
                if !bound.is_unknown() {
                    let message = "nothing can be returned here";
                    self.error(Code::ReturnsValue, span, message);
                }
            }
            (Some(result), _) => {
                if !bound.is_unknown() {
                    self.convert(&bound, result);
                }
                if kind == FrameKind::Lambda
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.returns.push(bound);
                }
            }
            (None, kind) => {
                let bound = match (&bound.what, kind) {
                    (What::Null | What::Default, _) => bound,
                    (What::Tuple(_), _) => bound,
                    (_, FrameKind::Body) => self.typed(bound),
                    _ => match bound.what {
                        What::Lambda | What::Group(_) => bound,
                        _ => self.typed(bound),
                    },
                };
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns.push(bound);
                }
            }
        }
    }

    fn yield_statement(&mut self, node: NodeId, value: Option<NodeId>) {
        let element = match self.frames.last() {
            Some(Frame {
                kind: FrameKind::Iterator,
                result,
                ..
            }) => result.unwrap_or(Ty::UNKNOWN),
            _ => {
                let message = "`yield` stands in a local function that returns a sequence";
                self.error(Code::BadIterator, self.tree.span(node), message);
                Ty::UNKNOWN
            }
        };
        if let Some(value) = value {
            let value = self.value(value);
            if element != Ty::UNKNOWN && !value.is_unknown() {
                self.convert(&value, element);
            }
        }
    }

    fn switch(&mut self, value: NodeId, sections: &[NodeId]) {
        let value = self.value(value);
        let value = self.typed(value);
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut taken: Vec<Ty> = Vec::new();
        self.scoped(|c| {
            for section in sections {
                let NodeKind::Section { labels, statements } = c.tree.kind(*section) else {
                    continue;
                };
                c.scoped(|c| {
                    for label in labels {
                        c.case(*label, &value, &mut seen, &mut taken);
                    }
                    c.statements(statements);
                });
            }
        });
    }

    fn case(
        &mut self,
        label: NodeId,
        value: &Value,
        seen: &mut BTreeSet<String>,
        taken: &mut Vec<Ty>,
    ) {
        let span = self.tree.span(label);
        let (key, guarded) = match *self.tree.kind(label) {
            NodeKind::Case { pattern, when } => {
                let constant = self.pattern(pattern, value);
                if let Some(when) = when {
                    self.condition_value(when);
                }
                if let NodeKind::DeclarationPattern { ty, .. } = *self.tree.kind(pattern) {
                    let ty = self
                        .node_types
                        .get(ty.index())
                        .copied()
                        .unwrap_or(Ty::UNKNOWN);
                    if ty != Ty::UNKNOWN && taken.len() < 100 {
                        if taken.iter().any(|earlier| self.reference(ty, *earlier)) {
                            let message = "an earlier case takes every value of this one";
                            self.error(Code::UnreachableCase, self.tree.span(pattern), message);
                        } else if when.is_none() {
                            taken.push(ty);
                        }
                    }
                }
                (
                    constant.and_then(|v| v.constant).map(|c| format!("{c:?}")),
                    when.is_some(),
                )
            }
            _ => (Some("default".to_owned()), false),
        };
        if let Some(key) = key.filter(|key| !guarded && key != "Some")
            && !seen.insert(key)
        {
            self.error(Code::DuplicateCase, span, "an earlier case has this value");
        }
    }

    fn catches(&mut self, catches: &[NodeId]) {
        let mut earlier: Vec<Ty> = Vec::new();
        for node in catches {
            let NodeKind::Catch {
                ty,
                name,
                filter,
                body,
            } = *self.tree.kind(*node)
            else {
                continue;
            };
            self.scoped(|c| {
                let mut caught = c.types.named(KNOWN.exception, &[]);
                if let Some(ty) = ty {
                    caught = c.type_of(ty);
                    let span = c.tree.span(ty);
                    if caught != Ty::UNKNOWN
                        && !c.types.is_opaque(caught)
                        && !c.types.derives(caught, KNOWN.exception)
                    {
                        let message = format!(
                            "only exceptions can be caught, and `{}` is none",
                            c.show(caught)
                        );
                        c.error(Code::NotException, span, message);
                        caught = Ty::UNKNOWN;
                    } else if caught != Ty::UNKNOWN
                        && earlier.iter().take(100).any(|e| {
                            c.types
                                .def(*e)
                                .is_some_and(|def| c.types.derives(caught, def))
                        })
                    {
                        let message =
                            format!("an earlier `catch` takes every `{}`", c.show(caught));
                        c.report(
                            Problem::new(Code::UnreachableCatch, span, message)
                                .help("put this block before it"),
                        );
                    }
                }
                if let Some(name) = name {
                    c.declare_variable(name, caught, *node);
                }
                if let Some(filter) = filter {
                    c.condition_value(filter);
                } else if caught != Ty::UNKNOWN {
                    earlier.push(caught);
                }
                c.statement(body);
            });
        }
    }

    fn using(&mut self, resource: NodeId, body: NodeId) {
        self.scoped(|c| {
            match c.tree.kind(resource) {
                NodeKind::LocalDeclaration { ty, variables, .. } => {
                    let (ty, variables) = (*ty, variables.clone());
                    c.local_declaration(false, ty, &variables, Some("using"));
                    for variable in &variables {
                        let ty = c
                            .node_types
                            .get(variable.index())
                            .copied()
                            .unwrap_or(Ty::UNKNOWN);
                        if ty != Ty::VOID {
                            c.disposable(ty, c.tree.span(resource));
                        }
                    }
                }
                _ => {
                    let value = c.value(resource);
                    let value = c.typed(value);
                    if !matches!(value.what, What::Null) {
                        c.disposable(value.ty, c.tree.span(resource));
                    }
                }
            }
            c.scoped(|c| c.statement(body));
        });
    }

    fn disposable(&mut self, ty: Ty, span: Span) {
        let known = ty != Ty::UNKNOWN && ty != Ty::DYNAMIC && !self.types.is_opaque(ty);
        if known && self.types.as_def(ty, KNOWN.disposable).is_none() {
            let message = format!(
                "a `{}` needs no `using`: it is not IDisposable",
                self.show(ty)
            );
            self.report(
                Problem::new(Code::NotDisposable, span, message)
                    .help("declare the variable without `using`"),
            );
        }
    }

    /// Makes a local function known to its block.
    fn declare_function(&mut self, node: NodeId) {
        let NodeKind::LocalFunction {
            result,
            name,
            type_parameters,
            parameters,
            constraints,
            ..
        } = self.tree.kind(node)
        else {
            return;
        };
        let first = u32::try_from(self.types.variables.len()).unwrap_or(u32::MAX);
        let number = u32::try_from(self.functions.len()).unwrap_or(u32::MAX);
        let signature = self.scoped(|c| {
            c.type_variables(type_parameters, constraints);
            let ty = c.type_of(*result);
            let count = u32::try_from(type_parameters.len()).unwrap_or(0);
            let mut params = Vec::new();
            for parameter in parameters {
                let NodeKind::Parameter { mode, is_params, ty, name, default } = *c.tree.kind(*parameter) else {
                    continue;
                };
                let ty = ty.map_or(Ty::UNKNOWN, |ty| c.type_of(ty));
                if is_params && !matches!(c.types.get(ty), Type::Array(_, 1) | Type::Unknown) {
                    let message = "`params` of another type than an array needs C# 13; policy expressions are C# 7";
                    c.error(Code::LanguageVersion, c.tree.span(*parameter), message);
                }
                params.push(Param {
                    name: (&*c.tree.name(name)).into(),
                    ty: c.types.opened(ty, first, count),
                    by_ref: matches!(mode, Mode::Ref | Mode::Out),
                    is_out: mode == Mode::Out,
                    is_params,
                    optional: default.is_some(),
                });
            }
            let variables = c.types.variables[first as usize..].to_vec();
            Signature {
                params,
                result: c.types.opened(ty, first, count),
                type_parameters: variables
                    .iter()
                    .map(|v| SignatureType { is_class: v.is_class, is_struct: v.is_struct, bounds: v.bounds.clone() })
                    .collect(),
                    is_extension: false,
            }
        });
        self.functions.push(Function {
            node,
            signature: Rc::new(signature),
            first_variable: first,
        });
        let name = *name;
        self.declare(name, Local::Function(number));
    }

    fn type_variables(&mut self, type_parameters: &[NodeId], constraints: &[NodeId]) {
        for parameter in type_parameters {
            if let NodeKind::TypeParameter(span) = *self.tree.kind(*parameter) {
                let number = u32::try_from(self.types.variables.len()).unwrap_or(u32::MAX);
                let name = (&*self.tree.name(span)).into();
                self.types.variables.push(TypeVariable {
                    name,
                    is_class: false,
                    is_struct: false,
                    bounds: Vec::new(),
                });
                self.declare(span, Local::TypeParameter(number));
            }
        }
        for constraint in constraints {
            let NodeKind::Constraint {
                name,
                types,
                is_class,
                is_struct,
            } = self.tree.kind(*constraint)
            else {
                continue;
            };
            let bounds: Vec<Ty> = types.iter().map(|ty| self.type_of(*ty)).collect();
            let text = self.tree.name(*name).into_owned();
            if let Some(Local::TypeParameter(n)) = self.scopes.find(&text)
                && let Some(variable) = self.types.variables.get_mut(*n as usize)
            {
                variable.is_class |= *is_class;
                variable.is_struct |= *is_struct;
                variable.bounds.extend(bounds);
            }
        }
    }

    fn function_body(&mut self, node: NodeId) {
        let NodeKind::LocalFunction {
            is_async,
            result,
            type_parameters,
            parameters,
            body,
            is_value,
            ..
        } = self.tree.kind(node)
        else {
            return;
        };
        let Some(first) = self
            .functions
            .iter()
            .rev()
            .find(|f| f.node == node)
            .map(|f| f.first_variable)
        else {
            // A function that stands alone, such as behind a label.
            self.declare_function(node);
            return;
        };
        let bindings = std::mem::take(&mut self.bindings);
        self.scoped(|c| {
            for (n, parameter) in (0..).zip(type_parameters) {
                if let NodeKind::TypeParameter(span) = *c.tree.kind(*parameter) {
                    c.declare(span, Local::TypeParameter(first + n));
                }
            }
            let ty = c.quietly(|c| c.type_of(*result)).0;
            c.scoped(|c| {
                for parameter in parameters {
                    if let NodeKind::Parameter { ty, name, default, .. } = *c.tree.kind(*parameter) {
                        let ty = ty.map_or(Ty::UNKNOWN, |ty| c.quietly(|c| c.type_of(ty)).0);
                        c.declare(name, Local::Variable { ty, node: *parameter, kind: LocalKind::Plain });
                        c.note_type(*parameter, ty);
                        if let Some(default) = default {
                            let value = c.value(default);
                            c.convert(&value, ty);
                        }
                    }
                }
                let Some(body) = *body else {
                    return;
                };
                let mut kind = FrameKind::Function;
                let mut wanted = ty;
                if c.yields(body) {
                    kind = FrameKind::Iterator;
                    wanted = c.iterated(ty).unwrap_or_else(|| {
                        let message = format!("`yield` needs a function that returns a sequence, and this returns `{}`", c.show(ty));
                        c.error(Code::BadIterator, c.tree.span(node), message);
                        Ty::UNKNOWN
                    });
                } else if *is_async {
                    wanted = match c.types.def(ty) {
                        Some(def) if def == KNOWN.task_of => c.types.arguments(ty).first().copied().unwrap_or(Ty::UNKNOWN),
                        _ => Ty::VOID,
                    };
                }
                c.frames.push(Frame { result: Some(wanted), returns: Vec::new(), kind });
                if *is_value {
                    let value = c.value(body);
                    if wanted != Ty::VOID && !value.is_unknown() {
                        c.convert(&value, wanted);
                    }
                } else {
                    c.statement(body);
                }
                c.frames.pop();
            });
        });
        self.bindings = bindings;
    }

    fn iterated(&mut self, ty: Ty) -> Option<Ty> {
        let def = self.types.def(ty)?;
        if def == KNOWN.enumerable || def == KNOWN.enumerator {
            return Some(Ty::OBJECT);
        }
        let known = def == KNOWN.enumerable_of || def == KNOWN.enumerator_of;
        if known {
            self.types.arguments(ty).first().copied()
        } else {
            None
        }
    }

    /// Whether a function yields; functions inside it do not count.
    fn yields(&self, node: NodeId) -> bool {
        let mut todo = vec![node];
        while let Some(next) = todo.pop() {
            match self.tree.kind(next) {
                NodeKind::Yield(_) => return true,
                NodeKind::LocalFunction { .. }
                | NodeKind::Lambda { .. }
                | NodeKind::Delegate { .. } => {}
                kind => kind.each_child(&mut |child| todo.push(child)),
            }
        }
        false
    }
}
