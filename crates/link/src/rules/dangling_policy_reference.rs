use super::dangling_reference::{missing, missing_named_value};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4002),
    name: "dangling-policy-reference",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy names a resource that the project does not have",
    shows_source: true,
    page: include_str!("dangling_policy_reference.md"),
};

/// The project has no `key`, which a policy names at `place`.
pub fn found(place: Place, key: &Key, near: Option<&str>) -> Diagnostic {
    missing(&RULE, place, "the project", key, near)
}

/// No named value is called `name`.
pub fn named_value(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    missing_named_value(&RULE, place, name, near)
}
