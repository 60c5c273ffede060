use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3024),
    name: "fragment-cycle",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy fragment includes itself",
    shows_source: true,
    page: include_str!("fragment_cycle.md"),
};

/// The fragment `name` is included at `span`, inside itself; `circle` is what includes it.
pub fn found<'n>(span: Span, name: &str, circle: impl Iterator<Item = &'n str>) -> Diagnostic {
    let name = excerpt(name, 60);
    let others: Vec<_> = circle
        .skip(1)
        .take(8)
        .map(|name| excerpt(name, 60))
        .collect();
    let message = match others.as_slice() {
        [] => format!("the fragment `{name}` includes itself"),
        others => format!(
            "the fragment `{name}` includes itself, through `{}`",
            others.join("`, `")
        ),
    };
    Diagnostic::new(&RULE, span, message).help("remove one `<include-fragment>` of the circle")
}
