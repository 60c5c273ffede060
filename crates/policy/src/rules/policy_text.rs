use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3013),
    name: "policy-text",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "text stands in a policy element that takes none",
    shows_source: true,
    page: include_str!("policy_text.md"),
};

/// Text stands at `span` in `element`.
pub fn found(span: Span, element: &str) -> Diagnostic {
    let message = format!("`<{element}>` takes no text, only elements");
    Diagnostic::new(&RULE, span, message).help("remove the text, or put it into an element")
}
