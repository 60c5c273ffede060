use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2042),
    name: "invalid-pattern",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a pattern is no regular expression",
    shows_source: true,
    page: include_str!("invalid_pattern.md"),
};

/// `pattern` at `at`: `what` is wrong with it.
pub fn found(at: Span, pattern: &str, what: &str) -> Diagnostic {
    let message = format!(
        "`{}` is no regular expression: {what}",
        excerpt(pattern, 80)
    );
    Diagnostic::new(&RULE, at, message)
        .help("correct it; a backslash before a character takes it as it stands")
}
