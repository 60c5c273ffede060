use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2031),
    name: "repeated-item",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a list of a definition of 2.0 has an item twice",
    shows_source: true,
    page: include_str!("repeated_item.md"),
};

/// An item of `list` at `at` is at `first`, too.
pub fn found(at: Span, list: &str, first: Span) -> Diagnostic {
    let message = format!("an item of `{}` is there twice", excerpt(list, 60));
    Diagnostic::new(&RULE, at, message)
        .related(first, "first here")
        .help("remove one of the two: the official schema of 2.0 wants unique items")
}
