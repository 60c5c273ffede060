use flux_apim_diag::tree::ArtifactPath;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2004),
    name: "unresolved-reference",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `$ref` points at nothing",
    shows_source: true,
    page: include_str!("unresolved_reference.md"),
};

/// The name of a place that is no JSON pointer.
pub fn no_pointer(span: Span, shown: &str) -> Diagnostic {
    new(span, format!("`{shown}` is no JSON pointer"))
}

/// A path that climbs out of the source.
pub fn leaves_source(span: Span, shown: &str) -> Diagnostic {
    new(span, format!("`{shown}` leaves the source"))
}

/// There is no file `path`.
pub fn no_file(span: Span, shown: &str, path: &str) -> Diagnostic {
    new(
        span,
        format!("`{shown}` points at `{path}`, which does not exist"),
    )
}

/// There is nothing at the place in the file `path`.
pub fn nothing_there(span: Span, shown: &str, path: &ArtifactPath) -> Diagnostic {
    new(span, format!("`{shown}` points at nothing in `{path}`"))
}

fn new(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&RULE, span, message).help("correct the reference, or add what it names")
}
