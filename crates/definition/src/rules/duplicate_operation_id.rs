use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2032),
    name: "duplicate-operation-id",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "two operations have the same operationId",
    shows_source: true,
    page: include_str!("duplicate_operation_id.md"),
};

/// `id` at `at` is that of another operation, written `other` at `first`.
pub fn found(at: Span, id: &str, first: Span, other: &str) -> Diagnostic {
    let (id, other) = (excerpt(id, 80), excerpt(other, 80));
    let message = match id == other {
        true => format!("another operation has the `operationId` `{id}`"),
        false => format!("the `operationId` `{id}` differs from `{other}` in case only"),
    };
    Diagnostic::new(&RULE, at, message)
        .related(first, "first here")
        .help("give each operation a name of its own, whatever its case")
}
