use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2015),
    name: "wrong-type",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a value of an API definition is of another kind than its place wants",
    shows_source: true,
    page: include_str!("wrong_type.md"),
};

/// What belongs in a place, and what Azure says when it is something else.
#[derive(Debug)]
pub struct Expected {
    /// In words.
    pub what: &'static str,
    sentence: &'static str,
}

pub static TEXT: Expected = Expected {
    what: "a text",
    sentence: "Cannot create a scalar value from this type of node",
};
pub static SCALAR: Expected = Expected {
    what: "a text, a number or a boolean",
    sentence: "Expected scalar value",
};
pub static BOOLEAN: Expected = Expected {
    what: "`true` or `false`",
    sentence: "was not recognized as a valid Boolean",
};
pub static NUMBER: Expected = Expected {
    what: "a number",
    sentence: "was not in a correct format",
};
pub static WHOLE: Expected = Expected {
    what: "a whole number",
    sentence: "was not in a correct format",
};
pub static LIST: Expected = Expected {
    what: "a list",
    sentence: "Cannot create list from this type of node",
};
pub static TEXTS: Expected = Expected {
    what: "a list of texts",
    sentence: "Cannot create simple list from this type of node",
};
pub static MAP: Expected = Expected {
    what: "an object",
    sentence: "Cannot create map from this type of node",
};
pub static OBJECT: Expected = Expected {
    what: "an object",
    sentence: "must be a map/object",
};
pub static SCHEMA: Expected = Expected {
    what: "a schema (an object)",
    sentence: "schema must be a map/object",
};

/// What is named `name`, or an item, at `at` is `found`, a kind of value.
pub fn found(at: Span, name: Option<&str>, expected: &Expected, found: &str) -> Diagnostic {
    let name = name.map_or("an item".to_owned(), |name| {
        format!("`{}`", excerpt(name, 60))
    });
    let message = format!("{name} is {found} where {} belongs", expected.what);
    let help = format!(
        "write {}; Azure says \"{}\"",
        expected.what, expected.sentence
    );
    Diagnostic::new(&RULE, at, message).help(help)
}
