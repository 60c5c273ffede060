use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1052),
    name: "sample-product",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a product that new services have as a sample is still there",
    shows_source: true,
    page: include_str!("sample_product.md"),
};

/// `key` is one of them.
pub fn found(place: Place, key: &Key) -> Diagnostic {
    let message = format!(
        "product `{}` is a sample of new services",
        excerpt(key.name(), 80)
    );
    Diagnostic::new(&RULE, place, message).help("remove it, unless your users need it")
}
