use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2070),
    name: "reference-outside-schemas",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a reference leads to another file or to no schema",
    shows_source: true,
    page: include_str!("reference_outside_schemas.md"),
};

/// So many references lead to another file, or to another component than a schema; the first
/// is at `at`.
pub fn found(at: Span, places: usize) -> Diagnostic {
    let message = match places {
        1 => "a `$ref` leads to another file, or to no schema".to_owned(),
        places => format!(
            "{places} times a `$ref` leads to another file, or to no schema; this is the first"
        ),
    };
    Diagnostic::new(&RULE, at, message)
        .help("write what it stands for in its place; references to schemas of the file are fine")
}
