//! Simple names in expressions.

use super::Checker;
use super::hints;
use super::scope::{Local, LocalKind};
use super::type_names::Place;
use super::types::Ty;
use super::value::{Group, Method, Value, What};
use crate::problem::{Code, MOST_PROBLEMS, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    pub(super) fn simple_name(
        &mut self,
        node: NodeId,
        span: Span,
        types: Option<&[NodeId]>,
    ) -> Value {
        if self.tree_is_named_value(span) {
            return Value::unknown(node);
        }
        let name = self.tree.name(span).into_owned();
        if let Some(local) = self.scopes.find(&name).cloned() {
            match local {
                Local::Variable {
                    ty,
                    node: declared,
                    kind,
                } => {
                    return self.local_value(node, span, &name, ty, declared, kind);
                }
                Local::Function(n) => {
                    let types = self.type_list(types, true).map(Rc::from);
                    if self.quiet == 0
                        && let Some(slot) = self.declarations.get_mut(node.index())
                    {
                        *slot = self.functions.get(n as usize).map(|f| f.node);
                    }
                    let group = Group {
                        name: name.into(),
                        name_node: node,
                        target: None,
                        methods: vec![Method::Local(n)],
                        extensions: Vec::new(),
                        types,
                    };
                    return Value::of(Ty::UNKNOWN, What::Group(Rc::new(group)), node);
                }
                Local::TypeParameter(_) => {}
            }
        }
        // `dynamic` is a type where one stands, and a name like others elsewhere.
        let known = name != "dynamic" && self.quietly(|c| c.place(node, false)).0.is_some();
        if known {
            return match self.place(node, true) {
                Some(Place::Type(ty)) => Value::of(ty, What::Type, node),
                Some(Place::Space(space)) => {
                    Value::of(Ty::UNKNOWN, What::Space(space.into()), node)
                }
                None => Value::unknown(node),
            };
        }
        // An ambiguous type has said so itself.
        let failures = self.failures;
        let ambiguous = self.ambiguous_type(node, &name);
        if ambiguous || self.failures > failures {
            return Value::unknown(node);
        }
        self.unknown_name(&name, span, types.is_some());
        Value::unknown(node)
    }

    /// Reports a name that several namespaces have, if that is what it is.
    fn ambiguous_type(&mut self, node: NodeId, name: &str) -> bool {
        let several = crate::table::TABLE.named(name).iter();
        let several = several
            .filter(|def| crate::table::TABLE.is_imported(**def))
            .count()
            > 0;
        if several {
            self.place(node, true);
        }
        several
    }

    fn local_value(
        &mut self,
        node: NodeId,
        span: Span,
        name: &str,
        ty: Ty,
        declared: NodeId,
        kind: LocalKind,
    ) -> Value {
        if self.quiet == 0
            && let Some(slot) = self.declarations.get_mut(node.index())
        {
            *slot = Some(declared);
        }
        match kind {
            LocalKind::Plain => Value::of(ty, What::Variable, node),
            LocalKind::Constant(constant) => {
                let mut value = Value::of(ty, What::ReadOnly(Code::NotAssignable), node);
                value.constant = Some(constant);
                value
            }
            LocalKind::Fixed(_) => Value::of(ty, What::ReadOnly(Code::ReadOnlyLoop), node),
            LocalKind::Unborn => {
                if ty == Ty::UNKNOWN {
                    let message = format!("`{name}` is used in its own declaration");
                    self.error(Code::Unassigned, span, message);
                }
                Value::of(ty, What::Variable, node)
            }
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span, generic: bool) {
        if generic {
            let message = format!("there is no type or method `{name}`");
            self.error(Code::UnknownName, span, message);
            return;
        }
        if self.quiet > 0 || self.problems.len() >= MOST_PROBLEMS {
            self.failures += 1;
            return;
        }
        let mut problem = Problem::new(
            Code::UnknownName,
            span,
            format!("there is no `{name}` here"),
        );
        let help = match name {
            "True" | "TRUE" => Some("C# writes `true`".to_owned()),
            "False" | "FALSE" => Some("C# writes `false`".to_owned()),
            "Null" | "NULL" | "None" | "nil" | "undefined" => Some("C# writes `null`".to_owned()),
            _ => None,
        };
        let elsewhere = crate::table::TABLE.named(name).first();
        if let Some(help) = help {
            problem = problem.help(help);
        } else if let Some(def) = elsewhere {
            problem = problem.help(format!(
                "the type is not imported in policy expressions; write {}",
                crate::table::TABLE.full(*def)
            ));
        } else if self.hints > 0 {
            let mut names: Vec<String> = self.scopes.names().map(str::to_owned).collect();
            names.extend(
                ["context", "true", "false", "null", "System", "Newtonsoft"].map(str::to_owned),
            );
            names.extend(crate::table::TABLE.imported_names().map(str::to_owned));
            names.extend(hints::WORDS.map(str::to_owned));
            if let Some(near) = self.near(name, names.iter().map(String::as_str)) {
                problem = problem.meant(name, near);
            }
        }
        self.report(problem);
    }

    /// `nameof(x)`: what it names has to exist.
    pub(super) fn is_nameof(&self, target: NodeId) -> bool {
        match self.tree.kind(target) {
            NodeKind::Name { name, types: None } => {
                name.of(self.tree.text()) == "nameof" && self.scopes.find("nameof").is_none()
            }
            _ => false,
        }
    }
}
