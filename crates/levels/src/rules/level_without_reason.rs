use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1031),
    name: "level-without-reason",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the level of a refusal is lowered without a reason",
    shows_source: true,
    page: include_str!("level_without_reason.md"),
};
