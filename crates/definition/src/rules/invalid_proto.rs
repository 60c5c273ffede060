use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2057),
    name: "invalid-proto",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `.proto` file cannot be read",
    shows_source: true,
    page: include_str!("invalid_proto.md"),
};

/// The grammar has no place for what is at `at`.
pub fn found(at: Span, message: &str) -> Diagnostic {
    Diagnostic::new(&RULE, at, message)
        .help("correct the file: Azure refuses one that it cannot read")
}
