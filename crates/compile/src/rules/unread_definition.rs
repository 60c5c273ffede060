use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2081),
    name: "unread-definition",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a definition beside another one is not read",
    shows_source: true,
    page: include_str!("unread_definition.md"),
};

/// `file` is not read because `read` is; `why` says what settles it.
pub fn found(file: FileId, path: &ArtifactPath, read: &ArtifactPath, why: &str) -> Diagnostic {
    let message = format!("`{}` is not read: {why}", excerpt(path.name(), 80));
    Diagnostic::new(&RULE, file, message).help(format!(
        "remove it; `{}` is the definition",
        excerpt(read.name(), 80)
    ))
}
