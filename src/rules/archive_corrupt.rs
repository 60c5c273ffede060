use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(8002),
    name: "archive-corrupt",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an archive cannot be read",
    shows_source: true,
    page: include_str!("archive_corrupt.md"),
};

pub fn found(why: &str) -> Diagnostic {
    let message = format!("the archive cannot be read: {}", excerpt(why, 200));
    Diagnostic::new(&RULE, Place::Source, message)
        .help("it must be a complete gzip-compressed tar; fetch it again")
}
