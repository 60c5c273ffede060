use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1001),
    name: "no-project",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "no APIM configuration was found in the source",
    shows_source: true,
    page: include_str!("no_project.md"),
};

/// `file` lies in `folder`, as the first versions of APIOps wrote an API.
pub fn of_first_versions(file: FileId, folder: &str) -> Diagnostic {
    let message = format!(
        "`{}` is of a tree of APIOps v0, `apis/NAME/VERSION/REVISION`, which names APIs by their \
         display names: it is not read",
        excerpt(folder, 120)
    );
    Diagnostic::new(&RULE, file, message).help(
        "extract the service again with a present release of APIOps, which writes \
         `apis/NAME/apiInformation.json`",
    )
}

/// `root` was searched; it is empty for the whole source.
pub fn found(root: &str) -> Diagnostic {
    let searched = if root.is_empty() {
        "the source".to_owned()
    } else {
        format!("`{root}`")
    };
    let message = format!(
        "{searched} holds no APIM configuration: neither an APIOps folder nor an OpenAPI document"
    );
    Diagnostic::new(&RULE, Place::Source, message)
        .help("check the path, or narrow the source with `--path DIR`")
}
