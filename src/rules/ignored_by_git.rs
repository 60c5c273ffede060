use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(8011),
    name: "ignored-by-git",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "files that Git ignores are not read",
    shows_source: true,
    page: include_str!("ignored_by_git.md"),
};

/// The file or folder `path` of a working tree is called as one that is read; `more` others
/// are, too.
pub fn found(path: &str, more: usize) -> Diagnostic {
    let others = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "`{}`{others} is ignored by Git, and not read: the commit does not have it",
        excerpt(path, 200)
    );
    Diagnostic::new(&RULE, Place::Path(path.to_owned()), message)
        .help("add it with `git add --force`, or remove it")
}
