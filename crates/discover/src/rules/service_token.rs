use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1019),
    name: "service-token",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "the name of the service is a token of a pipeline",
    shows_source: true,
    page: include_str!("service_token.md"),
};

/// `name` is a token.
pub fn found(place: Place, name: &str) -> Diagnostic {
    let message = format!(
        "`{}` is a token of a pipeline, and no name of a service",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("name the service with --service, or with `service` in flux-apim.yaml")
}
