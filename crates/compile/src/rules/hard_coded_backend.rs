use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1059),
    name: "hard-coded-backend",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy has the address of a backend in it",
    shows_source: true,
    page: include_str!("hard_coded_backend.md"),
};

/// The `base-url` at `span` is the address `url`.
pub fn found(span: Span, url: &str) -> Diagnostic {
    let message = format!("the policy has the address `{}` in it", excerpt(url, 120));
    Diagnostic::new(&RULE, span, message)
        .help("name a backend with `backend-id`, or a named value: `base-url=\"{{depot-url}}\"`")
}
