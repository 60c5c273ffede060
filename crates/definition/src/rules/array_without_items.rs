use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2034),
    name: "array-without-items",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an array does not say what is in it",
    shows_source: true,
    page: include_str!("array_without_items.md"),
};

/// That at `at`.
pub fn found(at: Span) -> Diagnostic {
    Diagnostic::new(&RULE, at, "an array without `items`")
        .help("add `items`, the schema of what is in it; `items: {}` is anything")
}
