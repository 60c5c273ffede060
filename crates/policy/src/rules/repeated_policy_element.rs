use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3012),
    name: "repeated-policy-element",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy element stands more often than it may",
    shows_source: true,
    page: include_str!("repeated_policy_element.md"),
};

/// The element `name` at `span` is one too many in `around`, which takes `max`.
pub fn found(span: Span, name: &str, around: &str, max: u32, first: Span) -> Diagnostic {
    let times = if max == 1 {
        "once".to_owned()
    } else {
        format!("{max} times")
    };
    let message = format!("`<{name}>` may stand in `<{around}>` only {times}");
    Diagnostic::new(&RULE, span, message)
        .related(first, "the first is here")
        .help("keep one of them, or put them together")
}
