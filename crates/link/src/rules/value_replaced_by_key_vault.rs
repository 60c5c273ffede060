use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(5003),
    name: "value-replaced-by-key-vault",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an environment brings a Key Vault reference in place of a value",
    shows_source: false,
    page: include_str!("value_replaced_by_key_vault.md"),
};

/// The environment replaces the value of `key`.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the Key Vault reference of the environment stands for `value` of named value `{}`",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
}
