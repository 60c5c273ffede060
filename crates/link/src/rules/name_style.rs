use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1057),
    name: "name-style",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the name of a resource is not in kebab case",
    shows_source: true,
    page: include_str!("name_style.md"),
};

/// The name of `key` has other characters than small letters, digits and single hyphens.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the name of {} `{}` is not in kebab case",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("use small letters, digits and single hyphens, as in `depot-crates`")
}
