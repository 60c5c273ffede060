use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1047),
    name: "number-as-text",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a scalar of YAML is a number, and is another text than what is written",
    shows_source: true,
    page: include_str!("number_as_text.md"),
};

/// `path` of `subject` at `at` is text; YAML makes the number `digits` of it.
pub fn found(at: Span, path: &str, subject: &str, digits: &str) -> Diagnostic {
    let message = format!(
        "`{}` of {subject} becomes `{}`: without quotes YAML reads it as a number",
        excerpt(path, 120),
        excerpt(digits, 60)
    );
    Diagnostic::new(&RULE, at, message)
        .help("put it between quotes")
        .quotes()
}
