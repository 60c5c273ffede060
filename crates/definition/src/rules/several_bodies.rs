use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2033),
    name: "several-bodies",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an operation of 2.0 has a body that API Management cannot take as it stands",
    shows_source: true,
    page: include_str!("several_bodies.md"),
};

pub fn two(at: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        at,
        "the operation has two bodies, of which one is lost",
    )
    .help("make one schema of the two")
}

pub fn form(at: Span) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        at,
        "the operation has a body and form fields, which exclude each other",
    )
    .help("API Management does not support `formData` parameters; describe the form in the body")
}

pub fn file(at: Span) -> Diagnostic {
    Diagnostic::new(&RULE, at, "a file is sent, and the operation does not consume a form")
        .help("add `consumes: [multipart/form-data]`; API Management does not support `formData` parameters")
}
