//! Why a call fails, in words.

use super::Checker;
use super::arguments::Arg;
use super::overload::{Miss, Wanted};
use super::types::Ty;
use super::value::{Method, Value, What};
use crate::problem::{Code, Problem};
use crate::span::Span;

impl Checker<'_> {
    pub(super) fn ambiguous(&mut self, name: &str, at: Span, a: Method, b: Method) {
        let (x, y) = (self.show_method(name, a), self.show_method(name, b));
        let message = format!("the call fits both {x} and {y}");
        self.report(
            Problem::new(Code::AmbiguousCall, at, message)
                .help("cast an argument to the type that is meant"),
        );
    }

    pub(super) fn show_method(&mut self, name: &str, method: Method) -> String {
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
                    Some(near) => problem.meant(&text, near),
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
    pub(super) fn rank(&mut self, miss: &Miss, args: &[Arg]) -> u32 {
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

    pub(super) fn wrong_argument(
        &mut self,
        value: &Value,
        ty: Ty,
        name: &str,
        number: usize,
        method: Method,
    ) {
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

    pub(super) fn wrong_count(
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
}
