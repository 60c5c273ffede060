use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1055),
    name: "plain-named-value",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a named value is neither secret nor in a Key Vault",
    shows_source: true,
    page: include_str!("plain_named_value.md"),
};

/// The value of the named value `key` can be read by whoever reads the service.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "named value `{}` is neither secret nor in a Key Vault",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("set `secret: true`, or give it a Key Vault reference")
}
