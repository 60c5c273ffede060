use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1034),
    name: "malformed-allowance",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an allowance names no rule or is not written as one",
    shows_source: true,
    page: include_str!("malformed_allowance.md"),
};
