use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2049),
    name: "unresolved-name",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a WSDL document names a message, binding or type that it does not have",
    shows_source: true,
    page: include_str!("unresolved_name.md"),
};

/// There is no `word` called `name`.
pub fn found(at: Span, word: &str, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!(
        "the document has no {word} `{}` in this namespace",
        excerpt(name, 60)
    );
    let finding = Diagnostic::new(&RULE, at, message);
    match near {
        Some(near) if near != name => finding
            .help(format!("did you mean `{}`?", excerpt(near, 60)))
            .proposes(name, near),
        Some(_) => finding.help("it has one in another namespace: look at the prefix"),
        None => finding.help("correct the name or its prefix, or add what it names"),
    }
}
