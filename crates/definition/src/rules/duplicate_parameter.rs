use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2030),
    name: "duplicate-parameter",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a parameter is declared twice",
    shows_source: true,
    page: include_str!("duplicate_parameter.md"),
};

/// `name` in `place` at `at` was declared at `first`.
pub fn found(at: Span, name: &str, place: &str, first: Span) -> Diagnostic {
    let (name, place) = (excerpt(name, 60), excerpt(place, 20));
    let message = format!("the parameter `{name}` in `{place}` is declared twice");
    Diagnostic::new(&RULE, at, message)
        .related(first, "first here")
        .help("remove one of the two")
}
