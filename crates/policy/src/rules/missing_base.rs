use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3027),
    name: "missing-base",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a section leaves out what the enclosing scopes have",
    shows_source: true,
    page: include_str!("missing_base.md"),
};

/// The section `name` at `span` has no `<base />`.
pub fn found(span: Span, name: &str) -> Diagnostic {
    let message =
        format!("`<{name}>` has no `<base />`: what the enclosing scopes have there does not run");
    Diagnostic::new(&RULE, span, message).help("write `<base />` where it should run")
}
