use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4011),
    name: "version-without-version-set",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an API has a version and no version set",
    shows_source: true,
    page: include_str!("version_without_version_set.md"),
};

/// `key` has the version `version`.
pub fn found(place: Place, key: &Key, version: &str) -> Diagnostic {
    let message = format!(
        "API `{}` is version `{}` of no version set",
        excerpt(key.name(), 80),
        excerpt(version, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("name a version set with `apiVersionSetId`, or remove `apiVersion`")
}
