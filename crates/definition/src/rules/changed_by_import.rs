use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2062),
    name: "changed-by-import",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "API Management does not take over all of a definition",
    shows_source: true,
    page: include_str!("changed_by_import.md"),
};

/// What becomes of parts of the definition, in how many places; the first is at `at`.
pub fn found(at: Span, changes: &[(&str, usize)]) -> Diagnostic {
    let said = changes.iter().map(|(what, places)| match places {
        1 => (*what).to_owned(),
        places => format!("{what} ({places} places)"),
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let message = format!("API Management does not import all of this: {said}");
    Diagnostic::new(&RULE, at, message)
        .help("what must hold belongs into policies or properties of the API")
}
