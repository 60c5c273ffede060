use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1028),
    name: "redacted-value",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a value was taken out when the tree was extracted",
    shows_source: true,
    page: include_str!("redacted_value.md"),
};

/// What stands for a secret that the extractor took out.
pub const MARKER: &str = "*** REDACTED ***";

/// The marker stands at `place`.
pub fn found(place: Place) -> Diagnostic {
    let message = format!("`{MARKER}` stands where the extractor took a secret out");
    Diagnostic::new(&RULE, place, message)
        .help("write a Key Vault reference or a named value in its place, or remove the property")
}
