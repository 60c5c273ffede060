use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(1004),
    name: "malformed-document",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a JSON or YAML document cannot be read",
    shows_source: true,
    page: include_str!("malformed_document.md"),
};

/// `rule` is this one, or that of the kind of document which is read.
pub fn json(rule: &'static Rule, span: Span, message: &str) -> Diagnostic {
    Diagnostic::new(rule, span, format!("malformed JSON: {message}"))
}

/// As [`json`].
pub fn yaml(rule: &'static Rule, span: Span, message: &str) -> Diagnostic {
    Diagnostic::new(rule, span, format!("malformed YAML: {message}"))
}
