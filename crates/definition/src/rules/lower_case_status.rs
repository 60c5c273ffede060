use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2021),
    name: "lower-case-status",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a range of statuses is written in small letters",
    shows_source: true,
    page: include_str!("lower_case_status.md"),
};

/// `name` at `at` is one.
pub fn found(at: Span, name: &str) -> Diagnostic {
    let message =
        format!("`{name}` in small letters: older services answer \"Responses key must be ...\"");
    Diagnostic::new(&RULE, at, message).help(format!("write `{}`", name.to_ascii_uppercase()))
}
