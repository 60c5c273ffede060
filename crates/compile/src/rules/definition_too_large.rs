use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(7004),
    name: "definition-too-large",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a definition is larger than APIM imports",
    shows_source: true,
    page: include_str!("definition_too_large.md"),
};

/// The definition has `size` bytes as it is imported.
pub fn found(file: FileId, path: &ArtifactPath, size: usize, max: usize) -> Diagnostic {
    let message = format!("`{path}` has {size} bytes minified, but APIM imports at most {max}");
    Diagnostic::new(&RULE, file, message).help("split the API, or remove examples and descriptions")
}
