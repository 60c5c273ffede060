use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(5001),
    name: "secret-in-tree",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a secret value stands in the source",
    shows_source: false,
    page: include_str!("secret_in_tree.md"),
};

/// `path` of `key` is the secret. Its value is in no message.
pub fn found(place: Place, path: &str, key: &Key) -> Diagnostic {
    let message = format!(
        "`{}` of {} `{}` is a secret in clear text",
        excerpt(path, 200),
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("use a Key Vault reference and rotate the secret; it is not rendered")
}
