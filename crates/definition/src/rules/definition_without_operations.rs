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

/// Of WADL: no method.
pub fn wadl(file: FileId) -> Diagnostic {
    let message = "the document declares no method of a resource";
    Diagnostic::new(&RULE, file, message)
        .help("an API without operations answers every call with 404; add `<method>` to a resource")
}

/// Of OData: nothing in an entity container.
pub fn odata(file: FileId) -> Diagnostic {
    let message = "the metadata have no entity set, singleton, function or action";
    Diagnostic::new(&RULE, file, message)
        .help("an API without operations answers every call with 404; add an `<EntityContainer>`")
}
