use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4014),
    name: "owner-of-another-service",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a subscription belongs to a user of the service that the tree came from",
    shows_source: true,
    page: include_str!("owner_of_another_service.md"),
};

/// The subscription `key` belongs to `owner`: an error in a project that is `strict`.
pub fn found(place: Place, key: &Key, owner: &str, strict: bool) -> Diagnostic {
    let message = format!(
        "subscription `{}` belongs to the user `{}`, who must be on the service",
        excerpt(key.name(), 80),
        excerpt(owner, 80)
    );
    let rule = match strict {
        true => &super::dangling_reference::RULE,
        false => &RULE,
    };
    Diagnostic::new(rule, place, message).help(format!(
        "remove `ownerId`, set it in the environment file of each service, or list `users/{}` under `external`",
        excerpt(owner, 80)
    ))
}
