use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3025),
    name: "unused-fragment",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "no policy includes a fragment",
    shows_source: true,
    page: include_str!("unused_fragment.md"),
};

/// Nothing includes the fragment `name`, whose root is at `span`.
pub fn found(span: Span, name: &str) -> Diagnostic {
    let message = format!("no policy includes the fragment `{}`", excerpt(name, 60));
    Diagnostic::new(&RULE, span, message).help("include it with `<include-fragment>`, or remove it")
}
