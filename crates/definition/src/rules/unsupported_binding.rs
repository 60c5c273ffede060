use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2051),
    name: "unsupported-binding",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a SOAP binding is of a style that Azure does not import",
    shows_source: true,
    page: include_str!("unsupported_binding.md"),
};

/// The binding has `what` at `at`.
pub fn found(at: Span, what: &str) -> Diagnostic {
    let message = format!("the binding has {what}: Azure imports `document` with `literal` only");
    Diagnostic::new(&RULE, at, message)
        .help("publish the service with a binding of the style document/literal")
}
