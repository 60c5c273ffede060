use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2052),
    name: "several-parts",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a message of a WSDL document has several parts",
    shows_source: true,
    page: include_str!("several_parts.md"),
};

/// The message `name` has so many parts.
pub fn found(at: Span, name: &str, parts: usize) -> Diagnostic {
    let message = format!(
        "the message `{}` has {parts} parts; Azure supports one",
        excerpt(name, 60)
    );
    Diagnostic::new(&RULE, at, message).help("put the parts into one element")
}
