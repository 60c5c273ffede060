use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2025),
    name: "similar-paths",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two paths differ in the names of parameters alone",
    shows_source: true,
    page: include_str!("similar_paths.md"),
};

/// The path at `at` has the `signature` of that at `first`.
pub fn found(at: Span, signature: &str, first: Span) -> Diagnostic {
    let message = format!(
        "The path signature '{}' MUST be unique: another path differs in names alone",
        excerpt(signature, 120)
    );
    Diagnostic::new(&RULE, at, message)
        .related(first, "the other path")
        .help("give the parameter one name, and make one path of the two")
}
