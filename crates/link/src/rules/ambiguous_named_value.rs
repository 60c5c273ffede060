use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4005),
    name: "ambiguous-named-value",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "two named values have the same display name",
    shows_source: true,
    page: include_str!("ambiguous_named_value.md"),
};

/// `first` and `second` both have the display name `name`.
pub fn found(second: (&Key, Place), first: (&Key, Place), name: &str) -> Diagnostic {
    let message = format!(
        "the named values `{}` and `{}` have the same display name `{}`",
        excerpt(first.0.name(), 80),
        excerpt(second.0.name(), 80),
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, second.1, message)
        .related(first.1, "the other one")
        .help("policies name a named value by its display name; give each its own")
}
