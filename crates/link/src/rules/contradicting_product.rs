use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1043),
    name: "contradicting-product",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a product asks for approval of subscriptions that it does not need",
    shows_source: true,
    page: include_str!("contradicting_product.md"),
};

/// `key` has `property` and needs no subscription.
pub fn found(place: Place, key: &Key, property: &str) -> Diagnostic {
    let message = format!(
        "product `{}` has `{property}`, but needs no subscription",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help(format!(
        "remove `{property}`, or set `subscriptionRequired` to true"
    ))
}
