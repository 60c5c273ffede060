use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3033),
    name: "lost-authentication",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "an operation leaves out the authentication that its siblings have",
    shows_source: true,
    page: include_str!("lost_authentication.md"),
};

/// The inbound section at `span` has no `<base />`, and so not the policy `name` at
/// `guard`, which `others` operations of the API have.
pub fn found(span: Span, name: &str, guard: Span, others: usize) -> Diagnostic {
    let others = match others {
        1 => "another operation of the API keeps it".to_owned(),
        n => format!("{n} other operations of the API keep it"),
    };
    let message = format!("without `<base />` this operation has no `<{name}>`; {others}");
    Diagnostic::new(&RULE, span, message)
        .related(guard, format!("`<{name}>` is here"))
        .help("write `<base />` first in the section, or say what takes its place")
}
