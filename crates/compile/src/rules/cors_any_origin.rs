use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(1056),
    name: "cors-any-origin",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy lets pages of every origin call",
    shows_source: true,
    page: include_str!("cors_any_origin.md"),
};

/// The `<origin>` at `span` is `*`.
pub fn found(span: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        span,
        "pages of every origin may call: `<origin>*</origin>`",
    )
    .help("name the origins that may call")
}
