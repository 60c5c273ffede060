use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3023),
    name: "policy-gateway",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy stands where a gateway runs that does not take it",
    shows_source: true,
    page: include_str!("policy_gateway.md"),
};

/// The policy `name` at `span` is run by `gateway`, and is for `gateways`.
pub fn found(span: Span, name: &str, gateway: &str, gateways: &str) -> Diagnostic {
    let message = format!("`<{name}>` does not work on the gateway {gateway}");
    Diagnostic::new(&RULE, span, message).help(format!("it works on {gateways}"))
}
