use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2038),
    name: "optional-discriminator",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a schema does not require the property that its discriminator names",
    shows_source: true,
    page: include_str!("optional_discriminator.md"),
};

/// The discriminator at `at` of `schema` names `property`.
pub fn found(at: Span, schema: &str, property: &str) -> Diagnostic {
    let (schema, property) = (excerpt(schema, 60), excerpt(property, 60));
    let message = format!(
        "Schema {schema} must contain property specified in the discriminator {property} in the required field list"
    );
    Diagnostic::new(&RULE, at, message).help(format!(
        "add `{property}` to `required`; the specification does not ask for it, Azure does"
    ))
}
