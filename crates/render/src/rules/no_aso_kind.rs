use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7101),
    name: "no-aso-kind",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "Azure Service Operator has no kind for a resource",
    shows_source: true,
    page: include_str!("no_aso_kind.md"),
};

pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "Azure Service Operator has no kind for the {} `{key}`",
        key.kind.label()
    );
    Diagnostic::new(&RULE, place, message).help("the other targets carry it")
}
