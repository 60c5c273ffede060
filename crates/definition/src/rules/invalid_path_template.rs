use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2022),
    name: "invalid-path-template",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a path is none that Azure takes",
    shows_source: true,
    page: include_str!("invalid_path_template.md"),
};

/// `path` at `at` begins with something else.
pub fn no_slash(at: Span, path: &str) -> Diagnostic {
    let shown = excerpt(path, 80);
    let message = format!(
        "the path `{shown}` does not begin with a slash: Azure says \"{shown} is not a valid property\""
    );
    Diagnostic::new(&RULE, at, message).help(format!("write `/{shown}`"))
}

pub fn unclosed(at: Span, path: &str) -> Diagnostic {
    let message = format!(
        "a brace in the path `{}` does not close",
        excerpt(path, 120)
    );
    Diagnostic::new(&RULE, at, message).help("write `}` behind the name of the parameter")
}

pub fn unopened(at: Span, path: &str) -> Diagnostic {
    let message = format!("a `}}` in the path `{}` closes nothing", excerpt(path, 120));
    Diagnostic::new(&RULE, at, message).help("write `{` before the name of the parameter")
}

pub fn empty(at: Span, path: &str) -> Diagnostic {
    let message = format!(
        "a parameter in the path `{}` has no name",
        excerpt(path, 120)
    );
    Diagnostic::new(&RULE, at, message).help("write its name between the braces")
}

pub fn twice(at: Span, path: &str, name: &str) -> Diagnostic {
    let (path, name) = (excerpt(path, 120), excerpt(name, 60));
    let message = format!("the parameter `{name}` is twice in the path `{path}`");
    Diagnostic::new(&RULE, at, message)
        .help("names are unique in a URL template, whatever their case; rename one")
}
