use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4015),
    name: "nested-named-value",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the value of a named value asks for another named value",
    shows_source: false,
    page: include_str!("nested_named_value.md"),
};

/// The value of `key` asks for the named value `asked`.
pub fn found(place: Place, key: &Key, asked: &str) -> Diagnostic {
    let message = format!(
        "the value of named value `{}` has `{{{{{}}}}}` in it, which Azure does not replace there",
        excerpt(key.name(), 80),
        excerpt(asked, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("write the text itself, or put both side by side where they are used")
}
