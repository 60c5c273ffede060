use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(3001),
    name: "malformed-policy",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy document cannot be read",
    shows_source: true,
    page: include_str!("malformed_policy.md"),
};

/// What the parser met at `span`.
pub fn found(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, span, message)
}

/// The text ends at `end`; the element `name` was opened at `start`.
pub fn not_closed(end: Span, name: &str, start: Span) -> Diagnostic {
    let message = format!("`<{}>` is not closed", excerpt(name, 60));
    Diagnostic::new(&RULE, end, message)
        .related(start, "opened here")
        .help("close the element")
}

/// There is nothing in the document.
pub fn empty(start: Span, expected: &str) -> Diagnostic {
    Diagnostic::new(&RULE, start, "the policy document is empty")
        .help(format!("it needs a `<{expected}>` element"))
}

/// A `<` with no name after it.
pub fn no_element(span: Span) -> Diagnostic {
    Diagnostic::new(&RULE, span, "`<` opens no element here")
        .help("write `&lt;`, or put the text in an expression or CDATA")
}

/// The text is `path`, where a policy was to be.
pub fn path(span: Span, path: &str) -> Diagnostic {
    let message = format!(
        "the value is the path `{}`, and no policy",
        excerpt(path, 80)
    );
    Diagnostic::new(&RULE, span, message).help(
        "name the file `policy.xml`, in the folder of the information file, and remove `value`",
    )
}
