use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1032),
    name: "allowance-without-reason",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a finding is allowed beside the line without a reason",
    shows_source: true,
    page: include_str!("allowance_without_reason.md"),
};
