use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7006),
    name: "aso-refused",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the schema of Azure Service Operator refuses an object, which is left out",
    shows_source: true,
    page: include_str!("aso_refused.md"),
};

const HELP: &str = "the other targets carry it";

/// The object of `key` is left out because of what is `wrong` with it.
pub fn found(place: Place, key: &Key, wrong: &str) -> Diagnostic {
    let message = format!(
        "the {} `{}` is left out of `aso/`, whose schema refuses it: {wrong}",
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help(HELP)
}

/// `key` belongs to `owner`, which the bundle does not have.
pub fn elsewhere(place: Place, key: &Key, owner: &Key) -> Diagnostic {
    let message = format!(
        "the {} `{}` is left out of `aso/`: the {} that owns it, `{}`, is not in the bundle",
        key.kind.label(),
        key.name(),
        owner.kind.label(),
        owner.name()
    );
    Diagnostic::new(&RULE, place, message)
        .help("name the service by its ARM id (`--aso-owner`), or use the other targets")
}

/// `key` belongs or refers to `on`, which is left out.
pub fn hanging(place: Place, key: &Key, on: &Key) -> Diagnostic {
    let message = format!(
        "the {} `{}` is left out of `aso/` with the {} `{}`",
        key.kind.label(),
        key.name(),
        on.kind.label(),
        on.name()
    );
    Diagnostic::new(&RULE, place, message).help(HELP)
}
