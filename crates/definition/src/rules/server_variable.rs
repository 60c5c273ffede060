use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2039),
    name: "server-variable",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "the address of a server has a variable",
    shows_source: true,
    page: include_str!("server_variable.md"),
};

/// `url` at `at` has one.
pub fn found(at: Span, url: &str) -> Diagnostic {
    let message = format!(
        "the server `{}` has a variable: Invalid value of the Web service url",
        excerpt(url, 120)
    );
    Diagnostic::new(&RULE, at, message)
        .help("write the address as it is, or give the API a `serviceUrl`")
}
