use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2045),
    name: "unknown-mapping",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a discriminator maps a value to a schema that is not there",
    shows_source: true,
    page: include_str!("unknown_mapping.md"),
};

/// `shown` at `span` names none.
pub fn found(span: Span, shown: &str) -> Diagnostic {
    let message = format!("the mapping `{shown}` names no schema");
    Diagnostic::new(&RULE, span, message).help("correct it, or add the schema")
}
