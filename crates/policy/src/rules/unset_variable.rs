use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3034),
    name: "unset-variable",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "a context variable is read that nothing sets before",
    shows_source: true,
    page: include_str!("unset_variable.md"),
};

/// The variable `name` is read at `read`, and nothing sets it; `near` may have been meant.
/// `span` is where the document has it, by a fragment perhaps.
pub fn found(span: Span, name: &str, near: Option<&str>, read: Span) -> Diagnostic {
    let variable = name;
    let name = excerpt(name, 60);
    let finding = if read == span {
        let message = format!("nothing sets the variable `{name}` before this");
        Diagnostic::new(&RULE, span, message)
    } else {
        let message =
            format!("this fragment reads the variable `{name}`, and nothing sets it before");
        Diagnostic::new(&RULE, span, message).related(read, "it is read here")
    };
    match near {
        Some(near) => finding
            .help(format!("did you mean `{}`?", excerpt(near, 60)))
            .proposes(variable, near),
        None => {
            finding.help("set it before with `<set-variable>`, or read it with `GetValueOrDefault`")
        }
    }
}
