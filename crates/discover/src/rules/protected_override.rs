use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1021),
    name: "protected-override",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an override of `apiRevision` or `isCurrent` is ignored",
    shows_source: true,
    page: include_str!("protected_override.md"),
};

/// `word` of the API `api` belongs to the tree.
pub fn found(place: Place, word: &str, api: &str) -> Diagnostic {
    let message = format!(
        "the override of `{word}` of API `{}` is ignored",
        excerpt(api, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("which revision is current belongs to the tree; remove the line")
}
