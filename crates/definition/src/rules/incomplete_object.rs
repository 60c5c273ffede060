use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2011),
    name: "incomplete-object",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an object lacks what the specification asks for, and Azure imports it all the same",
    shows_source: true,
    page: include_str!("incomplete_object.md"),
};

/// The `object` at `at` has no `field`.
pub fn field(at: Span, object: &str, field: &str) -> Diagnostic {
    let message = format!("`{object}` should have the field `{field}`");
    Diagnostic::new(&RULE, at, message)
        .help(format!("add `{field}`; not every reader insists on it"))
}

/// A document of 3.1 without `paths`.
pub fn paths(at: Span) -> Diagnostic {
    let message = "there are no `paths`, and nothing else becomes an operation";
    Diagnostic::new(&RULE, at, message)
        .help("OpenAPI 3.1 allows it; older services answer \"The field 'paths' in 'document' object is REQUIRED\"")
}

/// A parameter of 3.x that has no type.
pub fn no_schema(at: Span) -> Diagnostic {
    let message = "the parameter has neither `schema` nor `content`";
    Diagnostic::new(&RULE, at, message).help("add `schema: {type: string}`, or what it is")
}

/// A parameter with both.
pub fn schema_and_content(at: Span) -> Diagnostic {
    let message = "the parameter has both `schema` and `content`, of which one counts";
    Diagnostic::new(&RULE, at, message).help("keep `schema` alone")
}
