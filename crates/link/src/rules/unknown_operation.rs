use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(4003),
    name: "unknown-operation",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an operation folder matches no operation of the definition",
    shows_source: true,
    page: include_str!("unknown_operation.md"),
};

/// The definition of `api` has no `operation`; `near` is what may have been meant.
pub fn found(place: Place, api: &str, operation: &str, near: Option<&str>) -> Diagnostic {
    let message = format!(
        "the API `{}` has no operation `{}`",
        excerpt(api, 80),
        excerpt(operation, 80)
    );
    let finding = Diagnostic::new(&RULE, place, message);
    match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("name the folder after the `operationId`"),
    }
}
