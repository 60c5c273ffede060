use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2026),
    name: "undeclared-path-parameter",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a parameter in a path is not declared",
    shows_source: true,
    page: include_str!("undeclared_path_parameter.md"),
};

/// `name` is not declared by the path or operation at `at`.
pub fn found(at: Span, name: &str) -> Diagnostic {
    let name = excerpt(name, 60);
    let message = format!(
        "`{{{name}}}` is not declared: all parameters in path template MUST be defined in path parameters collection"
    );
    Diagnostic::new(&RULE, at, message).help(format!(
        "add a parameter with `name: {name}`, `in: path` and `required: true`"
    ))
}
