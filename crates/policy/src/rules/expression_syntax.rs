use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3017),
    name: "expression-syntax",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "the C# of a policy expression cannot be read",
    shows_source: true,
    page: include_str!("expression_syntax.md"),
};

/// What the parser says of the text at `span`, with the compiler's number.
pub fn found(span: Span, id: &str, message: &str, help: &str) -> Diagnostic {
    crate::check::expression_finding(&RULE, span, id, message, help)
}

/// An XML comment stands in C#, at `span`.
pub fn comment(span: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        span,
        "an XML comment stands inside of a C# expression",
    )
    .help("write `/* ... */`, or put the comment before the element")
}
