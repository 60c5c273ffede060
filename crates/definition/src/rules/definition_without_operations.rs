use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(2006),
    name: "definition-without-operations",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API definition declares no operation",
    shows_source: true,
    page: include_str!("definition_without_operations.md"),
};

pub fn found(file: FileId, path: &ArtifactPath) -> Diagnostic {
    let message = format!("the definition `{path}` declares no operation");
    Diagnostic::new(&RULE, file, message)
        .help("an API without operations answers every call with 404; add paths")
}
