//! Local variables.

use super::Checker;
use super::scope::{Local, LocalKind};
use super::types::{Ty, Type};
use super::value::{Const, What};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    /// `fixed`: the variables cannot be written, and why.
    pub(super) fn local_declaration(
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
            if let NodeKind::RefType(_) = self.tree.kind(ty)
                && !value.is_some_and(|value| matches!(self.tree.kind(value), NodeKind::Ref(_)))
            {
                let message = "a variable of `ref` refers to another: `ref T a = ref b`";
                self.error(Code::RefMissing, name, message);
            }
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

    pub(super) fn initial_value(
        &mut self,
        node: NodeId,
        declared: Ty,
        is_const: bool,
    ) -> Option<Const> {
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
    pub(super) fn inferred(&mut self, name: Span, node: NodeId) -> Ty {
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
}
