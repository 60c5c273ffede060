use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1054),
    name: "product-without-terms",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a product has no terms of use",
    shows_source: true,
    page: include_str!("product_without_terms.md"),
};

/// The product `key` has no `terms`.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!("product `{}` has no terms of use", excerpt(key.name(), 80));
    Diagnostic::new(&RULE, place, message).help("say in `terms` what developers agree to")
}
