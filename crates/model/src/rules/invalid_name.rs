use crate::Key;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1010),
    name: "invalid-name",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a resource name breaks the rules of its type",
    shows_source: true,
    page: include_str!("invalid_name.md"),
};

/// `problem` ends the sentence about the name of `key`.
pub fn found(place: Place, key: &Key, problem: &str) -> Diagnostic {
    let message = format!(
        "the {} name `{}` {problem}",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help("rename the folder")
}

/// The owner of the objects of Azure Service Operator.
pub fn owner(name: &str) -> Diagnostic {
    let message = format!(
        "`{}` cannot be the owner of objects of Azure Service Operator",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, Place::Source, message).help(
        "name a `Service` object (small letters, digits, hyphens and dots), or give the ARM id of a service",
    )
}

/// The name of the service that the project is rendered for.
pub fn service(name: &str) -> Diagnostic {
    let message = format!("`{}` cannot be the name of a service", excerpt(name, 80));
    Diagnostic::new(&RULE, Place::Source, message)
        .help("1 to 50 letters, digits and hyphens; a letter first, no hyphen last")
}
