use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4010),
    name: "duplicate-display-name",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two products or tags have the same display name",
    shows_source: true,
    page: include_str!("duplicate_display_name.md"),
};

/// `second` is shown as `name`, as `first` is at `other`.
pub fn found(place: Place, second: &Key, name: &str, first: &Key, other: Place) -> Diagnostic {
    let message = format!(
        "{} `{}` has the display name `{}`, which `{}` has already",
        second.kind.label(),
        excerpt(second.name(), 80),
        excerpt(name, 80),
        excerpt(first.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .related(other, "the other one")
        .help("give one another `displayName`, or remove one")
}
