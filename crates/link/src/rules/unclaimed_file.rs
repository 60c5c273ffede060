use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1003),
    name: "unclaimed-file",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "nothing reads this file",
    shows_source: true,
    page: include_str!("unclaimed_file.md"),
};

pub fn found(file: FileId, path: &ArtifactPath) -> Diagnostic {
    Diagnostic::new(&RULE, file, format!("nothing reads `{path}`"))
        .help("check its name and folder; files such as a README are fine")
}
