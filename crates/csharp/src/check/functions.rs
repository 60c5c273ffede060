//! Local functions.

use super::known::KNOWN;
use super::scope::{Local, LocalKind};
use super::types::{Ty, Type, TypeVariable};
use super::value::{Param, Signature, SignatureType};
use super::{Checker, Frame, FrameKind, Function};
use crate::problem::Code;
use crate::tree::{Mode, NodeId, NodeKind};
use std::rc::Rc;

impl Checker<'_> {
    /// Makes a local function known to its block.
    pub(super) fn declare_function(&mut self, node: NodeId) {
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

    pub(super) fn type_variables(&mut self, type_parameters: &[NodeId], constraints: &[NodeId]) {
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

    pub(super) fn function_body(&mut self, node: NodeId) {
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

    pub(super) fn iterated(&mut self, ty: Ty) -> Option<Ty> {
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
    pub(super) fn yields(&self, node: NodeId) -> bool {
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
