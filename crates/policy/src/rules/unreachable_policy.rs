use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3031),
    name: "unreachable-policy",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy stands behind `<return-response>`",
    shows_source: true,
    page: include_str!("unreachable_policy.md"),
};

/// What is at `span` stands behind what ends the request at `end`.
pub fn found(span: Span, end: Span) -> Diagnostic {
    let message = "this never runs: the request ends before it";
    Diagnostic::new(&RULE, span, message)
        .related(end, "it ends here")
        .help("move it before the end, or make the end depend on a condition")
}
