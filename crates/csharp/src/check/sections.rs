//! `switch`, `catch` and `using`.

use super::Checker;
use super::known::KNOWN;
use super::types::Ty;
use super::value::{Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};
use std::collections::BTreeSet;

impl Checker<'_> {
    pub(super) fn switch(&mut self, value: NodeId, sections: &[NodeId]) {
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

    pub(super) fn case(
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

    pub(super) fn catches(&mut self, catches: &[NodeId]) {
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

    pub(super) fn using(&mut self, resource: NodeId, body: NodeId) {
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

    pub(super) fn disposable(&mut self, ty: Ty, span: Span) {
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
}
