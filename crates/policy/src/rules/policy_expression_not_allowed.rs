use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3009),
    name: "policy-expression-not-allowed",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an expression stands where a policy takes none",
    shows_source: true,
    page: include_str!("policy_expression_not_allowed.md"),
};

/// An expression stands in `name` at `span`.
pub fn found(span: Span, name: &str) -> Diagnostic {
    let message = format!("`{name}` takes no policy expression");
    Diagnostic::new(&RULE, span, message).help("write the value itself, or a named value")
}
