use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1049),
    name: "http-backend",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "requests go to a backend over plain HTTP",
    shows_source: true,
    page: include_str!("http_backend.md"),
};

/// `property` of `key` is the address `url`.
pub fn found(place: Place, key: &Key, property: &str, url: &str) -> Diagnostic {
    let message = format!(
        "`{property}` of {} `{}` is plain HTTP: `{}`",
        key.kind.label(),
        excerpt(key.name(), 80),
        excerpt(url, 120)
    );
    Diagnostic::new(&RULE, place, message).help("use the address with `https://`")
}
