use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2061),
    name: "unknown-metadata-type",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "OData metadata name a type that they do not have",
    shows_source: true,
    page: include_str!("unknown_metadata_type.md"),
};

/// There is no type called `name`.
pub fn found(at: Span, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!("the metadata have no type `{}`", excerpt(name, 100));
    let finding = Diagnostic::new(&RULE, at, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{}`?", excerpt(near, 60)))
            .proposes(name, near),
        None => finding.help("correct the name, or add the type"),
    }
}
