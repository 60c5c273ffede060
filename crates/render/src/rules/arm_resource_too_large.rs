use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7001),
    name: "arm-resource-too-large",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a resource is larger than Azure Resource Manager takes",
    shows_source: true,
    page: include_str!("arm_resource_too_large.md"),
};

/// `key` has `size` bytes in the template.
pub fn found(place: Place, key: &Key, size: usize, max: usize) -> Diagnostic {
    let message = format!(
        "the {} `{}` has {size} bytes in the template, but a resource may have {max}",
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help("split the API, or render for `--target aso` only")
}
