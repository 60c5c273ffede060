use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(5002),
    name: "value-beside-key-vault",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a named value has a value beside its Key Vault reference",
    shows_source: false,
    page: include_str!("value_beside_key_vault.md"),
};

/// `key` has both.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "`value` of named value `{}` is not rendered: it has a Key Vault reference",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("remove `value`, and rotate the secret if it was one")
}
