use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2029),
    name: "parameter-name-clash",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a required query parameter has the name of a path parameter",
    shows_source: true,
    page: include_str!("parameter_name_clash.md"),
};

/// `name` at `at` is one.
pub fn found(at: Span, name: &str) -> Diagnostic {
    let name = excerpt(name, 60);
    let message = format!("the required query parameter `{name}` has the name of a path parameter");
    Diagnostic::new(&RULE, at, message)
        .help("rename one, or make the query parameter optional: both become parameters of one URL template")
}
