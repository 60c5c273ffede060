use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3037),
    name: "cache-half",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a cache is looked into and never filled, or the reverse",
    shows_source: true,
    page: include_str!("cache_half.md"),
};

/// The policy `half` at `span` stands without `other`.
pub fn found(span: Span, half: &str, other: &str) -> Diagnostic {
    let section = if half.ends_with("lookup") {
        "outbound"
    } else {
        "inbound"
    };
    let message = format!("`<{half}>` does nothing: there is no `<{other}>` in `<{section}>`");
    Diagnostic::new(&RULE, span, message).help(format!("add `<{other}>`, or remove this"))
}
