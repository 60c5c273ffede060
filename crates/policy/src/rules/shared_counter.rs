use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3038),
    name: "shared-counter",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "limits of two scopes count by the same key",
    shows_source: true,
    page: include_str!("shared_counter.md"),
};

/// The limit `name` at `span` has the key of the one at `other`, of an enclosing scope.
pub fn found(span: Span, name: &str, other: Span) -> Diagnostic {
    let message = format!("`<{name}>` shares its counter with one of an enclosing scope");
    Diagnostic::new(&RULE, span, message)
        .related(other, "the other one is here")
        .help("add to `counter-key` what tells the scopes apart, such as `context.Api.Id`")
}
