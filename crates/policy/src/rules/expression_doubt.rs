use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3022),
    name: "expression-doubt",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a policy expression compiles, and is likely wrong",
    shows_source: true,
    page: include_str!("expression_doubt.md"),
};

/// What the checker says of the text at `span`.
pub fn found(span: Span, id: &str, message: &str, help: &str) -> Diagnostic {
    crate::check::expression_finding(&RULE, span, id, message, help)
}
