use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2017),
    name: "invalid-field-value",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a field of an API definition has a value that is not allowed",
    shows_source: true,
    page: include_str!("invalid_field_value.md"),
};

fn list(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("one of {}", words.join(", "))
}

/// `text` for `name` at `at` is none of `words`.
pub fn word(at: Span, name: &str, text: &str, words: &[&str]) -> Diagnostic {
    let message = format!("`{}` is no value of `{name}`", excerpt(text, 60));
    Diagnostic::new(&RULE, at, message).help(format!("write {}", list(words)))
}

/// A parameter that is in no place.
pub fn place(at: Span, text: &str, words: &[&str]) -> Diagnostic {
    let message = format!("`in: {}` is no place of a parameter", excerpt(text, 60));
    let help = format!(
        "write {}; Azure says \"The field 'in' in 'parameter' object is REQUIRED\"",
        list(words)
    );
    Diagnostic::new(&RULE, at, message).help(help)
}

/// A value that is allowed in other places of a parameter.
pub fn not_here(at: Span, name: &str, text: &str, place: &str) -> Diagnostic {
    let message = format!(
        "`{name}: {}` is not allowed for a parameter in `{place}`",
        excerpt(text, 60)
    );
    Diagnostic::new(&RULE, at, message).help("choose another value, or another place")
}

pub fn start(at: Span, name: &str, text: &str, start: &str) -> Diagnostic {
    let message = format!(
        "`{name}: {}` does not begin with `{start}`",
        excerpt(text, 60)
    );
    Diagnostic::new(&RULE, at, message).help(format!("write `{start}` before it"))
}

pub fn host(at: Span, text: &str) -> Diagnostic {
    let message = format!(
        "`{}` is no host: Azure says \"Invalid host\"",
        excerpt(text, 80)
    );
    Diagnostic::new(&RULE, at, message).help(
        "write the name and perhaps a port; the scheme goes to `schemes`, the path to `basePath`",
    )
}

pub fn email(at: Span, text: &str) -> Diagnostic {
    let message = format!("`{}` is no e-mail address", excerpt(text, 80));
    Diagnostic::new(&RULE, at, message)
        .help("write one with a `@`, or leave it out; Azure says \"MUST be in the format of an email address\"")
}

/// A list that must not be empty.
pub fn empty(at: Span, name: &str) -> Diagnostic {
    let message = format!("`{name}` is an empty list");
    Diagnostic::new(&RULE, at, message)
        .help("leave it out: the official schema of 2.0 wants an item in it")
}

pub fn too_small(at: Span, name: &str) -> Diagnostic {
    let message = format!("`{name}` is too small a number");
    Diagnostic::new(&RULE, at, message)
        .help("`multipleOf` is above zero, lengths and counts are not below it")
}
