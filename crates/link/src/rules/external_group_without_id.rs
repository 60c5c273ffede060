use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1045),
    name: "external-group-without-id",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an external group names no group of Microsoft Entra",
    shows_source: true,
    page: include_str!("external_group_without_id.md"),
};

/// The group `key` has no `externalId`.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the external group `{}` has no `externalId`",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("name the group of Microsoft Entra: aad://TENANT/groups/ID")
}
