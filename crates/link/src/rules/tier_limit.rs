use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::{Counted, Key};

pub static RULE: Rule = Rule {
    code: Code(7007),
    name: "tier-limit",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the project has more than a service of its tier takes",
    shows_source: true,
    page: include_str!("tier_limit.md"),
};

/// There are `count` of `what`, and the tier takes `most`.
pub fn found(place: Place, what: Counted, count: usize, tier: &str, most: usize) -> Diagnostic {
    let message = format!(
        "the project has {count} {}, but a service of the tier {tier} takes {most}",
        what.label()
    );
    Diagnostic::new(&RULE, place, message)
        .help("remove some, split the project over two services, or choose a larger tier")
}

/// The policy `key` has `size` bytes.
pub fn policy(place: Place, key: &Key, size: usize, tier: &str, most: usize) -> Diagnostic {
    let message = format!(
        "the {} `{}` has {size} bytes, but the tier {tier} takes {most}",
        key.kind.label(),
        excerpt(&key.to_string(), 200)
    );
    Diagnostic::new(&RULE, place, message).help("shorten it, or move parts into fragments")
}
