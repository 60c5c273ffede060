use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2037),
    name: "invalid-component-name",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the name of a component has characters that are not allowed",
    shows_source: true,
    page: include_str!("invalid_component_name.md"),
};

/// `name` at `at`, of the components in `folder`.
pub fn found(at: Span, name: &str, folder: &str) -> Diagnostic {
    let name = excerpt(name, 80);
    let message = format!(
        "the key '{name}' in '{folder}' of components MUST match the regular expression '^[a-zA-Z0-9\\.\\-_]+$'"
    );
    Diagnostic::new(&RULE, at, message)
        .help("rename it, and what refers to it; letters, digits, `.`, `-` and `_` are allowed")
}
