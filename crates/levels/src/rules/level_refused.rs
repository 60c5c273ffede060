use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1030),
    name: "level-refused",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a level or an exception is set that may not be",
    shows_source: true,
    page: include_str!("level_refused.md"),
};
