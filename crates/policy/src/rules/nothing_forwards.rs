use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3039),
    name: "nothing-forwards",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a backend section forwards no request",
    shows_source: true,
    page: include_str!("nothing_forwards.md"),
};

/// The backend section at `span` has neither `<base />` nor `<forward-request>`.
pub fn found(span: Span) -> Diagnostic {
    let message =
        "no request goes to the backend: here is neither `<base />` nor `<forward-request>`";
    Diagnostic::new(&RULE, span, message)
        .help("write `<base />`, or a `<forward-request>` of its own")
}
