use super::archive_entry_refused::place;
use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8006),
    name: "source-unreadable",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a source cannot be read",
    shows_source: true,
    page: include_str!("source_unreadable.md"),
};

/// The folder `folder`, which is `path` in the source.
pub fn folder(path: &str, folder: &std::path::Path, why: &std::io::Error) -> Diagnostic {
    let message = format!("the folder {} cannot be read: {why}", folder.display());
    new(place(path), message)
}

/// The file `path` of the source.
pub fn file(path: &str, why: &str) -> Diagnostic {
    let message = format!("`{path}` cannot be read: {why}");
    new(Place::Path(path.to_owned()), message)
}

fn new(place: Place, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, place, message)
        .help("give read permission, or move it out of the source")
}
