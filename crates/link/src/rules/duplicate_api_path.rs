use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4008),
    name: "duplicate-api-path",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two APIs have the same path",
    shows_source: true,
    page: include_str!("duplicate_api_path.md"),
};

/// `second` has the `path` that `first` has at `other`.
pub fn found(place: Place, second: &Key, path: &str, first: &Key, other: Place) -> Diagnostic {
    let message = format!(
        "API `{}` has the path `{}`, which API `{}` has already",
        excerpt(second.name(), 80),
        excerpt(path, 80),
        excerpt(first.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .related(other, "the other one")
        .help("give one another path, or make both versions of one version set")
}
