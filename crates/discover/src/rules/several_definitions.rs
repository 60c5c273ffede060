use super::duplicate_resource::two_files;
use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(2009),
    name: "several-definitions",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API has more than one definition",
    shows_source: true,
    page: include_str!("several_definitions.md"),
};

/// `key` has the definition `second`, and `first` with the path `path`.
pub fn found(key: &Key, second: FileId, first: FileId, path: &ArtifactPath) -> Diagnostic {
    two_files(&RULE, key, second, first, path)
}
