use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1009),
    name: "duplicate-resource",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the same resource is declared twice",
    shows_source: true,
    page: include_str!("duplicate_resource.md"),
};

/// `key` is declared at `second`, and at `first` already.
pub fn found(key: &Key, second: Span, first: Option<Span>) -> Diagnostic {
    let message = format!(
        "{} `{}` is declared twice",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    let finding = Diagnostic::new(&RULE, second, message)
        .help("remove one of the two; names are compared without case");
    match first {
        Some(first) => finding.related(first, "first here"),
        None => finding,
    }
}

/// `key` has two policies or two wiki pages.
pub fn text(key: &Key, second: FileId, first: FileId, path: &ArtifactPath) -> Diagnostic {
    two_files(key, second, first, path)
}

/// The API `name` is made by two documents.
pub fn document(name: &str, second: FileId, first: Option<Span>) -> Diagnostic {
    let finding = Diagnostic::new(
        &RULE,
        second,
        format!("two documents make the API `{name}`"),
    )
    .help("rename the folder, or set `apis: {<folder>: {name: ...}}` in flux-apim.yaml");
    match first {
        Some(first) => finding.related(first, "the other one"),
        None => finding,
    }
}

/// `key` has the file `second` where it has `first`, with the path `path`, already.
fn two_files(key: &Key, second: FileId, first: FileId, path: &ArtifactPath) -> Diagnostic {
    let message = format!(
        "{} `{}` has this file and `{path}`",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, second, message)
        .related(first, "the other one")
        .help("keep one of the two")
}
