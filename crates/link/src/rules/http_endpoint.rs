use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1048),
    name: "http-endpoint",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API can be called over plain HTTP",
    shows_source: true,
    page: include_str!("http_endpoint.md"),
};

/// `key` has `http` among its protocols.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "API `{}` takes calls over plain HTTP",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help("leave `https` alone in `protocols`")
}
