use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2043),
    name: "invalid-runtime-expression",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a callback or link has an expression that is none",
    shows_source: true,
    page: include_str!("invalid_runtime_expression.md"),
};

/// `expression` at `at`.
pub fn found(at: Span, expression: &str) -> Diagnostic {
    let message = format!(
        "The source expression '{}' has invalid format",
        excerpt(expression, 80)
    );
    Diagnostic::new(&RULE, at, message)
        .help("an expression is `$url`, `$method`, `$statusCode`, or `$request.` or `$response.` and one of `header.NAME`, `query.NAME`, `path.NAME`, `body#/POINTER`")
}
