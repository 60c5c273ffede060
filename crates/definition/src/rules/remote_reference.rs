use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2003),
    name: "remote-reference",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a reference points outside the source",
    shows_source: true,
    page: include_str!("remote_reference.md"),
};

/// `shown` at `span` is an address outside the source.
pub fn found(span: Span, shown: &str) -> Diagnostic {
    let message = format!("`{shown}` is outside the source, and nothing is fetched");
    Diagnostic::new(&RULE, span, message)
        .help("bring the document into the tree and refer to it by a relative path")
}
