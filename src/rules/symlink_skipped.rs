use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8007),
    name: "symlink-skipped",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a symbolic link is not followed",
    shows_source: true,
    page: include_str!("symlink_skipped.md"),
};

pub fn found(path: &str) -> Diagnostic {
    let message = format!("the symbolic link `{path}` is not followed");
    Diagnostic::new(&RULE, Place::Path(path.to_owned()), message)
        .help("source-controller leaves links out of its archives too")
}
