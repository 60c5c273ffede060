use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2014),
    name: "unknown-schema-keyword",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a schema has a keyword that its version does not know",
    shows_source: true,
    page: include_str!("unknown_schema_keyword.md"),
};

/// `name` at `at`; `near` is a keyword, `later` says that 3.1 has it.
pub fn found(at: Span, name: &str, near: Option<&str>, later: bool) -> Diagnostic {
    let shown = excerpt(name, 60);
    let message = format!(
        "`{shown}` is no keyword of schemas: older services answer \"{shown} is not a valid property\""
    );
    let help = match (later, near) {
        (true, _) => "it came with OpenAPI 3.1, which the document does not declare".to_owned(),
        (false, Some(near)) => format!("did you mean `{near}`?"),
        (false, None) => "remove it; a keyword of your own begins with `x-`".to_owned(),
    };
    let finding = Diagnostic::new(&RULE, at, message).help(help);
    match near.filter(|_| !later) {
        Some(near) => finding.renames(name, near),
        None => finding,
    }
}
