use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1036),
    name: "stale-baseline",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a baseline lists findings that are no more",
    shows_source: true,
    page: include_str!("stale_baseline.md"),
};
