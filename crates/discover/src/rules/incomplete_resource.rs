use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1015),
    name: "incomplete-resource",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a resource lacks the file that declares it",
    shows_source: true,
    page: include_str!("incomplete_resource.md"),
};

/// Nothing declares `missing`; `file` with the path `path` belongs to it.
pub fn found(missing: &Key, file: FileId, path: &ArtifactPath) -> Diagnostic {
    let message = format!(
        "{} `{}` has this file, but nothing declares it",
        missing.kind.label(),
        excerpt(missing.name(), 80)
    );
    Diagnostic::new(&RULE, file, message)
        .help(format!("add its information file, or remove `{path}`"))
}
