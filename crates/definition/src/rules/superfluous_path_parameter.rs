use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2027),
    name: "superfluous-path-parameter",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a path parameter is not in the path",
    shows_source: true,
    page: include_str!("superfluous_path_parameter.md"),
};

/// `name` at `at` is not in `path`; `meant` is.
pub fn found(at: Span, name: &str, path: &str, meant: Option<&str>) -> Diagnostic {
    let (name, path) = (excerpt(name, 60), excerpt(path, 120));
    let message = format!("the path parameter `{name}` is not in the path `{path}`");
    let help = match meant {
        Some(meant) => format!("did you mean `{}`?", excerpt(meant, 60)),
        None => "add it to the path between braces, or choose another `in`".to_owned(),
    };
    let azure =
        format!("Declared path parameter \"{name}\" needs to be defined as a path parameter");
    Diagnostic::new(&RULE, at, message).help(format!("{help} Azure says: {azure}"))
}
