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
    let words = name.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_')));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let proposed = excerpt(&words.join("-"), 80);
    let name = excerpt(name, 80);
    let message = format!(
        "the key '{name}' in '{folder}' of components MUST match the regular expression '^[a-zA-Z0-9\\.\\-_]+$'"
    );
    let users = match folder {
        "securitySchemes" => "the name in each `security`",
        _ => "each `$ref` to it",
    };
    let help = match proposed.as_str() {
        "" => {
            format!("rename it, and change {users}; letters, digits, `.`, `-` and `_` are allowed")
        }
        proposed => format!("call it `{proposed}`, and change {users}"),
    };
    Diagnostic::new(&RULE, at, message).help(help)
}
