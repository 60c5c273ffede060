use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2001),
    name: "malformed-definition",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an API definition cannot be read",
    shows_source: true,
    page: include_str!("malformed_definition.md"),
};

/// There is nothing in `file`.
pub fn empty(file: FileId, path: &ArtifactPath) -> Diagnostic {
    Diagnostic::new(&RULE, file, format!("the definition `{path}` is empty"))
}

/// What the parser of XML met at the byte `at`.
pub fn xml(file: FileId, at: usize, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, Span::new(file, at, at), message)
}
