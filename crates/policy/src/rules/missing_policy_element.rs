use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3014),
    name: "missing-policy-element",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element lacks a child that it needs",
    shows_source: true,
    page: include_str!("missing_policy_element.md"),
};

/// The element at `span` lacks a `<child>`.
pub fn found(span: Span, element: &str, child: &str) -> Diagnostic {
    let message = format!("`<{element}>` needs a child `<{child}>`");
    Diagnostic::new(&RULE, span, message).help("add it")
}

/// The element at `span` lacks one of `children`.
pub fn one_of(span: Span, element: &str, children: &str) -> Diagnostic {
    let message = format!("`<{element}>` needs one of the children {children}");
    Diagnostic::new(&RULE, span, message).help("add one of them")
}
