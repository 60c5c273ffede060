//! Whether API Management takes the result.

use super::known::KNOWN;
use super::types::{Ty, Type};
use super::value::{Value, What};
use super::{Checker, Expected};
use crate::problem::{Code, Evidence, Problem};
use crate::span::Span;
use crate::table::TABLE;

/// How a type stands in the list of results.
enum Listed {
    Yes,
    /// One source has it, the other has not.
    Disputed,
    Unknown,
    No,
}

impl Checker<'_> {
    /// The result of `@(...)`.
    pub(super) fn single_result(&mut self, value: &Value) -> Option<Ty> {
        let span = self.tree.span(value.node);
        match value.what {
            What::Nothing => {
                let message = "the expression returns nothing, and a value is wanted";
                self.error(Code::NoConversion, span, message);
                return None;
            }
            What::Lambda => {
                let message = "a lambda is no value that an expression can give";
                self.error(Code::NotADelegate, span, message);
                self.abandon_lambda(value.node);
                return None;
            }
            What::Null => {
                self.fits_place(Ty::NULL, span);
                return Some(Ty::NULL);
            }
            What::Default => {
                let message = "`default` has no type of its own";
                let problem = self.result_problem(Code::ResultType, span, message.to_owned());
                self.report(problem.help("write `default(string)`, or `null`"));
                return None;
            }
            What::Throw => {
                self.error(Code::BadTerm, span, "`throw` is no value");
                return None;
            }
            _ => {}
        }
        if value.is_unknown() && !matches!(value.what, What::Tuple(_)) {
            return None;
        }
        self.listed_result(value, span);
        Some(value.ty)
    }

    /// The results of `@{...}`.
    pub(super) fn body_result(&mut self, returns: &[Value]) -> Option<Ty> {
        let mut first: Option<&Value> = None;
        let mut mixed = false;
        for value in returns {
            if matches!(value.what, What::Null) || value.ty == Ty::NULL {
                continue;
            }
            if value.is_unknown() {
                return None;
            }
            match first {
                None => first = Some(value),
                Some(other) if other.ty == value.ty => {}
                Some(other) => {
                    if !mixed {
                        let (a, b) = (self.show(other.ty), self.show(value.ty));
                        let message = format!(
                            "this returns a `{b}`, and another `return` a `{a}`; an expression has results of one type"
                        );
                        let span = self.tree.span(value.node);
                        let problem = self.result_problem(Code::MixedResults, span, message);
                        let help = if a == "string" || b == "string" {
                            "write `.ToString()` behind the one that is no text"
                        } else {
                            "convert one of the two"
                        };
                        self.report(problem.help(help));
                    }
                    mixed = true;
                }
            }
        }
        if mixed {
            return None;
        }
        let Some(value) = first else {
            let null = returns
                .iter()
                .find(|value| matches!(value.what, What::Null));
            if let Some(value) = null {
                let span = self.tree.span(value.node);
                self.fits_place(Ty::NULL, span);
            }
            return None;
        };
        let value = value.clone();
        let span = self.tree.span(value.node);
        self.listed_result(&value, span);
        Some(value.ty)
    }

    fn listed_result(&mut self, value: &Value, span: Span) {
        let ty = if matches!(value.what, What::Tuple(_)) && value.ty == Ty::UNKNOWN {
            Ty::VOID
        } else {
            value.ty
        };
        match self.listed(ty) {
            Listed::Unknown => return,
            Listed::Yes => {}
            Listed::Disputed => {
                let message = format!(
                    "API Management may refuse a result of type `{}`: sources differ",
                    self.show(ty)
                );
                let problem =
                    Problem::new(Code::ResultType, span, message).evidence(Evidence::Disputed);
                self.report(problem.help("write `.ToString()` behind it").warning());
            }
            Listed::No => {
                let message = match value.what {
                    What::Tuple(_) => "API Management takes no tuple as a result".to_owned(),
                    _ => format!("API Management takes no result of type `{}`", self.show(ty)),
                };
                let help = if ty == Ty::OBJECT {
                    "cast it to what it holds: `(string)x`, or ask for the type: GetValueOrDefault<string>(...)"
                } else {
                    "results are text, numbers, bool, Guid, DateTime, TimeSpan, byte[], IResponse, Jwt, or JSON: `.ToString()`, `string.Join(\",\", x)` or `JArray.FromObject(x)` may help"
                };
                let problem = self.result_problem(Code::ResultType, span, message);
                self.report(problem.help(help));
                return;
            }
        }
        self.fits_place(ty, span);
    }

    fn listed(&self, ty: Ty) -> Listed {
        let bare = self.types.bare(ty);
        if let Type::Array(element, 1) = *self.types.get(bare) {
            if element == Ty::BYTE || self.is_token(element) {
                return Listed::Yes;
            }
            return if element == Ty::UNKNOWN {
                Listed::Unknown
            } else {
                Listed::No
            };
        }
        match self.types.get(bare) {
            Type::Unknown | Type::Later => return Listed::Unknown,
            Type::Null => return Listed::Yes,
            Type::Named(def, _) => {
                if bare == Ty::OBJECT {
                    return Listed::No;
                }
                let named = [KNOWN.guid, KNOWN.date_time, KNOWN.time_span];
                if super::types::keyword(*def).is_some()
                    || named.contains(def)
                    || self.is_token(bare)
                {
                    return Listed::Yes;
                }
                if matches!(TABLE.full(*def), "ApimStub.IResponse" | "ApimStub.Jwt") {
                    return Listed::Yes;
                }
                if *def == KNOWN.uri || self.types.is_enum(bare) {
                    return Listed::Disputed;
                }
            }
            _ => {}
        }
        Listed::No
    }

    fn is_token(&self, ty: Ty) -> bool {
        self.types.def(ty).is_some_and(|def| {
            TABLE.space(def) == "Newtonsoft.Json.Linq"
                && TABLE.simple(def).starts_with('J')
                && !self.types.is_enum(ty)
        })
    }

    /// What the place of the expression takes.
    fn fits_place(&mut self, ty: Ty, span: Span) {
        if ty == Ty::UNKNOWN {
            return;
        }
        match self.environment.expected {
            Expected::Anything => {}
            Expected::Condition => {
                if ty != Ty::BOOL {
                    let message =
                        format!("a condition is a `bool`, and this is a `{}`", self.show(ty));
                    let help = if ty == Ty::STRING {
                        "compare it: `x == \"true\"`"
                    } else {
                        "compare it, or cast it: `(bool)x`"
                    };
                    let problem = self.result_problem(Code::PlaceType, span, message);
                    self.report(problem.help(help));
                }
            }
            Expected::OneOf(wanted) => {
                let shown = self.show(ty);
                if !wanted.contains(&shown.as_str()) && ty != Ty::NULL {
                    let list = wanted.join("` or a `");
                    let message = format!("this place takes a `{list}`, and this is a `{shown}`");
                    let problem = self
                        .result_problem(Code::PlaceType, span, message)
                        .evidence(Evidence::Disputed);
                    let help = match wanted.first() {
                        Some(&"string") | None => "write `.ToString()` behind it".to_owned(),
                        Some(first) => format!("cast it: `({first})x`"),
                    };
                    self.report(problem.help(help).warning());
                }
            }
        }
    }
}
