use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3015),
    name: "exclusive-policy-attributes",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element has attributes that exclude each other",
    shows_source: true,
    page: include_str!("exclusive_policy_attributes.md"),
};

/// The attribute at `span` stands beside one that it excludes, at `first`.
pub fn found(span: Span, element: &str, name: &str, other: &str, first: Span) -> Diagnostic {
    let message = format!("`<{element}>` takes either `{other}` or `{name}`, not both");
    Diagnostic::new(&RULE, span, message)
        .related(first, "the other is here")
        .help("remove one")
}

/// The child at `span` stands beside one that it excludes, at `first`.
pub fn children(span: Span, element: &str, name: &str, other: &str, first: Span) -> Diagnostic {
    let message = format!("`<{element}>` takes either `<{other}>` or `<{name}>`, not both");
    Diagnostic::new(&RULE, span, message)
        .related(first, "the other is here")
        .help("remove one")
}
