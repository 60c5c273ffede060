use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2016),
    name: "dropped-value",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a value of an API definition is none that belongs there, and Azure drops it in silence",
    shows_source: true,
    page: include_str!("dropped_value.md"),
};

/// What is named `name`, or an item, at `at` is `found` where `expected` belongs.
pub fn kind(at: Span, name: Option<&str>, expected: &str, found: &str) -> Diagnostic {
    let name = name.map_or("an item".to_owned(), |name| {
        format!("`{}`", excerpt(name, 60))
    });
    let message = format!("{name} is {found} where {expected} belongs: Azure drops it");
    Diagnostic::new(&RULE, at, message).help(format!("write {expected}"))
}
