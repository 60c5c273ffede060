use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3016),
    name: "policy-element-order",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "children of a policy element stand in another order than documented",
    shows_source: true,
    page: include_str!("policy_element_order.md"),
};

/// The element `name` at `span` stands behind `before`, and is documented before it.
pub fn found(span: Span, name: &str, before: &str, first: Span) -> Diagnostic {
    let message = format!("`<{name}>` belongs before `<{before}>`");
    Diagnostic::new(&RULE, span, message)
        .related(first, format!("`<{before}>` is here"))
        .help("put them in the order of the policy reference")
}
