use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(5004),
    name: "credential-in-clear",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a text has the shape of a credential",
    shows_source: false,
    page: include_str!("credential_in_clear.md"),
};

/// A text at `place` is a credential of the kind `what`. It is in no message.
pub fn found(place: Place, what: &str) -> Diagnostic {
    let message = format!("this has the shape of {what}");
    Diagnostic::new(&RULE, place, message).help(
        "keep it in a Key Vault, name it by a secret named value, and replace it: it was seen",
    )
}
