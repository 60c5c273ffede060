use super::archive_entry_refused::place;
use crate::diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8003),
    name: "source-limit",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a source exceeds a cap",
    shows_source: true,
    page: include_str!("source_limit.md"),
};

/// `what` of the entry or file `path` is `value`, more than the cap of `flag`.
pub fn found(path: &str, what: &str, value: u64, cap: u64, flag: &str) -> Diagnostic {
    let message = format!("{what}: {value}, but the cap is {cap}");
    Diagnostic::new(&RULE, place(path), message)
        .help(format!("if that is meant, raise the cap with --{flag}"))
}
