use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1013),
    name: "unknown-property",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property is unknown to the api-version that is rendered",
    shows_source: true,
    page: include_str!("unknown_property.md"),
};

/// `api_version` has no `path`; `near` is what may have been meant.
pub fn found(
    place: Place,
    path: &str,
    subject: &str,
    api_version: &str,
    near: Option<&str>,
) -> Diagnostic {
    let message = format!(
        "`{}` of {subject} is unknown to api-version {api_version}",
        excerpt(path, 120)
    );
    let finding = Diagnostic::new(&RULE, place, message);
    let name = path.rsplit('.').next().unwrap_or(path);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .renames(name, near),
        None => finding,
    }
}

/// `path` of `subject` is known to the api-version `newer`, and not to `current`.
pub fn newer(place: Place, path: &str, subject: &str, current: &str, newer: &str) -> Diagnostic {
    let message = format!(
        "`{}` of {subject} is unknown to api-version {current}",
        excerpt(path, 200)
    );
    Diagnostic::new(&RULE, place, message).help(super::invalid_value::takes(newer))
}
