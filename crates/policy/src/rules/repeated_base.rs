use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3028),
    name: "repeated-base",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a section has `<base />` more than once",
    shows_source: true,
    page: include_str!("repeated_base.md"),
};

/// The `<base />` at `span` is not the first of its section.
pub fn found(span: Span, first: Span) -> Diagnostic {
    let message = "a second `<base />`: what the enclosing scopes have here runs twice";
    Diagnostic::new(&RULE, span, message)
        .related(first, "first here")
        .help("remove one")
}
