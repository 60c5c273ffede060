use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1044),
    name: "pool-with-url",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a pool of backends has an address of its own",
    shows_source: true,
    page: include_str!("pool_with_url.md"),
};

/// The pool `key` has `property`.
pub fn found(place: Place, key: &Key, property: &str) -> Diagnostic {
    let message = format!(
        "the pool `{}` has `{property}`, which Azure takes of single backends only",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help(format!("remove `{property}`"))
}
