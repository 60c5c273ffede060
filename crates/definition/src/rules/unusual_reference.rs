use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2036),
    name: "unusual-reference",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a reference inside a definition names no component",
    shows_source: true,
    page: include_str!("unusual_reference.md"),
};

/// `reference` at `at` is one.
pub fn found(at: Span, reference: &str) -> Diagnostic {
    let shown = excerpt(reference, 120);
    let message = format!("`{shown}` names no component: The reference string has invalid format");
    Diagnostic::new(&RULE, at, message).help("make what it names a component, and refer to that")
}
