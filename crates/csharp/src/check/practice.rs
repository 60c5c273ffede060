//! What compiles and is hardly ever right. Warnings, all of them.

use super::Checker;
use super::types::Ty;
use super::value::{Const, Value, What};
use crate::problem::{Code, Evidence, Problem};
use crate::span::Span;
use crate::tree::{BinaryOp, NodeId, NodeKind};

impl Checker<'_> {
    /// `object == string` compares references.
    pub(super) fn practice_binary(
        &mut self,
        node: NodeId,
        op: BinaryOp,
        left: &Value,
        right: &Value,
        _at: Span,
    ) {
        if self.quiet > 0 || !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) {
            return;
        }
        let null = |v: &Value| matches!(v.what, What::Null);
        let value = if null(left) { right } else { left };
        if (null(left) || null(right))
            && value.has_type()
            && self.types.is_value_type(value.ty)
            && self.types.nullable_of(value.ty).is_none()
        {
            let always = if op == BinaryOp::Equal {
                "never"
            } else {
                "always"
            };
            let message = format!(
                "a `{}` is never null, so this is {always} true",
                self.show(value.ty)
            );
            let problem = Problem::new(Code::NeverNull, self.tree.span(node), message);
            self.report(problem.evidence(Evidence::Practice).warning());
            return;
        }
        let text = |v: &Value| v.ty == Ty::STRING && v.has_type();
        let object = |v: &Value| v.ty == Ty::OBJECT && v.has_type();
        let (object, _) = match (object(left) && text(right), text(left) && object(right)) {
            (true, _) => (left, right),
            (_, true) => (right, left),
            _ => return,
        };
        let shown: String = self
            .tree
            .span(object.node)
            .of(self.tree.text())
            .chars()
            .take(60)
            .collect();
        let problem = Problem::new(
            Code::ReferenceComparison,
            self.tree.span(node),
            "this compares an object and a text by reference: two equal texts may be two objects",
        );
        self.report(
            problem
                .help(format!("cast it: `(string){shown}`"))
                .evidence(Evidence::Practice)
                .warning(),
        );
    }

    /// Remembers what a context variable is cast to, and warns when it is known to be
    /// something else. `as` and `is` ask, and do not fail.
    pub(super) fn note_cast(&mut self, value: &Value, to: Ty) {
        if self.quiet > 0 || to == Ty::UNKNOWN {
            return;
        }
        let mut node = value.node;
        while let NodeKind::Parenthesized(inner) = *self.tree.kind(node) {
            node = inner;
        }
        let NodeKind::Element { target, arguments } = self.tree.kind(node) else {
            return;
        };
        if !self.is_variables(*target) {
            return;
        }
        let Some(first) = arguments.first() else {
            return;
        };
        let span = match *self.tree.kind(*first) {
            NodeKind::Argument { value, .. } => self.tree.span(value),
            _ => return,
        };
        let shown = self.show(to);
        if let Some(read) = self.variables.get_mut(&(span.start, span.end)) {
            read.ty = Some(shown.clone());
            if let Some(name) = read.name.clone() {
                self.cast_of_variable(&name, &shown, self.tree.span(value.node));
            }
        }
    }

    /// Warns where the variable `name` is known to hold what is no `wanted`.
    pub(super) fn cast_of_variable(&mut self, name: &str, wanted: &str, span: Span) {
        let known = self.environment.variables.as_ref();
        if let Some(Some(held)) = known.and_then(|known| known.get(name))
            && cast_fails(held, wanted)
        {
            let message =
                format!("the variable `{name}` holds a `{held}`, so a cast to `{wanted}` fails");
            let problem = Problem::new(Code::VariableCast, span, message);
            self.report(problem.evidence(Evidence::Practice).warning());
        }
    }

    /// `context.Variables[...]`
    pub(super) fn variable_element(&mut self, target: NodeId, arguments: &[NodeId]) {
        if self.quiet > 0 || !self.is_variables(target) {
            return;
        }
        let [argument] = arguments else {
            return;
        };
        let NodeKind::Argument { value, .. } = *self.tree.kind(*argument) else {
            return;
        };
        let constant = match self.tree.kind(value) {
            NodeKind::Text => self.quietly(|c| c.text(value)).0.constant,
            _ => None,
        };
        let key = Value {
            ty: Ty::STRING,
            what: What::Value,
            constant: constant.clone(),
            node: value,
        };
        self.variable_read(&key, None, false);
        if let (Some(Const::Text(name)), Some(known)) = (constant, &self.environment.variables)
            && !known.contains_key(&*name)
        {
            let near = self
                .near(&name, known.keys().map(String::as_str))
                .map(str::to_owned);
            if let Some(near) = near {
                let message = format!("nothing sets a variable `{name}` before this");
                let problem = Problem::new(Code::UnreadVariable, self.tree.span(value), message);
                self.report(
                    problem
                        .meant(&name, &near)
                        .evidence(Evidence::Practice)
                        .warning(),
                );
            }
        }
    }
}

/// Whether a cast of an object that holds a `held` to the type `wanted` fails in any case,
/// as far as that is known of the two names.
pub fn cast_fails(held: &str, wanted: &str) -> bool {
    let wanted = wanted.strip_suffix('?').unwrap_or(wanted);
    if held == wanted {
        return false;
    }
    // Conversions of JSON to a text or number are not looked for in an object.
    match (json(held), json(wanted)) {
        (Some(held), Some(wanted)) => held && wanted,
        (Some(_), None) => is_plain(wanted) || is_collection(wanted),
        (None, Some(_)) => is_plain(held),
        (None, None) if is_plain(held) => {
            is_plain(wanted) || (is_collection(wanted) && held != "byte[]")
        }
        (None, None) => false,
    }
}

/// Arrays and generic classes. No result of an expression is one, `byte[]` aside, which is
/// an array of other small numbers too.
fn is_collection(name: &str) -> bool {
    const CLASSES: [&str; 3] = ["List<", "Dictionary<", "HashSet<"];
    name.ends_with("[]") || CLASSES.iter().any(|class| name.starts_with(class))
}

/// Whether it is a type of JSON, and then whether no value of another such type is one.
fn json(name: &str) -> Option<bool> {
    match name {
        "JToken" | "JContainer" => Some(false),
        "JObject" | "JArray" | "JValue" | "JProperty" => Some(true),
        _ => None,
    }
}

/// Types whose values no cast turns into one of another.
fn is_plain(name: &str) -> bool {
    matches!(
        name,
        "string"
            | "bool"
            | "char"
            | "sbyte"
            | "byte"
            | "short"
            | "ushort"
            | "int"
            | "uint"
            | "long"
            | "ulong"
            | "float"
            | "double"
            | "decimal"
            | "byte[]"
            | "IResponse"
            | "Jwt"
            | "DateTime"
            | "DateTimeOffset"
            | "TimeSpan"
            | "Guid"
            | "Uri"
    )
}
