use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2013),
    name: "some-services-refuse",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an API definition uses what is valid, but what some services refuse",
    shows_source: true,
    page: include_str!("some_services_refuse.md"),
};

/// A field that came with 3.1.
pub fn field(at: Span, name: &str) -> Diagnostic {
    let message = format!(
        "`{name}` came with OpenAPI 3.1: older services answer \"{name} is not a valid property\""
    );
    Diagnostic::new(&RULE, at, message).help("leave it out where they must import the API, too")
}

/// A keyword of schemas that came with 3.1.
pub fn keyword(at: Span, name: &str) -> Diagnostic {
    let message = format!(
        "the keyword `{name}` came with OpenAPI 3.1: older services answer \"{name} is not a valid property\""
    );
    Diagnostic::new(&RULE, at, message)
        .help("say it in words of 3.0 where they must import the API, too")
}

/// A schema that is `true` or `false`.
pub fn boolean_schema(at: Span) -> Diagnostic {
    let message = "a schema that is a boolean came with OpenAPI 3.1, and readers fail on it";
    Diagnostic::new(&RULE, at, message).help("write `{}` for `true`, and `not: {}` for `false`")
}

/// `exclusiveMinimum` and the like with a number.
pub fn exclusive(at: Span, name: &str) -> Diagnostic {
    let message = format!(
        "a number for `{name}` came with OpenAPI 3.1: older services answer \"was not recognized as a valid Boolean\""
    );
    Diagnostic::new(&RULE, at, message)
        .help("3.0 has a boolean, and the number in `minimum` or `maximum`")
}

/// A list of types.
pub fn type_list(at: Span, two: bool) -> Diagnostic {
    let message = "a list of types: some services answer \"Cannot create a scalar value from this type of node\"";
    Diagnostic::new(&RULE, at, message).help(if two {
        "name one type; `x-nullable: true` says that it may be null"
    } else {
        "name one type where they must import the API, too; 3.0 has `nullable: true`"
    })
}

/// A list of schemas for the items of an array.
pub fn items_list(at: Span) -> Diagnostic {
    let message = "`items` is a list: the reader answers \"schema must be a map/object\"";
    Diagnostic::new(&RULE, at, message).help("write one schema for all items")
}

/// A reference to something that is no component.
pub fn reference(at: Span, reference: &str) -> Diagnostic {
    let shown = excerpt(reference, 120);
    let message = format!(
        "`{shown}` names no component: older services answer \"The reference string has invalid format\""
    );
    Diagnostic::new(&RULE, at, message).help("make what it names a component, and refer to that")
}

/// The name of a component of 2.0.
pub fn component_name(at: Span, name: &str) -> Diagnostic {
    let shown = excerpt(name, 80);
    let message = format!(
        "the name `{shown}` has characters that OpenAPI 3.x does not allow: \"MUST match the regular expression '^[a-zA-Z0-9\\.\\-_]+$'\""
    );
    Diagnostic::new(&RULE, at, message)
        .help("2.0 allows it; use letters, digits, `.`, `-` and `_` alone")
}

/// An e-mail address of 2.0.
pub fn email(at: Span, text: &str) -> Diagnostic {
    let shown = excerpt(text, 80);
    let message =
        format!("`{shown}` is no e-mail address: \"MUST be in the format of an email address\"");
    Diagnostic::new(&RULE, at, message).help("write one with a `@`, or leave it out")
}

/// A discriminator of a schema that is no component, in 3.0.
pub fn inline_discriminator(at: Span, property: &str) -> Diagnostic {
    let property = excerpt(property, 60);
    let message = format!(
        "the schema does not require its discriminator `{property}`: newer services answer \"Schema must contain property specified in the discriminator\""
    );
    Diagnostic::new(&RULE, at, message).help(format!("add `{property}` to `required`"))
}

/// A discriminator of 2.0.
pub fn discriminator(at: Span, schema: &str, property: &str) -> Diagnostic {
    let (schema, property) = (excerpt(schema, 60), excerpt(property, 60));
    let message = format!("the schema `{schema}` does not require its discriminator `{property}`");
    Diagnostic::new(&RULE, at, message).help(format!("add `{property}` to `required`"))
}
