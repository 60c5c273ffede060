use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4013),
    name: "websocket-policy",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a websocket API has a policy that is not run",
    shows_source: true,
    page: include_str!("websocket_policy.md"),
};

/// The websocket API of `key` has a policy.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "the websocket API `{}` has a policy; its policies belong to the operation `onHandshake`",
        excerpt(&key.names[0], 80)
    );
    Diagnostic::new(&RULE, place, message).help("move it to operations/onHandshake/policy.xml")
}
