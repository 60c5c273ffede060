use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(3026),
    name: "misplaced-fragment",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a fragment is included where one of its policies may not stand",
    shows_source: true,
    page: include_str!("misplaced_fragment.md"),
};

/// The fragment that is included at `span` has the policy `name`, which is not for `section`.
pub fn section(span: Span, name: &str, policy: Span, section: &str) -> Diagnostic {
    found(span, name, policy, &format!("in `<{section}>`"))
}

/// The same, and it is not for `scope`.
pub fn scope(span: Span, name: &str, policy: Span, scope: &str) -> Diagnostic {
    found(span, name, policy, &format!("at the scope {scope}"))
}

fn found(span: Span, name: &str, policy: Span, place: &str) -> Diagnostic {
    let message = format!("this fragment has `<{name}>`, which may not stand {place}");
    Diagnostic::new(&RULE, span, message)
        .related(policy, format!("`<{name}>` is here"))
        .help("include the fragment elsewhere, or take the policy out of it")
}
