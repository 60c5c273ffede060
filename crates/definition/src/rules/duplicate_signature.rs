use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2024),
    name: "duplicate-signature",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two operations of a definition have one signature",
    shows_source: true,
    page: include_str!("duplicate_signature.md"),
};

/// The path at `at` has the same as that at `first`.
pub fn found(at: Span, method: &str, signature: &str, first: Span) -> Diagnostic {
    let (method, signature) = (method.to_ascii_uppercase(), excerpt(signature, 120));
    let message = format!(
        "duplicate signature operations: 2 operations with signature `{method} {signature}`"
    );
    Diagnostic::new(&RULE, at, message)
        .related(first, "the first of them")
        .help("make one path of the two, or change a segment; names of parameters and case do not count")
}
