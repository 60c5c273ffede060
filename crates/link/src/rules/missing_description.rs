use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1050),
    name: "missing-description",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API or a product has no description",
    shows_source: true,
    page: include_str!("missing_description.md"),
};

/// `key` says nothing about itself.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "{} `{}` has no description",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help("say in `description` what it is for")
}
