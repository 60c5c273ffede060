use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1016),
    name: "unknown-type",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a resource is of a type that the api-version does not have",
    shows_source: true,
    page: include_str!("unknown_type.md"),
};

/// `api_version` has no type for `key`.
pub fn found(place: Place, key: &Key, api_version: &str) -> Diagnostic {
    let message = format!(
        "api-version {api_version} has no {} (`{}`)",
        key.kind.label(),
        key.arm_type()
    );
    Diagnostic::new(&RULE, place, message).help("render a newer --arm-api-version, or leave it out")
}
