use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3006),
    name: "missing-policy-attribute",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element lacks an attribute that it needs",
    shows_source: true,
    page: include_str!("missing_policy_attribute.md"),
};

/// The element at `span` lacks `name`.
pub fn found(span: Span, element: &str, name: &str) -> Diagnostic {
    let message = format!("`<{element}>` needs the attribute `{name}`");
    Diagnostic::new(&RULE, span, message).help("add it")
}

/// The element at `span` has none of `names`, and needs one.
pub fn one_of(span: Span, element: &str, names: &str) -> Diagnostic {
    let message = format!("`<{element}>` needs one of the attributes {names}");
    Diagnostic::new(&RULE, span, message).help("add one of them")
}

/// The element at `span` has one of two that go together, and lacks `name`.
pub fn together(span: Span, element: &str, name: &str, with: &str) -> Diagnostic {
    let message = format!("`<{element}>` with `{with}` needs the attribute `{name}` too");
    Diagnostic::new(&RULE, span, message).help("add it")
}
