use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3010),
    name: "policy-section",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy stands in a section that does not take it",
    shows_source: true,
    page: include_str!("policy_section.md"),
};

/// The policy `name` at `span` stands in `section`, and may stand in `sections`.
pub fn found(span: Span, name: &str, section: &str, sections: &str) -> Diagnostic {
    let message = format!("`<{name}>` may not stand in the section `<{section}>`");
    Diagnostic::new(&RULE, span, message).help(format!("it may stand in {sections}"))
}
