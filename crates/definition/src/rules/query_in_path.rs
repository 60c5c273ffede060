use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2023),
    name: "query-in-path",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a path has a query string",
    shows_source: true,
    page: include_str!("query_in_path.md"),
};

/// `path` at `at` has one.
pub fn found(at: Span, path: &str) -> Diagnostic {
    let message = format!("the path `{}` has a query string", excerpt(path, 120));
    Diagnostic::new(&RULE, at, message)
        .help("declare what is behind `?` as parameters with `in: query`")
}
