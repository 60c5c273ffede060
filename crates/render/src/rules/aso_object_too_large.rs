use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7104),
    name: "aso-object-too-large",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an object is larger than the Kubernetes API takes",
    shows_source: true,
    page: include_str!("aso_object_too_large.md"),
};

/// The object of `key` has `size` bytes.
pub fn found(place: Place, key: &Key, size: usize, max: usize) -> Diagnostic {
    let message = format!(
        "the object of the {} `{}` has {size} bytes, but the Kubernetes API takes {max}",
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help("split the API, or leave out `--target aso`")
}
