//! Arguments, before and after it is known what they are for.

use super::Checker;
use super::overload::Call;
use super::scope::LocalKind;
use super::types::Ty;
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{Mode, NodeId, NodeKind};
use std::rc::Rc;

/// One argument.
#[derive(Debug, Clone)]
pub(super) struct Arg {
    pub(super) name: Option<(Rc<str>, Span)>,
    pub(super) mode: Mode,
    pub(super) value: Value,
}

impl Arg {
    pub(super) fn plain(value: Value) -> Self {
        Self {
            name: None,
            mode: Mode::Value,
            value,
        }
    }
}

impl Checker<'_> {
    pub(super) fn arguments(&mut self, nodes: &[NodeId]) -> Vec<Arg> {
        nodes.iter().map(|node| self.argument(*node)).collect()
    }

    fn argument(&mut self, node: NodeId) -> Arg {
        let NodeKind::Argument { name, mode, value } = *self.tree.kind(node) else {
            return Arg::plain(self.argument_value(node));
        };
        let name = name.map(|span| (Rc::from(&*self.tree.name(span)), span));
        let bound = match mode {
            Mode::Out => self.out_argument(value),
            _ => self.argument_value(value),
        };
        if mode == Mode::Ref && bound.ty != Ty::UNKNOWN && !matches!(bound.what, What::Variable) {
            let span = self.tree.span(value);
            self.error(
                Code::RefArgument,
                span,
                "only a variable can be passed by `ref`",
            );
        }
        Arg {
            name,
            mode,
            value: bound,
        }
    }

    fn argument_value(&mut self, node: NodeId) -> Value {
        let value = self.value(node);
        match value.what {
            What::Type | What::Space(_) => self.readable(value),
            _ => value,
        }
    }

    fn out_argument(&mut self, node: NodeId) -> Value {
        match *self.tree.kind(node) {
            NodeKind::Declaration { ty, name } => {
                let declared = match ty {
                    Some(ty) if !self.is_var(ty) => self.type_of(ty),
                    _ => Ty::UNKNOWN,
                };
                if let NodeKind::Local(span) = *self.tree.kind(name) {
                    self.declare_variable(span, declared, name);
                }
                if declared == Ty::UNKNOWN {
                    return Value::of(Ty::UNKNOWN, What::OutVar, node);
                }
                Value::of(declared, What::Variable, node)
            }
            NodeKind::Name { name, types: None }
                if name.of(self.tree.text()) == "_" && self.scopes.find("_").is_none() =>
            {
                Value::of(Ty::UNKNOWN, What::OutVar, node)
            }
            _ => {
                let value = self.argument_value(node);
                if value.ty != Ty::UNKNOWN && !matches!(value.what, What::Variable) {
                    let span = self.tree.span(node);
                    self.error(
                        Code::RefArgument,
                        span,
                        "only a variable can be passed by `out`",
                    );
                }
                value
            }
        }
    }

    /// What is left to do when the method is known: lambdas get their types,
    /// variables of `out var` theirs.
    pub(super) fn finish_arguments(&mut self, call: &Call, args: &mut [Arg]) {
        for (arg, ty) in args.iter_mut().zip(&call.parameters) {
            match &arg.value.what {
                What::Lambda => self.finish_lambda(arg.value.node, *ty),
                What::Group(group) => {
                    let group = Rc::clone(group);
                    self.finish_group(&group, *ty);
                }
                What::OutVar => {
                    if let NodeKind::Declaration { name, .. } = *self.tree.kind(arg.value.node)
                        && let NodeKind::Local(span) = *self.tree.kind(name)
                    {
                        self.settle(span, *ty, LocalKind::Plain);
                    }
                    arg.value.ty = *ty;
                }
                What::Null | What::Default => self.note_type(arg.value.node, *ty),
                _ => {}
            }
        }
    }

    /// Arguments of something that is not known: lambdas in them are read with
    /// unknown parameters.
    pub(super) fn abandon_arguments(&mut self, args: &[Arg]) {
        for arg in args {
            if let What::Lambda = arg.value.what {
                self.abandon_lambda(arg.value.node);
            }
        }
    }

    /// Something that must be a value.
    pub(super) fn readable(&mut self, value: Value) -> Value {
        let span = self.tree.span(value.node);
        match &value.what {
            What::Type => {
                if value.ty != Ty::UNKNOWN {
                    let shown = self.show(value.ty);
                    let message = format!("`{shown}` is a type, and a value is wanted here");
                    let help = format!("`new {shown}(...)` makes a value, `({shown})x` casts one");
                    self.report(Problem::new(Code::BadContext, span, message).help(help));
                }
                Value::unknown(value.node)
            }
            What::Space(space) => {
                let message = format!("`{space}` is a namespace, and a value is wanted here");
                self.error(Code::WrongKind, span, message);
                Value::unknown(value.node)
            }
            What::Group(group) => {
                let group = Rc::clone(group);
                let span = self.name_span(group.name_node);
                let message = format!("`{}` is a method, and a value is wanted here", group.name);
                let help = format!("call it: `{}(...)`", group.name);
                self.report(Problem::new(Code::MethodGroup, span, message).help(help));
                Value::unknown(value.node)
            }
            _ => value,
        }
    }

    /// Something that must be a value with a type of its own.
    pub(super) fn typed(&mut self, value: Value) -> Value {
        let value = self.readable(value);
        let span = self.tree.span(value.node);
        match value.what {
            What::Nothing => {
                self.error(
                    Code::NoConversion,
                    span,
                    "nothing is returned here, and a value is wanted",
                );
                Value::unknown(value.node)
            }
            What::Lambda => {
                self.error(Code::NotADelegate, span, "a lambda has no type of its own; it can be an argument, or go to a variable of a delegate type");
                self.abandon_lambda(value.node);
                Value::unknown(value.node)
            }
            _ => value,
        }
    }

    /// Reports that `value` does not become a `to`.
    pub(super) fn no_conversion(&mut self, value: &Value, to: Ty) {
        let span = self.tree.span(value.node);
        match &value.what {
            What::Type | What::Space(_) => {
                self.readable(value.clone());
                return;
            }
            What::Group(group) => {
                if self.types.is_delegate(to) {
                    let message = format!("`{}` has no overload for {}", group.name, self.show(to));
                    self.error(Code::NoConversion, span, message);
                } else {
                    self.readable(value.clone());
                }
                return;
            }
            What::Null => {
                let shown = self.show(to);
                let message = format!("a `{shown}` is never null");
                let help = format!("write `{shown}?` for one that may be null");
                self.report(Problem::new(Code::NullForValueType, span, message).help(help));
                return;
            }
            What::Nothing => {
                let message = format!(
                    "nothing is returned here, and a `{}` is wanted",
                    self.show(to)
                );
                self.error(Code::NoConversion, span, message);
                return;
            }
            What::Lambda => {
                self.lambda_mismatch(value.node, to);
                return;
            }
            _ => {}
        }
        let (from, shown) = (self.show(value.ty), self.show(to));
        if value.constant.is_some()
            && super::hierarchy::Numeric::of(value.ty) == Some(super::hierarchy::Numeric::Double)
            && matches!(to, Ty::FLOAT | Ty::DECIMAL)
        {
            let suffix = if to == Ty::FLOAT { "f" } else { "m" };
            let message = format!("this number is a `double`, and a `{shown}` is wanted");
            self.report(
                Problem::new(Code::RealSuffix, span, message)
                    .help(format!("write `{suffix}` behind it")),
            );
            return;
        }
        if self.casts(value, to) {
            let message = format!("a `{from}` becomes a `{shown}` only with a cast");
            let help = format!("write `({shown})` in front, if that is what it holds");
            self.report(Problem::new(Code::NeedsCast, span, message).help(help));
            return;
        }
        let message = format!("a `{from}` is no `{shown}`");
        let help = if to == Ty::STRING {
            "write `.ToString()` behind it, if its text is meant".to_owned()
        } else if value.ty == Ty::STRING && super::hierarchy::Numeric::of(to).is_some() {
            format!("`{shown}.Parse(...)` reads a number from a text")
        } else {
            String::new()
        };
        self.report(Problem::new(Code::NoConversion, span, message).help(help));
    }

    /// Converts, or reports that it does not.
    pub(super) fn convert(&mut self, value: &Value, to: Ty) {
        if self.converts(value, to) {
            match &value.what {
                What::Lambda => self.finish_lambda(value.node, to),
                What::Group(group) => {
                    let group = Rc::clone(group);
                    self.finish_group(&group, to);
                }
                What::Null | What::Default => self.note_type(value.node, to),
                _ => {}
            }
        } else {
            self.no_conversion(value, to);
        }
    }
}
