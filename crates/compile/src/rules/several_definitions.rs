use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};
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

/// `key` has the definition `second` beside `first` with the path `path`; `difference` says
/// how they differ.
pub fn found(
    key: &Key,
    second: FileId,
    (first, path): (FileId, &ArtifactPath),
    difference: &str,
) -> Diagnostic {
    let message = format!(
        "{} `{}` has two definitions: {}",
        key.kind.label(),
        excerpt(key.name(), 80),
        excerpt(difference, 300)
    );
    Diagnostic::new(&RULE, second, message)
        .related(first, format!("`{}`", excerpt(path.as_str(), 200)))
        .help("keep one of the two")
}
