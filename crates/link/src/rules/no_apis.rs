use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1014),
    name: "no-apis",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the project has no API",
    shows_source: true,
    page: include_str!("no_apis.md"),
};

pub fn found() -> Diagnostic {
    Diagnostic::new(&RULE, Place::Source, "the project has no API")
        .help("when that is meant, say `rules: {APIM1014: warning}` in flux-apim.yaml")
}
