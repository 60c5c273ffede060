use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1029),
    name: "revision-keeps-root",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a revision says something that Azure takes from the current revision",
    shows_source: true,
    page: include_str!("revision_keeps_root.md"),
};

/// The revision `name` has `property` of its own.
pub fn found(place: Place, name: &str, property: &str) -> Diagnostic {
    let message = format!(
        "`{property}` of revision `{}` is not rendered: Azure takes it from the current revision",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, place, message).help("remove it, or change the current revision")
}
