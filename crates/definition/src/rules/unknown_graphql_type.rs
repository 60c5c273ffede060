use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2055),
    name: "unknown-graphql-type",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a GraphQL schema names a type that it does not declare",
    shows_source: true,
    page: include_str!("unknown_graphql_type.md"),
};

/// There is no type `name`.
pub fn found(at: Span, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!("the schema has no type `{}`", excerpt(name, 60));
    let finding = Diagnostic::new(&RULE, at, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{}`?", excerpt(near, 60)))
            .proposes(name, near),
        None => finding.help("declare it; a scalar of its own needs `scalar`, too"),
    }
}
