use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2018),
    name: "doubtful-field-value",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a field of an API definition has a value that means nothing, and Azure does not say so",
    shows_source: true,
    page: include_str!("doubtful_field_value.md"),
};

/// `text` for `name` at `at` is none of `words`.
pub fn word(at: Span, name: &str, text: &str, words: &[&str]) -> Diagnostic {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let message = format!("`{}` is no value of `{name}`", excerpt(text, 60));
    Diagnostic::new(&RULE, at, message).help(format!("write one of {}", words.join(", ")))
}

/// `swagger: 2.0` without quotes.
pub fn bare_version(at: Span) -> Diagnostic {
    let message = "`swagger: 2.0` is a number, and the official schema wants text";
    Diagnostic::new(&RULE, at, message)
        .help("write `swagger: \"2.0\"`; the rendered definition has it so")
}

/// The address of a server.
pub fn address(at: Span, text: &str) -> Diagnostic {
    let message = format!("`{}` is no URL", excerpt(text, 120));
    Diagnostic::new(&RULE, at, message).help(
        "Azure takes the first server for the address of the backend; write `https://host/path`",
    )
}

/// `exclusiveMinimum: true` in 3.1.
pub fn exclusive(at: Span, name: &str) -> Diagnostic {
    let message =
        format!("`{name}` is a boolean, as in OpenAPI 3.0; in 3.1 it is the bound itself");
    Diagnostic::new(&RULE, at, message).help(format!("write the number here: `{name}: 10`"))
}

pub fn empty_enum(at: Span) -> Diagnostic {
    let message = "`enum` is empty: no value is valid";
    Diagnostic::new(&RULE, at, message).help("list the values, or leave it out")
}

pub fn too_small(at: Span, name: &str) -> Diagnostic {
    let message = format!("`{name}` is too small a number");
    Diagnostic::new(&RULE, at, message)
        .help("`multipleOf` is above zero, lengths and counts are not below it")
}
