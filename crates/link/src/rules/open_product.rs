use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1051),
    name: "open-product",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a product can be used without subscription or approval",
    shows_source: true,
    page: include_str!("open_product.md"),
};

/// `property` of `key` lets everybody in.
pub fn found(place: Place, key: &Key, property: &str) -> Diagnostic {
    let what = match property {
        "subscriptionRequired" => "without a subscription",
        _ => "without approval",
    };
    let message = format!("product `{}` can be used {what}", excerpt(key.name(), 80));
    Diagnostic::new(&RULE, place, message).help(format!("set `{property}` to true"))
}
