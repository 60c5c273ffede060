use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2012),
    name: "unknown-field",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "an object of an API definition has a field that its version does not know",
    shows_source: true,
    page: include_str!("unknown_field.md"),
};

/// Fields that people bring from another version: name, whether it is of 3.x, advice.
const OTHERS: &[(&str, bool, &str)] = &[
    ("swagger", false, "OpenAPI 3.x begins with `openapi: 3.0.1`"),
    ("host", false, "OpenAPI 3.x has `servers` instead"),
    ("basePath", false, "OpenAPI 3.x has `servers` instead"),
    ("schemes", false, "OpenAPI 3.x has `servers` instead"),
    (
        "consumes",
        false,
        "OpenAPI 3.x names media types below `requestBody.content`",
    ),
    (
        "produces",
        false,
        "OpenAPI 3.x names media types below the `content` of each response",
    ),
    (
        "definitions",
        false,
        "OpenAPI 3.x has `components.schemas` instead",
    ),
    (
        "responses",
        false,
        "OpenAPI 3.x has `components.responses` instead",
    ),
    (
        "securityDefinitions",
        false,
        "OpenAPI 3.x has `components.securitySchemes` instead",
    ),
    ("type", false, "OpenAPI 3.x has it inside `schema`"),
    ("format", false, "OpenAPI 3.x has it inside `schema`"),
    ("enum", false, "OpenAPI 3.x has it inside `schema`"),
    ("default", false, "OpenAPI 3.x has it inside `schema`"),
    ("items", false, "OpenAPI 3.x has it inside `schema`"),
    (
        "collectionFormat",
        false,
        "OpenAPI 3.x has `style` and `explode` instead",
    ),
    (
        "schema",
        false,
        "OpenAPI 3.x has it below `content`, by media type",
    ),
    ("flow", false, "OpenAPI 3.x has `flows` instead"),
    (
        "webhooks",
        false,
        "it came with OpenAPI 3.1, which the document does not declare",
    ),
    (
        "summary",
        false,
        "it came with OpenAPI 3.1, which the document does not declare",
    ),
    (
        "identifier",
        false,
        "it came with OpenAPI 3.1, which the document does not declare",
    ),
    (
        "pathItems",
        false,
        "it came with OpenAPI 3.1, which the document does not declare",
    ),
    (
        "jsonSchemaDialect",
        false,
        "it came with OpenAPI 3.1, which the document does not declare",
    ),
    ("openapi", true, "2.0 begins with `swagger: \"2.0\"`"),
    (
        "components",
        true,
        "2.0 has `definitions`, `parameters` and `responses` at the top instead",
    ),
    (
        "servers",
        true,
        "2.0 has `host`, `basePath` and `schemes` instead",
    ),
    (
        "requestBody",
        true,
        "2.0 has a parameter with `in: body` instead",
    ),
    (
        "content",
        true,
        "2.0 has `schema`, and `produces` and `consumes` for media types",
    ),
    ("oneOf", true, "it came with OpenAPI 3.0"),
    ("anyOf", true, "it came with OpenAPI 3.0"),
    ("not", true, "it came with OpenAPI 3.0"),
    (
        "nullable",
        true,
        "it came with OpenAPI 3.0; 2.0 has `x-nullable`",
    ),
    ("writeOnly", true, "it came with OpenAPI 3.0"),
    ("deprecated", true, "it came with OpenAPI 3.0 there"),
    ("callbacks", true, "it came with OpenAPI 3.0"),
];

/// `name` at `at` is no field of `object`; `near` is one. `three` is the document's
/// version.
pub fn found(at: Span, name: &str, object: &str, near: Option<&str>, three: bool) -> Diagnostic {
    let shown = excerpt(name, 60);
    let message = format!("`{shown}` is not a valid property of `{object}`");
    let other = OTHERS
        .iter()
        .find(|(other, of_three, _)| *other == name && *of_three != three);
    let help = match (other, near) {
        (Some((.., advice)), _) => (*advice).to_owned(),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => "remove it; a field of your own begins with `x-`".to_owned(),
    };
    let finding = Diagnostic::new(&RULE, at, message).help(help);
    match (other, near) {
        (None, Some(near)) => finding.renames(name, near),
        _ => finding,
    }
}

/// `name` at `at` is a field elsewhere, but not of `what`.
pub fn not_of_this(at: Span, name: &str, what: &str) -> Diagnostic {
    let shown = excerpt(name, 60);
    let message = format!("`{shown}` is not a valid property of {what}");
    Diagnostic::new(&RULE, at, message)
        .help("remove it: \"JSON is valid against no schemas from 'oneOf'\", says the check of 2.0")
}
