//! Lambdas, anonymous methods, and methods that become delegates.

use super::arguments::Arg;
use super::known::KNOWN;
use super::overload::Choice;
use super::scope::{Local, LocalKind};
use super::types::Ty;
use super::value::{Group, Method, Value, What};
use super::{Checker, Frame, FrameKind};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{Mode, NodeId, NodeKind};
use std::rc::Rc;

/// A lambda, the types of its parameters, and those of the lambdas around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LambdaKey {
    node: NodeId,
    parameters: Rc<[Ty]>,
    environment: u32,
}

/// What a lambda's body gives.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    environment: u32,
    values: Rc<[Value]>,
    /// An expression that may stand as a statement.
    is_statement: bool,
    is_block: bool,
    is_async: bool,
}

/// The parts of a lambda or anonymous method.
struct Parts {
    is_async: bool,
    /// `None`: `delegate { }` takes whatever comes.
    parameters: Option<Box<[NodeId]>>,
    body: NodeId,
}

impl Checker<'_> {
    fn parts(&self, node: NodeId) -> Option<Parts> {
        match self.tree.kind(node) {
            NodeKind::Lambda {
                is_async,
                parameters,
                body,
                ..
            } => Some(Parts {
                is_async: *is_async,
                parameters: Some(parameters.clone()),
                body: *body,
            }),
            NodeKind::Delegate {
                is_async,
                parameters,
                body,
            } => Some(Parts {
                is_async: *is_async,
                parameters: parameters.clone(),
                body: *body,
            }),
            NodeKind::Parenthesized(inner) => self.parts(*inner),
            _ => None,
        }
    }

    /// The types of a lambda's parameters, when it spells them out.
    pub(super) fn explicit_parameters(&mut self, node: NodeId) -> Option<Vec<Ty>> {
        let parameters = self.parts(node)?.parameters?;
        let mut types = Vec::new();
        for parameter in &parameters {
            match *self.tree.kind(*parameter) {
                NodeKind::Parameter { ty: Some(ty), .. } => {
                    types.push(self.quietly(|c| c.type_of(ty)).0);
                }
                _ => return None,
            }
        }
        (!types.is_empty()).then_some(types)
    }

    /// Reads the body with these parameters; once for each set of types.
    fn bind_lambda(
        &mut self,
        node: NodeId,
        parameters: &[Ty],
        result: Option<Ty>,
    ) -> Option<Bound> {
        let parts = self.parts(node)?;
        let key = LambdaKey {
            node,
            parameters: parameters.into(),
            environment: self.lambda_environment,
        };
        let known = self.lambdas.get(&key).cloned();
        if self.quiet > 0
            && let Some(bound) = known
        {
            return Some(bound);
        }
        if !self.step(4) {
            return None;
        }
        let environment = match &known {
            Some(bound) => bound.environment,
            None => {
                self.environments += 1;
                self.environments
            }
        };
        let around = std::mem::replace(&mut self.lambda_environment, environment);
        let bindings = std::mem::take(&mut self.bindings);
        let is_block = matches!(self.tree.kind(parts.body), NodeKind::Block(_));
        let (values, is_statement) = self.scoped(|c| {
            c.declare_parameters(parts.parameters.as_deref(), parameters);
            if is_block {
                let result = result.filter(|_| !parts.is_async);
                c.frames.push(Frame {
                    result,
                    returns: Vec::new(),
                    kind: FrameKind::Lambda,
                });
                c.statement(parts.body);
                let returns = c.frames.pop().map(|f| f.returns).unwrap_or_default();
                (returns, false)
            } else {
                c.frames.push(Frame {
                    result,
                    returns: Vec::new(),
                    kind: FrameKind::Lambda,
                });
                let value = c.value(parts.body);
                // A lambda in it is read where the parameters of this one are known.
                if let (What::Lambda, Some(result)) = (&value.what, result) {
                    c.convert_result(&value, result);
                }
                let statement = c.is_statement_expression(parts.body) || value.is_unknown();
                c.frames.pop();
                (vec![value], statement)
            }
        });
        self.bindings = bindings;
        self.lambda_environment = around;
        let bound = Bound {
            environment,
            values: values.into(),
            is_statement,
            is_block,
            is_async: parts.is_async,
        };
        self.lambdas.insert(key, bound.clone());
        Some(bound)
    }

    fn declare_parameters(&mut self, nodes: Option<&[NodeId]>, types: &[Ty]) {
        for (n, node) in nodes.unwrap_or(&[]).iter().enumerate() {
            let NodeKind::Parameter { ty, name, .. } = *self.tree.kind(*node) else {
                continue;
            };
            let ty = match ty {
                Some(ty) => self.type_of(ty),
                None => types.get(n).copied().unwrap_or(Ty::UNKNOWN),
            };
            let later = name.of(self.tree.text()) == "_"
                && matches!(self.scopes.find("_"), Some(Local::Variable { .. }));
            if later && n > 0 {
                let problem = Problem::new(
                    Code::LanguageVersion,
                    name,
                    "a second `_` among the parameters needs C# 9; policy expressions are C# 7",
                );
                self.report(problem.help("give it a name"));
                continue;
            }
            self.declare(
                name,
                Local::Variable {
                    ty,
                    node: *node,
                    kind: LocalKind::Plain,
                },
            );
            self.note_type(*node, ty);
        }
    }

    /// The type that a lambda gives with these parameters; `None` when it has none.
    pub(super) fn lambda_result(&mut self, node: NodeId, parameters: &[Ty]) -> Option<Ty> {
        let bound = self.quietly(|c| c.bind_lambda(node, parameters, None)).0?;
        let result = if bound.values.iter().all(|v| matches!(v.what, What::Nothing)) {
            Ty::VOID
        } else {
            self.common_type(&bound.values)?
        };
        if !bound.is_async {
            return Some(result);
        }
        Some(match result {
            Ty::VOID => self.types.named(KNOWN.task, &[]),
            result => self.types.named(KNOWN.task_of, &[result]),
        })
    }

    /// Whether a lambda can become a `to`.
    pub(super) fn lambda_converts(&mut self, node: NodeId, to: Ty) -> bool {
        if self.types.is_opaque(to) {
            return true;
        }
        let Some(delegate) = self.delegate(to) else {
            return false;
        };
        let Some(parts) = self.parts(node) else {
            return true;
        };
        if let Some(list) = &parts.parameters {
            if list.len() != delegate.params.len() {
                return false;
            }
            if let Some(explicit) = self.explicit_parameters(node)
                && !explicit
                    .iter()
                    .zip(&delegate.params)
                    .all(|(a, b)| self.same(*a, b.ty))
            {
                return false;
            }
        }
        let parameters: Vec<Ty> = delegate.params.iter().map(|p| p.ty).collect();
        let Some(bound) = self.quietly(|c| c.bind_lambda(node, &parameters, None)).0 else {
            return true;
        };
        let Some(result) = self.awaited(delegate.result, bound.is_async) else {
            return false;
        };
        if result == Ty::VOID {
            return if bound.is_block {
                bound.values.iter().all(|v| matches!(v.what, What::Nothing))
            } else {
                bound.is_statement
            };
        }
        let nothing = bound.values.iter().any(|v| matches!(v.what, What::Nothing));
        if nothing || bound.is_block && bound.values.is_empty() && !self.never_ends(parts.body) {
            return false;
        }
        bound
            .values
            .iter()
            .all(|value| self.converts(value, result))
    }

    /// What an async lambda gives inside its task.
    fn awaited(&mut self, result: Ty, is_async: bool) -> Option<Ty> {
        if !is_async {
            return Some(result);
        }
        if result == Ty::VOID || self.types.def(result) == Some(KNOWN.task) {
            return Some(Ty::VOID);
        }
        let task = self.types.def(result) == Some(KNOWN.task_of);
        if task {
            self.types.arguments(result).first().copied()
        } else {
            None
        }
    }

    /// A body that only throws or loops.
    fn never_ends(&self, body: NodeId) -> bool {
        match self.tree.kind(body) {
            NodeKind::Block(list) => list.last().is_some_and(|last| self.never_ends(*last)),
            NodeKind::Throw(_) => true,
            NodeKind::While { condition, .. } => {
                matches!(self.tree.kind(*condition), NodeKind::True)
            }
            _ => false,
        }
    }

    /// Reads a lambda whose type is settled, and reports what is wrong in it.
    pub(super) fn finish_lambda(&mut self, node: NodeId, to: Ty) {
        if self.quiet > 0 {
            return;
        }
        let Some(delegate) = self.delegate(to) else {
            self.abandon_lambda(node);
            return;
        };
        self.note_type(node, to);
        let parameters: Vec<Ty> = delegate.params.iter().map(|p| p.ty).collect();
        let is_async = self.parts(node).is_some_and(|p| p.is_async);
        let result = self
            .awaited(delegate.result, is_async)
            .unwrap_or(Ty::UNKNOWN);
        let Some(bound) = self.bind_lambda(node, &parameters, Some(result)) else {
            return;
        };
        if result == Ty::VOID || bound.is_block {
            return;
        }
        let values = bound.values.iter();
        for value in values.filter(|value| !matches!(value.what, What::Lambda)) {
            self.convert_result(value, result);
        }
    }

    fn convert_result(&mut self, value: &Value, result: Ty) {
        if self.converts(value, result) {
            self.convert(value, result);
            return;
        }
        if matches!(value.what, What::Lambda) {
            self.lambda_mismatch(value.node, result);
            return;
        }
        if matches!(
            value.what,
            What::Nothing | What::Group(_) | What::Type | What::Space(_)
        ) {
            self.no_conversion(value, result);
            return;
        }
        let message = format!(
            "this lambda must give a `{}`, and this is a `{}`",
            self.show(result),
            self.show(value.ty)
        );
        self.error(Code::NoConversion, self.tree.span(value.node), message);
    }

    /// Reads a lambda of which nothing else is known.
    pub(super) fn abandon_lambda(&mut self, node: NodeId) {
        if self.quiet > 0 {
            return;
        }
        let count = self
            .parts(node)
            .and_then(|p| p.parameters)
            .map_or(0, |p| p.len());
        let parameters = vec![Ty::UNKNOWN; count];
        self.bind_lambda(node, &parameters, None);
    }

    /// Reports why a lambda does not become a `to`.
    pub(super) fn lambda_mismatch(&mut self, node: NodeId, to: Ty) {
        let span = self.lambda_span(node);
        let Some(delegate) = self.delegate(to) else {
            let message = format!("a lambda is no `{}`", self.show(to));
            self.error(Code::NotADelegate, span, message);
            self.abandon_lambda(node);
            return;
        };
        let count = self
            .parts(node)
            .and_then(|p| p.parameters)
            .map_or(delegate.params.len(), |p| p.len());
        if count != delegate.params.len() {
            let message = format!(
                "this lambda has {count} parameters, and `{}` has {}",
                self.show(to),
                delegate.params.len()
            );
            self.error(Code::LambdaParameters, span, message);
            self.abandon_lambda(node);
            return;
        }
        let before = self.problems.len();
        self.finish_lambda(node, to);
        if self.quiet == 0 && self.problems.len() == before {
            let message = format!("this lambda does not fit `{}`", self.show(to));
            let body = self.parts(node).map_or(span, |p| self.tree.span(p.body));
            self.error(Code::LambdaResult, body, message);
        }
    }

    /// How many parameters a lambda has; `None` when it takes what comes.
    pub(super) fn parameter_count(&self, node: NodeId) -> Option<usize> {
        self.parts(node)?.parameters.map(|list| list.len())
    }

    fn lambda_span(&self, node: NodeId) -> Span {
        match self.tree.kind(node) {
            NodeKind::Lambda { arrow, .. } => *arrow,
            _ => self.tree.span(node),
        }
    }

    fn delegate_args(&mut self, parameters: &[Ty], node: NodeId) -> Vec<Arg> {
        parameters
            .iter()
            .map(|ty| Arg {
                name: None,
                mode: Mode::Value,
                value: Value::new(*ty, node),
            })
            .collect()
    }

    fn choose_group(&mut self, group: &Group, parameters: &[Ty]) -> Choice {
        let args = self.delegate_args(parameters, group.name_node);
        let types = group.types.clone();
        let found = self.choose(&group.methods, &args, types.as_deref());
        if let (Choice::None(_), Some(target)) = (&found, &group.target)
            && !group.extensions.is_empty()
        {
            let mut all = vec![Arg::plain((**target).clone())];
            all.extend(args);
            return self.choose(&group.extensions, &all, types.as_deref());
        }
        found
    }

    /// What a method group gives when it is called with these types.
    pub(super) fn group_result(&mut self, group: &Group, parameters: &[Ty]) -> Option<Ty> {
        match self.choose_group(group, parameters) {
            Choice::One(call) if call.result != Ty::VOID => Some(call.result),
            _ => None,
        }
    }

    pub(super) fn group_converts(&mut self, group: &Group, to: Ty) -> bool {
        if self.types.is_opaque(to) {
            return true;
        }
        let Some(delegate) = self.delegate(to) else {
            return false;
        };
        let parameters: Vec<Ty> = delegate.params.iter().map(|p| p.ty).collect();
        match self.choose_group(group, &parameters) {
            Choice::One(call) => {
                delegate.result == Ty::VOID
                    || self.reference(call.result, delegate.result)
                        && !(self.types.is_value_type(call.result)
                            && call.result != delegate.result)
            }
            Choice::Ambiguous(..) | Choice::None(_) => false,
        }
    }

    /// A method group that became a delegate: API Management looks at its name.
    pub(super) fn finish_group(&mut self, group: &Group, to: Ty) {
        self.note_type(group.name_node, to);
        let Some(delegate) = self.delegate(to) else {
            return;
        };
        let parameters: Vec<Ty> = delegate.params.iter().map(|p| p.ty).collect();
        if let Choice::One(call) = self.choose_group(group, &parameters)
            && let Method::Member { .. } = call.method
        {
            self.permit_method(call.method, self.name_span(group.name_node));
        }
    }
}
