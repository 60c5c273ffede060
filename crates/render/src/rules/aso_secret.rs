use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7102),
    name: "aso-secret",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a secret cannot be carried by Azure Service Operator without being shown",
    shows_source: false,
    page: include_str!("aso_secret.md"),
};

/// The value of a secret named value is plain text in its object.
pub fn named_value(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the value of the secret named value `{}` would be shown in the object",
        key.name()
    );
    Diagnostic::new(&RULE, place, message)
        .help("use a Key Vault reference (`keyVault.secretIdentifier`)")
}

/// The tree does not hold the value of a secret named value.
pub fn without_value(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the secret named value `{}` has no value in the tree and is left out of `aso/`",
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help(
        "use a Key Vault reference (`keyVault.secretIdentifier`), or leave it as it is in Azure",
    )
}

/// A logger takes its credentials from a `Secret`, which no bundle holds.
pub fn credentials(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the credentials of the logger `{}` are not in the bundle; its Secret must be made by hand",
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help("use a named value with a Key Vault reference")
}

/// The property `path` has no place for a secret.
pub fn property(place: Place, path: &str, key: &Key) -> Diagnostic {
    let message = format!(
        "`{}` of the {} `{}` is a secret and left out",
        excerpt(path, 200),
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help("set it by hand, or use a Key Vault reference")
}
