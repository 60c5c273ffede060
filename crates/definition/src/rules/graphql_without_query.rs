use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2054),
    name: "graphql-without-query",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a GraphQL schema has no query",
    shows_source: true,
    page: include_str!("graphql_without_query.md"),
};

/// The definition in `file` has no type `Query`.
pub fn found(file: FileId) -> Diagnostic {
    let message = "the schema has no type `Query`, and no `schema { query: ... }` names another";
    Diagnostic::new(&RULE, file, message).help("add `type Query` with a field at least")
}

/// The `schema` at `at` names no query.
pub fn of_schema(at: Span) -> Diagnostic {
    Diagnostic::new(&RULE, at, "the schema names no type for `query`")
        .help("add `query: Query`, or what it is called")
}
