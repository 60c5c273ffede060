use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2059),
    name: "unknown-proto-type",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `.proto` file names a type that it does not declare",
    shows_source: true,
    page: include_str!("unknown_proto_type.md"),
};

/// There is no type `name`.
pub fn found(at: Span, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!(
        "the file has no type `{}` that is seen from here",
        excerpt(name, 60)
    );
    let finding = Diagnostic::new(&RULE, at, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{}`?", excerpt(near, 60)))
            .proposes(name, near),
        None => finding.help("declare it, or correct its name"),
    }
}
