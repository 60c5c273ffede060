use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1058),
    name: "path-style",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the path of an API is not in kebab case",
    shows_source: true,
    page: include_str!("path_style.md"),
};

/// The `path` of the API `key` has a segment that is not in kebab case.
pub fn found(place: Place, key: &Key, path: &str) -> Diagnostic {
    let message = format!(
        "the path `{}` of API `{}` is not in kebab case",
        excerpt(path, 120),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("use small letters, digits and single hyphens in each segment")
}
