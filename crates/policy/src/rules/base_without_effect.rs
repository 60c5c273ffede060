use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3029),
    name: "base-without-effect",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "`<base />` stands in the policy of the service",
    shows_source: true,
    page: include_str!("base_without_effect.md"),
};

/// The `<base />` at `span` stands for nothing.
pub fn found(span: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        span,
        "`<base />` has no effect in the policy of the service",
    )
    .help("remove it")
}
