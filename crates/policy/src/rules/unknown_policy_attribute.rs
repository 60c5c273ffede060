use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3005),
    name: "unknown-policy-attribute",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element has an attribute that it does not take",
    shows_source: true,
    page: include_str!("unknown_policy_attribute.md"),
};

/// The attribute `name` at `span` is none of `element`; `near` is what it may be.
pub fn found(span: Span, name: &str, element: &str, near: Option<&str>) -> Diagnostic {
    let shown = excerpt(name, 60);
    let message = format!("`<{element}>` takes no attribute `{shown}`");
    let finding = Diagnostic::new(&RULE, span, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .renames(name, near),
        None => finding.help("remove it"),
    }
}
