use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3021),
    name: "expression-result",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a policy expression gives what its place does not take",
    shows_source: true,
    page: include_str!("expression_result.md"),
};

/// What the checker says of the text at `span`.
pub fn found(span: Span, id: &str, message: &str, help: &str) -> Diagnostic {
    crate::check::expression_finding(&RULE, span, id, message, help)
}
