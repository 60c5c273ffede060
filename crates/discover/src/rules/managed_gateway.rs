use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1038),
    name: "managed-gateway",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "the built-in gateway has an information file",
    shows_source: true,
    page: include_str!("managed_gateway.md"),
};

/// `file` declares the built-in gateway.
pub fn found(file: FileId) -> Diagnostic {
    let message = "the gateway `managed` is built into the service and cannot be written; only its links to APIs can";
    Diagnostic::new(&RULE, file, message).help("remove the file")
}
