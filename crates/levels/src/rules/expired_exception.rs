use flux_apim_diag::{Class, Code, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1035),
    name: "expired-exception",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a level or an allowance is past its last day",
    shows_source: true,
    page: include_str!("expired_exception.md"),
};
