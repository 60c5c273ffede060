use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4012),
    name: "release-of-other-api",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a release makes a revision of another API current",
    shows_source: true,
    page: include_str!("release_of_other_api.md"),
};

/// The release `key` names the API `named`.
pub fn found(place: Place, key: &Key, named: &str) -> Diagnostic {
    let message = format!(
        "the release `{}` of API `{}` names the API `{}`",
        excerpt(key.name(), 80),
        excerpt(&key.names[0], 80),
        excerpt(named, 80)
    );
    Diagnostic::new(&RULE, place, message).help("name a revision of its own API, or remove `apiId`")
}
