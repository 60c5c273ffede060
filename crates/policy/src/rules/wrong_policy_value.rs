use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3008),
    name: "wrong-policy-value",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an attribute of a policy has a value that it does not take",
    shows_source: true,
    page: include_str!("wrong_policy_value.md"),
};

/// The value at `span` is not what `what` says.
pub fn found(span: Span, name: &str, value: &str, what: &str) -> Diagnostic {
    let value = excerpt(value, 60);
    let message = format!("`{name}` must be {what}, not `{value}`");
    Diagnostic::new(&RULE, span, message)
}
