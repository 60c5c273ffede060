use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1042),
    name: "dropped-schema-id",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an operation names a schema that the tree does not have",
    shows_source: true,
    page: include_str!("dropped_schema_id.md"),
};

/// `count` references of the operation `name` to schemas such as `schema` are left out.
pub fn found(place: Place, name: &str, schema: &str, count: usize) -> Diagnostic {
    let (name, schema) = (excerpt(name, 80), excerpt(schema, 80));
    let message = match count {
        1 => format!(
            "the schema `{schema}` of operation `{name}` is not in the tree; the reference is left out"
        ),
        more => format!(
            "the schema `{schema}` of operation `{name}` is not in the tree; {more} references are left out"
        ),
    };
    Diagnostic::new(&RULE, place, message)
}
