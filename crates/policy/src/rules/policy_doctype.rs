use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3003),
    name: "policy-doctype",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a policy document has a DOCTYPE or an unknown entity",
    shows_source: true,
    page: include_str!("policy_doctype.md"),
};

/// A `<!...>` stands at `span`.
pub fn declaration(span: Span) -> Diagnostic {
    Diagnostic::new(&RULE, span, "a policy has no DOCTYPE").help("remove the declaration")
}

/// An entity that XML does not have of itself stands at `span`.
pub fn entity(span: Span, name: &str) -> Diagnostic {
    let message = format!("there is no entity `&{};` in a policy", excerpt(name, 60));
    Diagnostic::new(&RULE, span, message)
        .help("write the character itself, or a numeric entity such as `&#160;`")
}
