use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3018),
    name: "expression-name",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a policy expression uses a name, type or member that does not exist",
    shows_source: true,
    page: include_str!("expression_name.md"),
};

/// What the checker says of the text at `span`, with the compiler's number.
pub fn found(span: Span, id: &str, message: &str, help: &str) -> Diagnostic {
    crate::check::expression_finding(&RULE, span, id, message, help)
}
