use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2041),
    name: "endless-schema",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "schemas consist of each other without end",
    shows_source: true,
    page: include_str!("endless_schema.md"),
};

/// `reference` at `at` closes the circle.
pub fn found(at: Span, reference: &str) -> Diagnostic {
    let message = format!(
        "`{}` leads back to this schema, which never ends",
        excerpt(reference, 120)
    );
    Diagnostic::new(&RULE, at, message).help("write out one of the schemas in the circle")
}
