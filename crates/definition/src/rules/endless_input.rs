use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2056),
    name: "endless-input",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "inputs of a GraphQL schema need each other without end",
    shows_source: true,
    page: include_str!("endless_input.md"),
};

/// The input `name` needs a `target` at `at`, which needs it in turn.
pub fn found(at: Span, name: &str, target: &str) -> Diagnostic {
    let message = match name == target {
        true => format!(
            "the input `{}` needs itself: it has no value",
            excerpt(name, 60)
        ),
        false => format!(
            "the input `{}` needs `{}`, which needs it in turn: neither has a value",
            excerpt(name, 60),
            excerpt(target, 60)
        ),
    };
    Diagnostic::new(&RULE, at, message).help("leave out the `!` of one of the fields")
}
