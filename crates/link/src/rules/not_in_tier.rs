use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Counted;

pub static RULE: Rule = Rule {
    code: Code(7008),
    name: "not-in-tier",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the project has resources that its tier does not have",
    shows_source: true,
    page: include_str!("not_in_tier.md"),
};

/// The first of `what` is at `place`; `having` are the tiers that have them.
pub fn found(place: Place, what: Counted, tier: &str, having: &[&str]) -> Diagnostic {
    let message = format!("the tier {tier} has no {}", what.label());
    Diagnostic::new(&RULE, place, message).help(format!(
        "remove them, or choose a tier that has them: {}",
        having.join(", ")
    ))
}
