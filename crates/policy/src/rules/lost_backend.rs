use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3032),
    name: "lost-backend",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a backend is set and replaced before any request goes there",
    shows_source: true,
    page: include_str!("lost_backend.md"),
};

/// The backend that is set at `span` is replaced at `later`.
pub fn found(span: Span, later: Span) -> Diagnostic {
    let message = "this backend is never used: another one replaces it";
    Diagnostic::new(&RULE, span, message)
        .related(later, "it is replaced here")
        .help("remove it, or move it behind the other one")
}
