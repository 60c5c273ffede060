use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4009),
    name: "duplicate-api-version",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two APIs of a version set have the same version",
    shows_source: true,
    page: include_str!("duplicate_api_version.md"),
};

/// `second` is `version` of the version set `set`, as `first` is at `other`.
pub fn found(
    place: Place,
    second: &Key,
    version: &str,
    set: &Key,
    first: &Key,
    other: Place,
) -> Diagnostic {
    let version = match version {
        "" => "the version without a name".to_owned(),
        version => format!("version `{}`", excerpt(version, 80)),
    };
    let message = format!(
        "API `{}` is {version} of `{}`, which API `{}` is already",
        excerpt(second.name(), 80),
        excerpt(set.name(), 80),
        excerpt(first.name(), 80)
    );
    Diagnostic::new(&RULE, place, message)
        .related(other, "the other one")
        .help("give one another `apiVersion`")
}
