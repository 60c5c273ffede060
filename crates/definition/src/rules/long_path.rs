use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2064),
    name: "long-path",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a path is longer than a template of API Management may be",
    shows_source: true,
    page: include_str!("long_path.md"),
};

/// The path at `at` has `length` characters, where `max` are allowed.
pub fn found(at: Span, length: usize, max: usize) -> Diagnostic {
    let message = format!("the path has {length} characters; a URL template has at most {max}");
    Diagnostic::new(&RULE, at, message).help("shorten it")
}
