use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(8001),
    name: "archive-entry-refused",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an archive holds an entry that is refused",
    shows_source: true,
    page: include_str!("archive_entry_refused.md"),
};

/// The entry of an archive that is shown as `shown`; `why` ends the sentence.
pub fn entry(shown: &str, why: &str) -> Diagnostic {
    let message = format!("the entry `{shown}` is refused: {why}");
    new(shown, message).help("only regular files and folders with plain relative names are read")
}

/// As [`entry`], of a file that is given by itself.
pub fn file(shown: &str, why: &str) -> Diagnostic {
    let message = format!("the file `{shown}` is refused: {why}");
    new(shown, message).help("files have plain relative names")
}

/// As [`entry`], of what lies at `path` in a folder.
pub fn in_folder(path: &str, why: &str) -> Diagnostic {
    let message = format!("`{}` is refused: {why}", excerpt(path, 200));
    new(path, message).help("remove or rename it")
}

/// The name of a document that is the source itself.
pub fn name(name: &str, why: String) -> Diagnostic {
    new(name, why).help("rename the file")
}

/// An extended header of `size` bytes.
pub fn extension(size: u64, max: u64) -> Diagnostic {
    let message = format!("an extended header has {size} bytes; at most {max} are read");
    new("", message).help("write the archive without extended attributes")
}

fn new(path: &str, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, place(path), message)
}

/// An entry of an archive or a file; the source for the empty path.
pub(super) fn place(path: &str) -> Place {
    if path.is_empty() {
        Place::Source
    } else {
        Place::Path(excerpt(path, 300))
    }
}
