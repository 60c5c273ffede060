use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2020),
    name: "invalid-status",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the key of a response is no status",
    shows_source: true,
    page: include_str!("invalid_status.md"),
};

/// `name` at `at` is none.
pub fn found(at: Span, name: &str, two: bool) -> Diagnostic {
    let name = excerpt(name, 60);
    let message =
        format!("`{name}` is no status: Responses key must be 'default' or an HTTP status code");
    Diagnostic::new(&RULE, at, message).help(match two {
        true => "write a status such as `200`, or `default`; 2.0 has no ranges",
        false => "write a status such as `200`, a range such as `2XX`, or `default`",
    })
}
