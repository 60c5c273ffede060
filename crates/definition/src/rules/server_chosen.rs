use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2063),
    name: "server-chosen",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "one of several servers of a definition is the backend",
    shows_source: true,
    page: include_str!("server_chosen.md"),
};

/// `url` at `at` is taken, of `servers`; it may be none with https.
pub fn found(at: Span, url: &str, servers: usize, secure: bool) -> Diagnostic {
    let url = excerpt(url, 100);
    let message = match secure {
        true => format!("of {servers} servers the first with https is the backend: `{url}`"),
        false => {
            format!("none of {servers} servers has https: API Management may take none of them")
        }
    };
    Diagnostic::new(&RULE, at, message)
        .help("`serviceUrl` in apiInformation.json says which backend is meant")
}
