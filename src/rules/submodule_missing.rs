use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8009),
    name: "submodule-missing",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a Git submodule is not checked out",
    shows_source: true,
    page: include_str!("submodule_missing.md"),
};

pub fn found(path: &str) -> Diagnostic {
    let message =
        format!("the Git submodule `{path}` is not checked out: the source has nothing of it");
    Diagnostic::new(&RULE, Place::Path(path.to_owned()), message).help(
        "run `git submodule update --init` before rendering here; for Flux set \
         spec.recurseSubmodules of the GitRepository",
    )
}
