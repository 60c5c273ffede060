use crate::diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8020),
    name: "permission-missing",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the identity may not do in Azure what a deployment needs",
    shows_source: false,
    page: include_str!("permission_missing.md"),
};
