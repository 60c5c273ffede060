use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1011),
    name: "missing-property",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property that Azure requires is missing",
    shows_source: true,
    page: include_str!("missing_property.md"),
};

/// `path` of `subject` has no `required`.
pub fn found(place: Place, path: &str, subject: &str, required: &str) -> Diagnostic {
    let message = format!(
        "`{}.{required}` of {subject} is missing",
        excerpt(path, 200)
    );
    Diagnostic::new(&RULE, place, message).help(format!("Azure requires `{required}`; add it"))
}
