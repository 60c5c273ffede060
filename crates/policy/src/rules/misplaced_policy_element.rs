use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3007),
    name: "misplaced-policy-element",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element stands where it may not",
    shows_source: true,
    page: include_str!("misplaced_policy_element.md"),
};

/// The element `name` at `span` does not go into `around`; `near` is what it may be.
pub fn found(span: Span, name: &str, around: &str, near: Option<&str>) -> Diagnostic {
    let message = format!("`<{name}>` may not stand in `<{around}>`");
    let finding = Diagnostic::new(&RULE, span, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `<{near}>`?"))
            .proposes(name, near),
        None => finding.help("move it to where the policy reference has it"),
    }
}
