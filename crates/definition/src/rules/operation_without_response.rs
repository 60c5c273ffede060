use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2019),
    name: "operation-without-response",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an operation declares no response",
    shows_source: true,
    page: include_str!("operation_without_response.md"),
};

/// Nothing is in the `responses` at `at`.
pub fn found(at: Span) -> Diagnostic {
    new(at, "`responses` is empty")
}

/// The operation at `at` has none.
pub fn missing(at: Span) -> Diagnostic {
    new(at, "the operation has no `responses`")
}

fn new(at: Span, what: &str) -> Diagnostic {
    let message = format!("{what}: Responses must contain at least one response");
    Diagnostic::new(&RULE, at, message).help("add one, such as `\"200\": {description: OK}`")
}
