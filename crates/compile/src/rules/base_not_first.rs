use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(1060),
    name: "base-not-first",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "`<base />` is not the first policy of its inbound section",
    shows_source: true,
    page: include_str!("base_not_first.md"),
};

/// The `<base />` at `span` stands behind other policies.
pub fn found(span: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        span,
        "`<base />` is not the first policy of `<inbound>`",
    )
    .help("move it to the beginning, so that what enclosing scopes ask holds first")
}
