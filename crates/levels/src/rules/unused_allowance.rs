use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1033),
    name: "unused-allowance",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an allowance allows nothing",
    shows_source: true,
    page: include_str!("unused_allowance.md"),
};
