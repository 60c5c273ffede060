use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3030),
    name: "shadowed-cors",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "of two `<cors>` that apply, the second is not asked",
    shows_source: true,
    page: include_str!("shadowed_cors.md"),
};

/// The `<cors>` at `span` stands behind `other` of an enclosing scope.
pub fn hidden(span: Span, other: Span) -> Diagnostic {
    let message =
        "this `<cors>` is not asked: one of an enclosing scope ends what it does not allow";
    found(span, other, message)
}

/// The `<cors>` at `span` stands before `other` of an enclosing scope.
pub fn hides(span: Span, other: Span) -> Diagnostic {
    let message =
        "this `<cors>` ends what it does not allow: one of an enclosing scope is not asked";
    found(span, other, message)
}

fn found(span: Span, other: Span, message: &str) -> Diagnostic {
    Diagnostic::new(&RULE, span, message)
        .related(other, "the other one is here")
        .help("keep one of them, or write `terminate-unmatched-request=\"false\"` on the first")
}
