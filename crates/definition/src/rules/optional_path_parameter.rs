use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2028),
    name: "optional-path-parameter",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a path parameter is not required",
    shows_source: true,
    page: include_str!("optional_path_parameter.md"),
};

/// `name` at `at` is not.
pub fn found(at: Span, name: &str) -> Diagnostic {
    let name = excerpt(name, 60);
    let message = format!(
        "the path parameter `{name}` is not required: \"required\" must be true when parameter location is \"path\""
    );
    Diagnostic::new(&RULE, at, message).help("write `required: true`")
}
