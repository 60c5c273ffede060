use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3011),
    name: "policy-scope",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy stands at a scope that does not take it",
    shows_source: true,
    page: include_str!("policy_scope.md"),
};

/// The policy `name` at `span` stands at `scope`, and may stand at `scopes`.
pub fn found(span: Span, name: &str, scope: &str, scopes: &str) -> Diagnostic {
    let message = format!("`<{name}>` may not stand at the scope {scope}");
    Diagnostic::new(&RULE, span, message).help(format!("it may stand at {scopes}"))
}
