use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3004),
    name: "unknown-policy-element",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy has an element that API Management does not know",
    shows_source: true,
    page: include_str!("unknown_policy_element.md"),
};

/// The element `name` at `span` is none; `near` is what it may be.
pub fn found(span: Span, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!(
        "API Management knows no policy element `<{}>`",
        excerpt(name, 60)
    );
    let finding = Diagnostic::new(&RULE, span, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `<{near}>`?"))
            .renames(name, near),
        None => finding.help("remove it, or look its name up in the policy reference"),
    }
}
