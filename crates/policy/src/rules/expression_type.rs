use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3019),
    name: "expression-type",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "the C# of a policy expression does not compile",
    shows_source: true,
    page: include_str!("expression_type.md"),
};

/// What the checker says of the text at `span`, with the compiler's number.
pub fn found(span: Span, id: &str, message: &str, help: &str) -> Diagnostic {
    crate::check::expression_finding(&RULE, span, id, message, help)
}
