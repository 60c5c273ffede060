//! What API Management permits: types, members, and never `dynamic`.
//!
//! It looks at calls, `x.y`, `x[y]` and `new T(...)`, and takes the type that
//! declares the member. Casts, declared types, type arguments, operators and
//! `x?.y` without a call are not looked at.

use super::value::Method;
use super::{Checker, judged};
use crate::problem::{Code, Evidence, Problem};
use crate::span::Span;
use crate::table::{Allowed, DefId, TABLE};

impl Checker<'_> {
    /// Reports a member that policy expressions may not use.
    pub(super) fn permit(&mut self, def: DefId, name: &str, allowed: bool, span: Span) {
        if self.quiet > 0 || !self.allowances {
            return;
        }
        let full = TABLE.full(def);
        let shown = || match name {
            ".ctor" => format!("new {}", TABLE.simple(def)),
            name => format!("{}.{name}", TABLE.simple(def)),
        };
        if matches!(
            full,
            "System.Object" | "System.Enum" | "System.Net.IPAddress"
        ) {
            let listed = full != "System.Object" && allowed;
            if !listed {
                let message = format!(
                    "API Management may refuse `{}`: sources differ on members of {full}",
                    shown()
                );
                let help = match full {
                    "System.Object" => {
                        "cast the value first: ((string)x).ToString() is a member of string"
                    }
                    _ => "",
                };
                let problem = judged(Code::MemberNotAllowed, span, message, Evidence::Disputed);
                self.report(problem.help(help).warning());
            }
            return;
        }
        match TABLE.def(def).allowed {
            Allowed::None => self.refuse_type(def, span),
            Allowed::Some | Allowed::All if !allowed => {
                let message = format!("policy expressions may not use `{}`", shown());
                let problem = judged(Code::MemberNotAllowed, span, message, Evidence::AllowList);
                let permitted = self.permitted_members(def);
                let help = match permitted.as_slice() {
                    [] => String::new(),
                    names => format!(
                        "of {} they may use: {}",
                        TABLE.simple(def),
                        names.join(", ")
                    ),
                };
                self.report(problem.help(help));
            }
            _ => {}
        }
    }

    pub(super) fn refuse_type(&mut self, def: DefId, span: Span) {
        if self.quiet > 0 || !self.allowances {
            return;
        }
        let full = TABLE.full(def);
        let message = format!("policy expressions may not use members of the type `{full}`");
        let help = match full {
            "System.Environment" => {
                "write \"\\n\" for a line break; there is no access to the machine"
            }
            "System.Globalization.CultureInfo" => "leave the culture out",
            "System.Linq.IGrouping" => "keep key and elements in an anonymous type of your own",
            "System.IO.File" | "System.IO.Directory" | "System.IO.Path" => {
                "there is no access to files"
            }
            "System.Threading.Tasks.Task" => {
                "policy expressions run to their end; there is nothing to wait for"
            }
            _ => {
                "naming it in a cast or declaration is fine; the list of types that may be used is in the documentation of policy expressions"
            }
        };
        self.report(judged(Code::TypeNotAllowed, span, message, Evidence::AllowList).help(help));
    }

    pub(super) fn permit_method(&mut self, method: Method, span: Span) {
        match method {
            Method::Member { def, .. } => {
                if let Some(member) = self.member(method) {
                    self.permit(def, member.name, member.allowed, span);
                }
            }
            Method::Invoke(delegate) => {
                if let Some(def) = self.types.def(delegate) {
                    self.permit(def, "Invoke", true, span);
                }
            }
            Method::Local(_) => {}
        }
    }

    pub(super) fn refuse_dynamic(&mut self, span: Span) {
        if self.quiet > 0 || !self.allowances {
            return;
        }
        let problem = judged(
            Code::DynamicNotAllowed,
            span,
            "policy expressions may not use members of a `dynamic` value".to_owned(),
            Evidence::AllowList,
        );
        self.report(problem.help("cast it to the type that it has, such as JObject"));
    }

    /// Some members of a type that may be used.
    fn permitted_members(&self, def: DefId) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for member in TABLE
            .def(def)
            .members
            .iter()
            .filter(|m| m.allowed && !m.name.starts_with('.'))
        {
            let hidden = matches!(
                member.kind,
                crate::table::MemberKind::Operator | crate::table::MemberKind::Conversion
            );
            if !hidden && !names.contains(&member.name) {
                names.push(member.name);
            }
        }
        names.truncate(12);
        names
    }

    /// A problem that depends on what API Management takes as a result.
    pub(super) fn result_problem(&self, code: Code, span: Span, message: String) -> Problem {
        judged(code, span, message, Evidence::Results)
    }
}
