use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2069),
    name: "http-server",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a server of a definition is called over plain HTTP",
    shows_source: true,
    page: include_str!("http_server.md"),
};

/// The address, or the scheme, at `at` is plain HTTP.
pub fn found(at: Span) -> Diagnostic {
    Diagnostic::new(&RULE, at, "this server is called over plain HTTP")
        .help("name one server, with `https://`")
}
