use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3035),
    name: "variable-spelling",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a context variable is read under another spelling than it is set",
    shows_source: true,
    page: include_str!("variable_spelling.md"),
};

/// The variable is read as `name` and set as `set`.
pub fn found(span: Span, name: &str, set: &str, read: Span) -> Diagnostic {
    let (name, set) = (excerpt(name, 60), excerpt(set, 60));
    let message = format!("the variable is read as `{name}`, and set as `{set}`");
    let finding = Diagnostic::new(&RULE, span, message).help("write the name in one way");
    match read == span {
        true => finding,
        false => finding.related(read, "it is read here"),
    }
}
