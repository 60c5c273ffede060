use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2044),
    name: "long-summary",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the summary of an operation is longer than a display name",
    shows_source: true,
    page: include_str!("long_summary.md"),
};

/// That at `at` has `length` characters, of `max`.
pub fn found(at: Span, length: usize, max: usize) -> Diagnostic {
    let message = format!("the summary has {length} characters; a display name has at most {max}");
    Diagnostic::new(&RULE, at, message).help("shorten it, and say the rest in `description`")
}
