use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1027),
    name: "read-only-property",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property that only Azure sets is not rendered",
    shows_source: true,
    page: include_str!("read_only_property.md"),
};

/// `names` of `key` are set by Azure alone.
pub fn found(place: Place, key: &Key, names: &[&str]) -> Diagnostic {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "{} of {} `{}` is not rendered: only Azure sets it",
        names.join(", "),
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
}
