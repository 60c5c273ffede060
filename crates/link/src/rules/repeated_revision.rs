use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1037),
    name: "repeated-revision",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a folder repeats the current revision",
    shows_source: true,
    page: include_str!("repeated_revision.md"),
};

/// The revision `name` is the current one, which stands in the folder `root`.
pub fn found(place: Place, name: &str, root: &str) -> Diagnostic {
    let (name, root) = (excerpt(name, 80), excerpt(root, 80));
    let message = format!("`{name}` is not rendered: `{root}` is the same revision");
    Diagnostic::new(&RULE, place, message).help(format!("remove the folder `{name}`"))
}
