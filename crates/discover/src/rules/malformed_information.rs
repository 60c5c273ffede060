use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1008),
    name: "malformed-information",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an information file does not have the expected shape",
    shows_source: true,
    page: include_str!("malformed_information.md"),
};

/// An information file of another shape.
pub fn found(place: Place, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, place, message).help("write `{\"properties\": {...}}`")
}

/// A list file, or an item of it, of another shape.
pub fn list(place: Place) -> Diagnostic {
    let message = "a list file is an array of objects with a `name`";
    Diagnostic::new(&RULE, place, message).help("write `[{\"name\": \"...\"}]`")
}
