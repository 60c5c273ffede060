use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3036),
    name: "variable-type",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a context variable is cast to another type than it has",
    shows_source: true,
    page: include_str!("variable_type.md"),
};

/// The variable `name` holds a `held`, and is cast to `wanted` at `read`.
pub fn found(span: Span, name: &str, held: &str, wanted: &str, read: Span) -> Diagnostic {
    let name = excerpt(name, 60);
    let message = format!("the variable `{name}` holds a `{held}`, so a cast to `{wanted}` fails");
    let finding = Diagnostic::new(&RULE, span, message)
        .help("set the variable to a value of the type, or convert it where it is read");
    match read == span {
        true => finding,
        false => finding.related(read, "it is read here"),
    }
}
