use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1002),
    name: "several-projects",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "more than one project root was found",
    shows_source: true,
    page: include_str!("several_projects.md"),
};

/// `count` roots, of which `shown` names some and `first` is one.
pub fn found(count: usize, shown: &str, first: &str) -> Diagnostic {
    let message = format!("{count} project roots were found: {shown}");
    Diagnostic::new(&RULE, Place::Source, message).help(format!(
        "choose one, for example `--path '{first}'`; `flux-apim validate` takes several folders, and checks each"
    ))
}
