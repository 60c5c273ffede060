use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(7041),
    name: "values-stay-literals",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "values of the environment did not become parameters",
    shows_source: true,
    page: include_str!("values_stay_literals.md"),
};

/// `names` of resources whose values of the environment stay as they are.
pub fn found(place: Place, names: &[String]) -> Diagnostic {
    let shown: Vec<String> = names.iter().take(5).map(|name| excerpt(name, 80)).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "a template has 256 parameters; these values of the environment stand in it as they are: {}{more}",
        shown.join(", ")
    );
    Diagnostic::new(&RULE, place, message)
}
