use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1062),
    name: "long-api-path",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the path of an API is longer than the URL of an API should be",
    shows_source: true,
    page: include_str!("long_api_path.md"),
};

/// Characters that the URL of an API stays below.
pub const BELOW: usize = 128;

/// The path of the API `key` has `length` characters.
pub fn found(place: Place, key: &Key, length: usize) -> Diagnostic {
    let message = format!(
        "the path of API `{}` has {length} characters, and the URL of an API should have fewer than {BELOW}",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help("choose a shorter `path`")
}
