//! Local names.

use super::Checker;
use super::known::KNOWN;
use super::types::Ty;
use super::value::Const;
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::NodeId;
use std::collections::HashMap;
use std::rc::Rc;

/// What a local name is.
#[derive(Debug, Clone)]
pub(crate) enum Local {
    Variable {
        ty: Ty,
        node: NodeId,
        kind: LocalKind,
    },
    Function(u32),
    TypeParameter(u32),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LocalKind {
    /// It can be written.
    Plain,
    Constant(Const),
    /// The variable of a `foreach`, a `using` or a query.
    Fixed(&'static str),
    /// Its initializer is being read.
    Unborn,
}

#[derive(Debug)]
struct Named {
    level: u32,
    local: Local,
}

/// Names by scope.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    names: HashMap<Rc<str>, Vec<Named>>,
    /// Names declared, and where each scope starts in them.
    declared: Vec<Rc<str>>,
    starts: Vec<usize>,
}

impl Scopes {
    fn level(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Local> {
        self.names.get(name)?.last().map(|named| &named.local)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(|name| &**name)
    }

    fn set(&mut self, name: &Rc<str>, local: Local) {
        let level = self.level();
        self.declared.push(Rc::clone(name));
        self.names
            .entry(Rc::clone(name))
            .or_default()
            .push(Named { level, local });
    }
}

impl Checker<'_> {
    /// Opens a scope, does something, closes it.
    pub(super) fn scoped<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.starts.push(self.scopes.declared.len());
        let value = act(self);
        let start = self.scopes.starts.pop().unwrap_or(0);
        while self.scopes.declared.len() > start {
            if let Some(name) = self.scopes.declared.pop()
                && let Some(list) = self.scopes.names.get_mut(&name)
            {
                list.pop();
            }
        }
        value
    }

    pub(super) fn declare_context(&mut self) {
        let ty = self.types.named(KNOWN.context, &[]);
        let node = self.tree.root();
        let local = Local::Variable {
            ty,
            node,
            kind: LocalKind::Plain,
        };
        self.scopes.set(&"context".into(), local);
    }

    /// Declares a name, and reports one that is taken.
    pub(super) fn declare(&mut self, span: Span, local: Local) {
        let name: Rc<str> = self.tree.name(span).into();
        if name.is_empty() || self.tree_is_named_value(span) {
            return;
        }
        let level = self.scopes.level();
        if let Some(taken) = self.scopes.names.get(&name).and_then(|list| list.last()) {
            let problem = if taken.level == level {
                Problem::new(
                    Code::DuplicateLocal,
                    span,
                    format!("`{name}` is already declared in this block"),
                )
                .help("give one of the two another name, or assign to it without a type in front")
            } else if &*name == "context" {
                Problem::new(
                    Code::ShadowedLocal,
                    span,
                    "`context` is what every expression gets from API Management; a variable cannot have its name",
                )
            } else {
                Problem::new(
                    Code::ShadowedLocal,
                    span,
                    format!("`{name}` already means a variable of the code around it"),
                )
                .help("C# 7 has no second variable of one name in a nested scope; give it another name")
            };
            self.report(problem);
        }
        self.scopes.set(&name, local);
    }

    /// Declares a variable that can be read and written from now on.
    pub(super) fn declare_variable(&mut self, span: Span, ty: Ty, node: NodeId) {
        self.declare(
            span,
            Local::Variable {
                ty,
                node,
                kind: LocalKind::Plain,
            },
        );
        self.note_type(node, ty);
    }

    /// Sets type and kind of the variable declared last under this name.
    pub(super) fn settle(&mut self, span: Span, new_ty: Ty, new_kind: LocalKind) {
        let name = self.tree.name(span);
        let found = self
            .scopes
            .names
            .get_mut(&*name)
            .and_then(|list| list.last_mut());
        if let Some(Named {
            local: Local::Variable { ty, kind, node },
            ..
        }) = found
        {
            *ty = new_ty;
            *kind = new_kind;
            let node = *node;
            self.note_type(node, new_ty);
        }
    }

    pub(super) fn tree_is_named_value(&self, span: Span) -> bool {
        span.of(self.tree.text()).starts_with("{{")
    }
}
