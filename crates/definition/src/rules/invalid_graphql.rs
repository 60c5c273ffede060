use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2053),
    name: "invalid-graphql",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a GraphQL schema cannot be read",
    shows_source: true,
    page: include_str!("invalid_graphql.md"),
};

/// The grammar has no place for what is at `at`.
pub fn found(at: Span, message: &str) -> Diagnostic {
    Diagnostic::new(&RULE, at, message)
        .help("correct the schema: Azure refuses one that it cannot read")
}

/// The type `name` at `at` is declared at `first`, too.
pub fn twice(at: Span, name: &str, first: Span) -> Diagnostic {
    let message = format!("the type `{}` is declared twice", excerpt(name, 60));
    Diagnostic::new(&RULE, at, message)
        .related(first, "first here")
        .help("remove one of them, or write `extend` before it")
}
