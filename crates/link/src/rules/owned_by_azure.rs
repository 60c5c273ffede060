use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1018),
    name: "owned-by-azure",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a resource that API Management makes itself is not rendered",
    shows_source: true,
    page: include_str!("owned_by_azure.md"),
};

/// `names` are resources that API Management makes; `what` says what they are, in the
/// plural.
pub fn found(place: Place, what: &str, names: &[&str]) -> Diagnostic {
    let shown: Vec<String> = names
        .iter()
        .take(3)
        .map(|n| format!("`{}`", excerpt(n, 80)))
        .collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{what} are not rendered, API Management makes them itself: {}{more}",
        shown.join(", ")
    );
    Diagnostic::new(&RULE, place, message)
}
