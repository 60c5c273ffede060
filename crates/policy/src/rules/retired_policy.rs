use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3040),
    name: "retired-policy",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy is retired",
    shows_source: true,
    page: include_str!("retired_policy.md"),
};

/// The policy `name` at `span` is retired; `instead` is what the reference replaces it by.
pub fn found(span: Span, name: &str, instead: &str) -> Diagnostic {
    let message = format!("the policy `<{name}>` is retired");
    Diagnostic::new(&RULE, span, message).help(format!("use {instead}"))
}
