use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1061),
    name: "api-without-policy",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API has no policy of its own",
    shows_source: true,
    page: include_str!("api_without_policy.md"),
};

/// The API `key` has no policy.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!("API `{}` has no policy", excerpt(key.name(), 80));
    Diagnostic::new(&RULE, place, message).help("add `policy.xml` to its folder")
}
