use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2005),
    name: "reference-cycle",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "references between files form a cycle that cannot be bundled",
    shows_source: true,
    page: include_str!("reference_cycle.md"),
};

/// The reference at `span` names `target`, which leads back to it.
pub fn found(span: Span, target: Span) -> Diagnostic {
    let message = "the reference leads back to itself through other files";
    Diagnostic::new(&RULE, span, message)
        .related(target, "it names this")
        .help("break the circle, or make it a schema")
}
