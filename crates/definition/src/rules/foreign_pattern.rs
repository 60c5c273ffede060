use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2066),
    name: "foreign-pattern",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a pattern has syntax that .NET does not know",
    shows_source: true,
    page: include_str!("foreign_pattern.md"),
};

/// `pattern` at `at` has `what`, which ECMA-262 has alone.
pub fn found(at: Span, pattern: &str, what: &str) -> Diagnostic {
    let message = format!(
        "the pattern `{}` has `{what}`, which JavaScript knows and .NET does not",
        excerpt(pattern, 80)
    );
    Diagnostic::new(&RULE, at, message)
        .help("say it in what both know, or do not validate by this pattern in API Management")
}
