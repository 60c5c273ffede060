use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1041),
    name: "two-authentication-settings",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "authentication settings say two things",
    shows_source: true,
    page: include_str!("two_authentication_settings.md"),
};

/// `one` and `list` of the API `name` differ.
pub fn found(place: Place, name: &str, one: &str, list: &str, difference: &str) -> Diagnostic {
    let message = format!(
        "`{one}` and `{list}` of API `{}` differ: {difference}; Azure takes one of them",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, place, message).help(format!("keep `{one}` or `{list}`"))
}
