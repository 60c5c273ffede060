use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2010),
    name: "missing-field",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an object of an API definition lacks a field that it must have",
    shows_source: true,
    page: include_str!("missing_field.md"),
};

/// The `object` at `at` has no `field`.
pub fn found(at: Span, object: &str, field: &str) -> Diagnostic {
    let message =
        format!("`{field}` is missing: the field '{field}' in '{object}' object is REQUIRED");
    Diagnostic::new(&RULE, at, message).help(format!("add `{field}`"))
}
