use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7103),
    name: "aso-property",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property cannot be expressed for Azure Service Operator",
    shows_source: true,
    page: include_str!("aso_property.md"),
};

/// A reference that the operator cannot have.
pub fn reference(place: Place, path: &str, key: &Key) -> Diagnostic {
    new(
        place,
        path,
        key,
        "cannot be expressed for Azure Service Operator",
    )
    .help("a resource outside the bundle needs a full ARM id")
}

/// A property that its schema does not have.
pub fn unknown(place: Place, path: &str, key: &Key) -> Diagnostic {
    let what = "is unknown to Azure Service Operator and left out";
    new(place, path, key, what).help("the other targets carry it")
}

fn new(place: Place, path: &str, key: &Key, what: &str) -> Diagnostic {
    let message = format!(
        "`{}` of the {} `{}` {what}",
        excerpt(path, 200),
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message)
}
