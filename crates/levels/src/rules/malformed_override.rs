use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1024),
    name: "malformed-override",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an environment or project configuration does not have the expected shape",
    shows_source: true,
    page: include_str!("malformed_override.md"),
};

/// A value of another shape at `place`.
pub fn found(place: Place, message: &str) -> Diagnostic {
    Diagnostic::new(&RULE, place, message)
}

/// A key that no setting has; `near` is what may have been meant.
pub fn setting(place: Place, key: &str, near: Option<&str>, settings: &[&str]) -> Diagnostic {
    let message = format!("`{}` is no setting of flux-apim.yaml", excerpt(key, 60));
    let finding = Diagnostic::new(&RULE, place, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .renames(key, near),
        None => finding.help(format!("the settings are {}", settings.join(", "))),
    }
}
